"""Challenges of an authority: files that one process writes and every worker reads.

- ``challenges/TOKEN`` holds what HTTP-01 has to answer (RFC 8555 §8.3).
- ``challenges/NAME.pem`` holds certificate and key for TLS-ALPN-01 (RFC 8737 §3).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mailkeep.acme.hello import CLIENT_HELLO, parse_hello
from mailkeep.certificates import replace_file

HTTP: Final = "http-01"
TLS_ALPN: Final = "tls-alpn-01"
PROTOCOL: Final = b"acme-tls/1"  # RFC 8737 §6.2
IDENTIFIER: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31")  # id-pe-acmeIdentifier, RFC 8737 §6.1
_DAY: Final = dt.timedelta(days=1)
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,200}\Z")
_NAME: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+\Z")


class Challenges:
    """Those that wait for the authority, in a data directory.  Files are small: reading one is not waited for."""

    __slots__ = ("_directory",)

    def __init__(self, data_dir: Path) -> None:
        self._directory = data_dir / "acme" / "challenges"

    def find_answer(self, token: str) -> str | None:
        """What ``/.well-known/acme-challenge/TOKEN`` has to answer, as ``application/octet-stream``."""
        if not _TOKEN.match(token):
            return None
        with suppress(OSError, UnicodeDecodeError):
            return (self._directory / token).read_text("ascii")
        return None

    def find_certificate(self, name: str) -> Path | None:
        """Certificate and key for whoever asks for the host `name` by `PROTOCOL`."""
        file = self._directory / f"{name}.pem"
        return file if _NAME.match(name) and file.is_file() else None

    def present(self, kind: str, *, name: str, token: str, authorization: str) -> None:
        """Be ready to be asked; `kind` is `HTTP` or `TLS_ALPN`.  Raises: ValueError (a hostile token), OSError."""
        if not _TOKEN.match(token) or not _NAME.match(name):
            raise ValueError(f"a challenge for {name!r} whose token is no token")
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if kind == HTTP:
            replace_file(self._directory / token, authorization.encode("ascii"), 0o600)
        else:
            replace_file(self._directory / f"{name}.pem", _challenge_certificate(name, authorization), 0o600)

    def clear(self) -> None:
        """Answer nobody any more."""
        with suppress(OSError):
            for file in self._directory.iterdir():
                file.unlink(missing_ok=True)


def answer_handshakes(context: ssl.SSLContext, challenges: Challenges) -> None:
    """Have `context` answer TLS-ALPN-01; every other handshake is as it was.

    Which certificate to show depends on the application's protocol, which the module `ssl` tells no one before the
    handshake is over.  So the client's first message is read where `ssl` hands messages to debuggers.
    """

    def heard(connection: Any, direction: str, _version: Any, _content: Any, kind: Any, octets: bytes) -> None:
        if direction != "read" or kind != CLIENT_HELLO or PROTOCOL not in octets:
            return
        with suppress(ValueError, OSError):  # also ssl.SSLError: the handshake then goes on with the usual certificate
            hello = parse_hello(octets)
            if hello.protocols == (PROTOCOL,) and (file := challenges.find_certificate(hello.name)):
                connection.context = _challenge_context(file)

    context._msg_callback = heard  # type: ignore[attr-defined]  # noqa: SLF001  see above


def _challenge_context(file: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(file)
    context.set_alpn_protocols([PROTOCOL.decode()])
    return context


def _challenge_certificate(name: str, authorization: str) -> bytes:
    """PEM of a key and the certificate that proves the authorization.  RFC 8737 §3."""
    digest = hashlib.sha256(authorization.encode("ascii")).digest()
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mailkeep challenge")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.UnrecognizedExtension(IDENTIFIER, b"\x04\x20" + digest), critical=True)  # OCTET STRING
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)
