"""What lies in ``acme/`` of a data directory: the account, certificates with their keys, and notes.

- ``account.pem``: the key of the account at the authority.
- ``host/`` and ``domains/DOMAIN/``: what belongs to one certificate: ``notes.json``, and a directory for each
  certificate that was made, named by the time: ``certificate.pem`` with its chain, and ``key.pem``.  It appears whole.
"""

from __future__ import annotations

import base64
import datetime as dt
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mailkeep.certificates import CertificateError, CertificateFiles, check_files, replace_file

N = TypeVar("N", bound=msgspec.Struct)

KEPT: Final = 2  # certificates that are kept: the one in use, and the one before, which a process may still read
HOST: Final = ""  # the group of names of the server itself; the others are named by their domain


class Refusal(msgspec.Struct, frozen=True):
    """Why a name is in no certificate, and when that was found out (UTC seconds)."""

    reason: str
    at: float


class Notes(msgspec.Struct, frozen=True):
    """What is remembered of the attempts for one certificate.  Times are UTC seconds, 0 for none."""

    failures: int = 0  # one after the other
    fault: str = ""  # of the last attempt
    next_at: float = 0.0  # no attempt before
    renew_at: float = 0.0  # as the authority advises
    advice_at: float = 0.0  # when it is to be asked again
    directory: str = ""  # of the authority where all this was found out
    made_by: str = ""  # that of the authority which made the certificate in use
    refused: dict[str, Refusal] = {}  # by the authority
    elsewhere: dict[str, str] = {}  # names that lead elsewhere, or nowhere


class AccountNotes(msgspec.Struct, frozen=True):
    """The account at one authority."""

    directory: str
    account: str


@dataclass(frozen=True, slots=True)
class Held:
    """A certificate that was made; `names` in the order of the certificate.  `id`: as RFC 9773 §4.1 names it."""

    files: CertificateFiles
    names: tuple[str, ...]
    issuer: str
    since: dt.datetime
    until: dt.datetime
    id: str


class Folder:
    """One process writes, others read."""

    __slots__ = ("_root",)

    def __init__(self, data_dir: Path) -> None:
        self._root = data_dir / "acme"

    # --- the account

    def account_key(self) -> bytes | None:
        """PEM; None where there is none yet.  Raises: OSError."""
        try:
            return (self._root / "account.pem").read_bytes()
        except FileNotFoundError:
            return None

    def keep_account_key(self, pem: bytes) -> None:
        """Raises: OSError."""
        self._make(self._root)
        replace_file(self._root / "account.pem", pem, 0o600)

    def account(self, directory: str) -> str | None:
        """The address of the account at the authority `directory`, if one was made there."""
        notes = _read(self._root / "account.json", AccountNotes, AccountNotes("", ""))
        return notes.account if notes.directory == directory else None

    def keep_account(self, directory: str, account: str) -> None:
        """Remember it."""
        _write(self._root / "account.json", AccountNotes(directory, account))

    # --- certificates

    def groups(self) -> tuple[str, ...]:
        """Groups of names for which there is anything: `HOST` or domains."""
        found = [HOST] if (self._root / "host").is_dir() else []
        with suppress(OSError):
            found += sorted(each.name for each in (self._root / "domains").iterdir() if each.is_dir())
        return tuple(found)

    def find(self, group: str) -> Held | None:
        """The newest certificate of a group that can be used, however old it is."""
        for directory in self._made(group):
            with suppress(OSError, ValueError, CertificateError, x509.ExtensionNotFound):
                return read_held(_files(directory))
        return None

    def newest(self, group: str) -> CertificateFiles | None:
        """The newest certificate of a group, unchecked."""
        return next((_files(directory) for directory in self._made(group)), None)

    def keep(self, group: str, *, chain: bytes, key: bytes, names: Sequence[str], now: dt.datetime) -> Held:
        """Write a certificate for `names` down, whole; those long before it are removed.

        Raises: OSError, CertificateError (they are no pair), ValueError (nor is it for these names, and for some time).
        """
        place = self._place(group)
        self._make(place)
        fresh = place / f".{os.getpid()}"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        replace_file(fresh / "key.pem", key, 0o600)
        replace_file(fresh / "certificate.pem", chain, 0o644)
        held = read_held(_files(fresh))
        if missing := set(names) - set(held.names):
            raise ValueError(f"the authority has made a certificate without {', '.join(sorted(missing))}")
        if held.until <= now:
            raise ValueError(f"the authority has made a certificate that ran out at {held.until}; is the clock right?")
        newest = next(self._made(group), None)
        name = now.strftime("%Y%m%dT%H%M%S")
        while (place / name).exists() or (newest is not None and name <= newest.name):  # clocks go back
            name = f"{newest.name if newest is not None else name}+"
        fresh.rename(place / name)
        _sync(place)
        for old in tuple(self._made(group))[KEPT:]:
            shutil.rmtree(old, ignore_errors=True)
        return read_held(_files(place / name))

    def notes(self, group: str) -> Notes:
        """What is remembered; nothing where it cannot be read."""
        return _read(self._place(group) / "notes.json", Notes, Notes())

    def write_notes(self, group: str, notes: Notes) -> None:
        """Remember it.  Raises: OSError."""
        self._make(self._place(group))
        _write(self._place(group) / "notes.json", notes)

    def remove(self, group: str) -> None:
        """Forget a domain."""
        if group != HOST:
            shutil.rmtree(self._place(group), ignore_errors=True)

    def _place(self, group: str) -> Path:
        return self._root / "domains" / group if group != HOST else self._root / "host"

    def _made(self, group: str) -> Iterator[Path]:
        """Newest first."""
        with suppress(OSError):
            found = [each for each in self._place(group).iterdir() if each.name[:1].isdigit()]
            yield from sorted(found, reverse=True)

    def _make(self, directory: Path) -> None:
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)


def _files(directory: Path) -> CertificateFiles:
    return CertificateFiles(directory / "certificate.pem", directory / "key.pem")


def find_certificates(data_dir: Path) -> dict[str, CertificateFiles]:
    """Certificates of domains by the host names that they are for, not checked: they were when they were written."""
    folder = Folder(data_dir)
    found: dict[str, CertificateFiles] = {}
    for group in folder.groups():
        files = folder.newest(group) if group != HOST else None
        if files is not None:
            with suppress(OSError, ValueError, x509.ExtensionNotFound):
                found |= dict.fromkeys(_names(x509.load_pem_x509_certificate(files.certificate.read_bytes())), files)
    return found


def read_held(files: CertificateFiles) -> Held:
    """Raises: OSError, ValueError, CertificateError, x509.ExtensionNotFound."""
    check_files(files)
    certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    return Held(
        files=files,
        names=_names(certificate),
        issuer=certificate.issuer.rfc4514_string(),
        since=certificate.not_valid_before_utc,
        until=certificate.not_valid_after_utc,
        id=_certificate_id(certificate),
    )


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return tuple(str(name.value).lower() for name in names)


def _certificate_id(certificate: x509.Certificate) -> str:
    """RFC 9773 §4.1; "" for one that does not say by what key it is signed."""
    try:
        issuer = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        return ""
    serial = certificate.serial_number
    octets = serial.to_bytes(serial.bit_length() // 8 + 1, "big")  # DER: the first bit is the sign
    return f"{_base64url(issuer)}.{_base64url(octets)}" if issuer else ""


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def request_for(names: Sequence[str]) -> tuple[bytes, str]:
    """A new key (PEM), and the request for a certificate of it (DER in base64url).  RFC 8555 §7.4."""
    key = ec.generate_private_key(ec.SECP256R1())
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private, _base64url(request.public_bytes(serialization.Encoding.DER))


def _read(file: Path, kind: type[N], missing: N) -> N:
    try:
        return msgspec.json.decode(file.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError):
        return missing


def _write(file: Path, notes: msgspec.Struct) -> None:
    replace_file(file, msgspec.json.format(msgspec.json.encode(notes), indent=2) + b"\n", 0o600)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
