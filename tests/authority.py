"""Certificates for tests: an authority, and what it signs."""

from __future__ import annotations

import datetime as dt
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
DAY = dt.timedelta(days=1)


class Authority:
    """An authority with a key of its own; `directory` takes its files."""

    def __init__(self, directory: Path, name: str = "Authority of tests", key: Key | None = None) -> None:
        self.directory = directory
        self.key: Key = key or ec.generate_private_key(ec.SECP256R1())
        self.subject = _name(name)
        self.certificate = self._build(self.subject, self.key, (), authority=True)
        self.file = directory / f"{name}.pem"
        self.file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def context(self, *names: str, valid: bool = True, chain: bool = True) -> ssl.SSLContext:
        """A server's context, with a certificate for `names`."""
        certificate, file = self.issue(*names, valid=valid, chain=chain)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        context.certificate = certificate  # type: ignore[attr-defined]  # for the test that asks
        return context

    def issue(self, *names: str, valid: bool = True, chain: bool = True) -> tuple[x509.Certificate, Path]:
        """A certificate, and the PEM file with its key and chain."""
        key = ec.generate_private_key(ec.SECP256R1())
        hosts = tuple(x509.DNSName(name) for name in names)
        certificate = self._build(_name(names[0]), key, hosts, valid=valid)
        file = self.directory / f"{names[0].replace('*', '_')}-{certificate.serial_number}.pem"
        file.write_bytes(
            _pem(key)
            + certificate.public_bytes(serialization.Encoding.PEM)
            + (self.certificate.public_bytes(serialization.Encoding.PEM) if chain else b"")
        )
        return certificate, file

    def issue_client(self, *addresses: str) -> tuple[x509.Certificate, Path]:
        """A certificate for somebody with these mail addresses, and the PEM file with its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = tuple(x509.RFC822Name(address) for address in addresses)
        certificate = self._build(_name("Somebody"), key, names)
        file = self.directory / f"client-{certificate.serial_number}.pem"
        file.write_bytes(_pem(key) + certificate.public_bytes(serialization.Encoding.PEM))
        return certificate, file

    def with_key(self) -> Path:
        """Its own key and certificate, for a server that uses them itself."""
        file = self.directory / "own.pem"
        file.write_bytes(_pem(self.key) + self.certificate.public_bytes(serialization.Encoding.PEM))
        return file

    def _build(
        self,
        subject: x509.Name,
        key: Key,
        names: tuple[x509.GeneralName, ...],
        *,
        authority: bool = False,
        valid: bool = True,
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 3 * DAY)
            .not_valid_after(now + DAY if valid else now - DAY)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self.key, hashes.SHA256())


def _pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
