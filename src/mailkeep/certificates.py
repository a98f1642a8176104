"""The server's certificate: from files, or self-signed in the data directory; and the TLS context made of it.

- Private keys are written with mode 0600, and replaced whole.
- The context stays the same object for the life of the server: a reload gives it another certificate for the
  handshakes to come, and leaves the connections there are alone.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import ssl
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mailkeep.net.secured import ServerContext
from mailkeep.service.wellknown import WEB_HOSTS

LIFE: Final = dt.timedelta(days=820)  # Apple refuses server certificates valid for more than 825 days
RENEW_BEFORE: Final = dt.timedelta(days=30)
SERVICE_NAMES: Final = (*WEB_HOSTS, "mail", "imap", "pop", "smtp")  # what clients try in a domain


class CertificateError(Exception):
    """Certificate and key cannot be used; the text says which file and why."""


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """PEM files of a certificate (with its chain) and its private key."""

    certificate: Path
    key: Path


def names_for(hostname: str, domains: Iterable[str], more: Iterable[str] = ()) -> tuple[str, ...]:
    """The names and addresses that a self-signed certificate needs, in a fixed order, each once.

    For each domain of accounts `names_of` it.
    """
    names = ["localhost", "127.0.0.1", "::1", hostname, *more]
    for domain in sorted(set(domains)):
        names += names_of(domain)
    return tuple(dict.fromkeys(name.lower() for name in names))


def names_of(domain: str) -> tuple[str, ...]:
    """The names that clients of a domain's accounts try: itself, autoconfig., autodiscover., mail., …"""
    return (domain, *(f"{service}.{domain}" for service in SERVICE_NAMES))


def self_signed_files(directory: Path) -> CertificateFiles:
    """Where `ensure_self_signed` keeps it."""
    return CertificateFiles(directory / "certificate.pem", directory / "key.pem")


def ensure_self_signed(directory: Path, names: Collection[str], now: dt.datetime) -> CertificateFiles:
    """The self-signed certificate in `directory`, made anew if it lacks one of `names` or will soon run out.

    Names that it already has are kept, so that a name once served goes on working.
    """
    files = self_signed_files(directory)
    old = _read_names(files, now)
    if old is None or not set(names) <= set(old):
        _write_self_signed(files, tuple(dict.fromkeys((*names, *(old or ())))), now)
    return files


class TlsContext:
    """Server-side `ssl.SSLContext`s that can be given other certificates while they are in use.

    `context` is for mail, `web` for HTTPS.  Clients that ask for a host in `others` are shown the certificate that is
    given there, all others `files`.  TLS 1.2 and up.  No session tickets: they cost 25 kB of memory per idle
    connection.
    Raises: CertificateError on opening and on `reload`, which then leaves the certificates in use as they were; never
    for one of `others`, in whose place `files` are shown.
    """

    __slots__ = ("_authorities", "_made", "context", "files", "others", "web")

    def __init__(self, files: CertificateFiles, others: Mapping[str, CertificateFiles] | None = None) -> None:
        self.context: Final = _context(files)
        self.web: Final = _context(files)
        _for_web(self.web)
        for context in (self.context, self.web):
            context.sni_callback = self._choose
        self.files = files
        self.others = others or {}
        self._authorities: Path | None = None
        self._made: dict[tuple[CertificateFiles, bool], ServerContext] = {}  # of others; True: for HTTPS

    def reload(self, files: CertificateFiles, others: Mapping[str, CertificateFiles] | None = None) -> None:
        """Use these (read again) for handshakes from now on."""
        _context(files)  # fails here, before the context in use has been touched
        for context in (self.context, self.web):
            context.load_cert_chain(files.certificate, files.key)
            context.end_point = _end_point(files)
        self.files = files
        self.others = others or {}
        self._made = {}

    def ask_clients(self, authorities: Path | None) -> None:
        """Ask mail programs for a certificate, which one of these (PEM) must vouch for; None: ask for none.

        They may come without.  An authority that was given before goes on counting.
        Raises: CertificateError (the file cannot be used; nothing has changed then).
        """
        if authorities is not None:
            _ask_clients(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), authorities)
        self._authorities = authorities
        _ask_clients(self.context, authorities)
        self._made = {}

    def files_of(self, context: ssl.SSLContext | None) -> CertificateFiles:
        """What a connection shows whose SSL object has this context."""
        return next((files for (files, _), made in self._made.items() if made is context), self.files)

    def _choose(self, connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, context: ssl.SSLContext) -> None:
        """Called by `ssl` once a client has said whom it wants."""
        files = self.others.get(name.lower()) if name else None
        if files is None or connection.context is not context:  # a challenge has been recognized before
            return
        key = files, context is self.web
        if key not in self._made:
            with suppress(CertificateError):
                self._made[key] = _context(files)
                if context is self.web:
                    _for_web(self._made[key])
                else:
                    _ask_clients(self._made[key], self._authorities)
        connection.context = self._made.get(key, context)


def first_expiry(every: Iterable[CertificateFiles]) -> float | None:
    """When the first of these runs out, in UTC seconds; None where none of them can be read."""
    ends: list[float] = []
    for files in set(every):
        with suppress(OSError, ValueError):
            certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
            ends.append(certificate.not_valid_after_utc.timestamp())
    return min(ends, default=None)


def check_files(files: CertificateFiles) -> None:
    """Raises: CertificateError (they are no certificate and its key)."""
    _context(files)


def _for_web(context: ssl.SSLContext) -> None:
    context.set_alpn_protocols(["http/1.1"])


def _context(files: CertificateFiles) -> ServerContext:
    context = ServerContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.num_tickets = 0
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    for file in (files.certificate, files.key):
        try:
            file.read_bytes()
        except OSError as error:
            raise CertificateError(f"{file}: cannot be read: {error.strerror}") from error
    try:
        context.load_cert_chain(files.certificate, files.key, password=_no_password)
    except (ssl.SSLError, ValueError) as error:
        raise CertificateError(
            f"{files.certificate} and {files.key} are not a PEM certificate and its unencrypted key: {error}"
        ) from error
    context.end_point = _end_point(files)
    return context


def _end_point(files: CertificateFiles) -> bytes:
    """The hash of a certificate for "tls-server-end-point" (RFC 5929 §4.1), b"" where that is not defined."""
    try:
        certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
        algorithm = certificate.signature_hash_algorithm
    except (OSError, ValueError, UnsupportedAlgorithm):  # OpenSSL takes it, so it is served
        return b""
    if algorithm is None:  # as with Ed25519
        return b""
    weak = isinstance(algorithm, (hashes.MD5, hashes.SHA1))
    return certificate.fingerprint(hashes.SHA256() if weak else algorithm)


def _ask_clients(context: ssl.SSLContext, authorities: Path | None) -> None:
    if authorities is None:
        context.verify_mode = ssl.CERT_NONE
        return
    try:
        context.load_verify_locations(authorities)
    except (OSError, ssl.SSLError) as error:
        raise CertificateError(f"{authorities}: is no PEM file of certificate authorities: {error}") from error
    context.verify_mode = ssl.CERT_OPTIONAL


def _no_password() -> str:
    """Instead of OpenSSL asking on the terminal for an encrypted key's password."""
    raise ValueError("the key is encrypted")


def _read_names(files: CertificateFiles, now: dt.datetime) -> tuple[str, ...] | None:
    """The names in the certificate there is, or None if there is none worth keeping."""
    try:
        certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
        _context(files)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, CertificateError, x509.ExtensionNotFound):
        return None
    if certificate.not_valid_after_utc - now < RENEW_BEFORE or certificate.not_valid_before_utc > now:
        return None  # the latter where the clock was wrong when it was made
    return tuple(str(name.value) for name in names)


def _write_self_signed(files: CertificateFiles, names: Collection[str], now: dt.datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _build(key, names, now).sign(key, hashes.SHA256())
    # A crash between the two leaves a pair that does not match; `_read_names` then has both made anew.
    replace_file(
        files.key,
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        0o600,
    )
    replace_file(files.certificate, certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _build(key: ec.EllipticCurvePrivateKey, names: Collection[str], now: dt.datetime) -> x509.CertificateBuilder:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mailkeep self-signed")])
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))  # clocks differ
        .not_valid_after(now + LIFE)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        # Not an authority: whoever trusts it trusts this server, and nothing that its key might sign.
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
    )


def _key_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=False,
        crl_sign=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def replace_file(path: Path, content: bytes, mode: int) -> None:
    """Write `content` so that a reader sees the old file or the whole new one, never with a wider mode."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with open(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    temporary.replace(path)
