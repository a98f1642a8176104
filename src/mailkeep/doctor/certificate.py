"""The certificate: can the server use it, is it for this host, for how long, and who believes it?"""

from __future__ import annotations

import datetime as dt
import os
import ssl
import stat
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from mailkeep.certificates import CertificateError, CertificateFiles, TlsContext
from mailkeep.doctor.finding import Area, Finding, Level
from mailkeep.doctor.rights import user_name, who_bars

SOON: Final = 4  # a quarter of its life is left: a renewal should have happened (Let's Encrypt asks for a third)
VERY_SOON: Final = 10
RSA_BITS: Final = 2048  # below, clients of today refuse

RENEW: Final = "renew it, then send the server SIGHUP"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a certificate has to be for.

    `discovery`: names at which mail programs and servers look for settings, if somebody else has to see to them.
    `own`: mailkeep makes and renews it itself.
    """

    hostname: str
    discovery: Sequence[str]
    own: bool


def check_certificate(files: CertificateFiles, wanted: Wanted, now: dt.datetime) -> Iterator[Finding]:
    """Files, names, life and chain."""
    subject = str(files.certificate)
    if wanted.own and not files.certificate.exists():
        text = "is made when the server starts (self-signed)"
        yield Finding(Area.CERTIFICATE, Level.GOOD, subject, text)
        return
    try:
        TlsContext(files)
        chain = x509.load_pem_x509_certificates(files.certificate.read_bytes())
    except (CertificateError, OSError, ValueError) as error:
        todo = f"remove {files.key} and {subject}: they are made anew" if wanted.own else "name others, or set tls.acme"
        yield Finding(Area.CERTIFICATE, Level.FAULT, subject, str(error), todo)
        return
    yield from _key(files, chain[0])
    yield from _life(subject, chain[0], now, own=wanted.own)
    yield from _names(subject, chain[0], wanted)
    yield _trust(subject, chain, wanted, now)


def _key(files: CertificateFiles, certificate: x509.Certificate) -> Iterator[Finding]:
    mode = files.key.stat().st_mode
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        text = "everybody on this machine can read the private key"
        yield Finding(Area.CERTIFICATE, Level.FAULT, str(files.key), text, f"chmod 600 {files.key}")
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < RSA_BITS:
        text = f"its RSA key has {key.key_size} bits: clients refuse that"
        yield Finding(Area.CERTIFICATE, Level.FAULT, str(files.certificate), text, "have one made with a new key")


def _life(subject: str, certificate: x509.Certificate, now: dt.datetime, *, own: bool) -> Iterator[Finding]:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    left, whole = ends - now, ends - begins
    until = f"{ends:%Y-%m-%d %H:%M} UTC"
    todo = "restart the server: it makes another one" if own else RENEW
    if now < begins:
        text = f"holds only from {begins:%Y-%m-%d %H:%M} UTC on"
        yield Finding(Area.CERTIFICATE, Level.FAULT, subject, text, "look at the clock of this machine")
    elif left <= dt.timedelta(0):
        yield Finding(Area.CERTIFICATE, Level.FAULT, subject, f"ran out at {until}", todo)
    elif not own and left < whole / VERY_SOON:
        text = f"runs out at {until}, and nothing has renewed it"
        yield Finding(Area.CERTIFICATE, Level.FAULT, subject, text, todo)
    elif not own and left < whole / SOON:
        yield Finding(Area.CERTIFICATE, Level.ADVICE, subject, f"runs out at {until}", todo)
    else:
        yield Finding(Area.CERTIFICATE, Level.GOOD, subject, f"holds until {until}")


def _names(subject: str, certificate: x509.Certificate, wanted: Wanted) -> Iterator[Finding]:
    have = names_in(certificate)
    shown = ", ".join(have[:10]) or "no name at all"
    if not has_name(have, wanted.hostname):
        text = f"is not for {wanted.hostname}, but for {shown}: clients refuse it"
        todo = (
            f"restart the server: it adds {wanted.hostname}" if wanted.own else f"have one made for {wanted.hostname}"
        )
        yield Finding(Area.CERTIFICATE, Level.FAULT, subject, text, todo)
    else:
        yield Finding(Area.CERTIFICATE, Level.GOOD, subject, f"is for {wanted.hostname}")
    lacking = [name for name in wanted.discovery if not has_name(have, name)]
    if lacking and not wanted.own:
        text = f"lacks {', '.join(lacking)}, where others look for settings by HTTPS"
        todo = "have one made for these names too, if this server answers for them"
        yield Finding(Area.CERTIFICATE, Level.ADVICE, subject, text, todo)


def names_in(certificate: x509.Certificate) -> tuple[str, ...]:
    """The names that a client compares.  RFC 6125 §6.4: those of the extension alone."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    return tuple(str(name.value).lower() for name in names if isinstance(name, x509.DNSName | x509.IPAddress))


def has_name(names: Sequence[str], name: str) -> bool:
    """Whether one of `names` is `name`, or a wildcard for its first label.  RFC 6125 §6.4.3."""
    folded = name.lower()
    return folded in names or f"*.{folded.partition('.')[2]}" in names


def _trust(subject: str, chain: Sequence[x509.Certificate], wanted: Wanted, now: dt.datetime) -> Finding:
    leaf = chain[0]
    if leaf.issuer == leaf.subject:
        text = "is self-signed: each client has to be told to trust it, and other servers do not believe it"
        todo = "get one from a public authority: tls.acme = true, or tls.certificate and tls.key"
        return Finding(Area.CERTIFICATE, Level.ADVICE, subject, text, todo)
    fault = _mistrust(chain, wanted.hostname, now)
    if not fault:
        return Finding(Area.CERTIFICATE, Level.GOOD, subject, "an authority that this system trusts vouches for it")
    if len(chain) == 1:
        text = f"its file has no chain, without which many clients refuse it ({fault})"
        return Finding(
            Area.CERTIFICATE, Level.FAULT, subject, text, "name the file with the whole chain (fullchain.pem)"
        )
    text = f"is not trusted by this system: {fault}"
    return Finding(Area.CERTIFICATE, Level.ADVICE, subject, text, "clients have to know its authority")


def _mistrust(chain: Sequence[x509.Certificate], hostname: str, now: dt.datetime) -> str:
    """Why the authorities of this system do not lead to the certificate; "" where they do."""
    authorities = _authorities()
    if not authorities:
        return "this system has no list of authorities"
    names = [name for name in names_in(chain[0]) if "*" not in name]
    name = hostname if has_name(names_in(chain[0]), hostname) or not names else names[0]
    try:
        verifier = PolicyBuilder().store(Store(authorities)).time(now).build_server_verifier(x509.DNSName(name))
        verifier.verify(chain[0], list(chain[1:]))
    except (VerificationError, ValueError) as error:
        return str(error)
    return ""


def _authorities() -> list[x509.Certificate]:
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old authorities are written in ways that are no longer allowed
        for octets in ssl.create_default_context().get_ca_certs(binary_form=True):
            try:
                found.append(x509.load_der_x509_certificate(octets))
            except ValueError:
                continue
    return found


def check_issued(files: CertificateFiles, now: dt.datetime) -> Iterator[Finding]:
    """One of an authority for the hosts of a domain: the server asks for another one in time."""
    subject = str(files.certificate)
    try:
        TlsContext(files)
        [leaf, *_] = x509.load_pem_x509_certificates(files.certificate.read_bytes())
    except (CertificateError, OSError, ValueError) as error:
        yield Finding(Area.CERTIFICATE, Level.FAULT, subject, str(error), "`mailkeep certificate renew`")
        return
    yield from _life(subject, leaf, now, own=False)
    yield Finding(Area.CERTIFICATE, Level.GOOD, subject, f"is for {', '.join(names_in(leaf))}")


def check_served(files: CertificateFiles, served: Sequence[bytes], reload: str) -> Iterator[Finding]:
    """Whether the running server shows the certificate that is in the files.  `served`: DER."""
    try:
        there = x509.load_pem_x509_certificate(files.certificate.read_bytes()).public_bytes(Encoding.DER)
    except (OSError, ValueError):
        return  # `check_certificate` has said so
    if any(octets != there for octets in served if octets):
        text = "the running server shows another one"
        yield Finding(Area.CERTIFICATE, Level.FAULT, str(files.certificate), text, f"have it read again: {reload}")


def check_readable(files: CertificateFiles, uid: int) -> Iterator[Finding]:
    """Whether the user who runs the server, and is perhaps not the one who asks, can read the key."""
    barred = None if uid == os.geteuid() else who_bars(files.key.resolve(), uid)
    if barred:
        text = f"{user_name(uid)}, whose server this is, may not read it, because of {barred}"
        todo = "have each renewal copy certificate and key to where that user may read them"
        yield Finding(Area.CERTIFICATE, Level.FAULT, str(files.key), text, todo)
