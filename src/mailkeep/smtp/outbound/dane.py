"""DANE for SMTP: the key of a host is one that DNS names, validated by DNSSEC (RFC 7672, RFC 7671, RFC 6698)."""

from __future__ import annotations

import datetime as dt
import hashlib
import ssl
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mailkeep.smtp.outbound.tls import TlsFailed, TlsResult

TRUST_ANCHOR: Final = 2  # DANE-TA
END_ENTITY: Final = 3  # DANE-EE
MAX_RECORDS: Final = 32
MAX_CHAIN: Final = 10

_UNUSABLE: Final = (  # what cryptography makes of hostile certificates, and of keys that it does not know
    *(ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm),
    *(x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType),
)


@dataclass(frozen=True, slots=True)
class Tlsa:
    """A record that can be used.  `selector`: 0 = certificate, 1 = its key; `matching`: 0 = whole, 1 and 2 = a hash."""

    usage: int
    selector: int
    matching: int
    data: bytes

    def matches(self, certificate: x509.Certificate) -> bool:
        """Whether the record means this certificate."""
        if self.selector == 0:
            octets = certificate.public_bytes(Encoding.DER)
        else:
            octets = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        match self.matching:
            case 0:
                return octets == self.data
            case 1:
                return hashlib.sha256(octets).digest() == self.data
            case _:
                return hashlib.sha512(octets).digest() == self.data


def usable(records: Iterable[Any]) -> tuple[Tlsa, ...]:
    """What can be used of TLSA records: PKIX-TA and PKIX-EE cannot (RFC 7672 §3.1.3), nor what is malformed."""
    found = []
    for record in records:
        usage, selector, matching, data = record.usage, record.selector, record.mtype, bytes(record.cert)
        lengths = {1: 32, 2: 64}
        if (
            usage in (TRUST_ANCHOR, END_ENTITY)
            and selector in (0, 1)
            and (matching == 0 or len(data) == lengths.get(matching))
        ):
            found.append(Tlsa(usage, selector, matching, data))
    return tuple(found[:MAX_RECORDS])


def chain_of(tls: ssl.SSLObject) -> tuple[bytes, ...]:
    """The certificates that the host has sent, in DER, its own first."""
    # Public from Python 3.13 on; before, only the object inside has it.
    inside = tls if hasattr(tls, "get_unverified_chain") else getattr(tls, "_sslobj", None)
    chain = inside.get_unverified_chain() if inside is not None and hasattr(inside, "get_unverified_chain") else None
    if not chain:
        own = tls.getpeercert(binary_form=True)
        return (own,) if own else ()
    return tuple(c if isinstance(c, bytes) else ssl.PEM_cert_to_DER_cert(c.public_bytes()) for c in chain[:MAX_CHAIN])


def verify(
    records: Collection[Tlsa], chain: Sequence[bytes], names: Collection[str], now: dt.datetime | None = None
) -> None:
    """See that the host's chain is one that the records allow.

    DANE-EE: the key alone counts, neither names nor dates (RFC 7672 §3.1.1).  DANE-TA: one of the chain is the anchor,
    and from it the host's certificate is reached, which has one of `names` (§3.1.2).  Raises: TlsFailed.
    """
    try:
        certificates = [x509.load_der_x509_certificate(der) for der in chain]
        if not certificates:
            raise TlsFailed(TlsResult.VALIDATION, "it has shown no certificate")
        if any(record.usage == END_ENTITY and record.matches(certificates[0]) for record in records):
            return
        anchors = [r for r in records if r.usage == TRUST_ANCHOR]
        if not any(r.matches(c) for r in anchors for c in certificates):
            raise TlsFailed(TlsResult.VALIDATION, "its certificate is none of those that DNS names (TLSA)")
        _verify_path(certificates, anchors, now or dt.datetime.now(dt.UTC))
        if not _has_name(certificates[0], names):
            raise TlsFailed(TlsResult.HOST_MISMATCH, "its certificate is for another name")
    except _UNUSABLE as error:
        raise TlsFailed(TlsResult.VALIDATION, f"its certificate cannot be used: {error}") from error


def _verify_path(certificates: Sequence[x509.Certificate], anchors: Sequence[Tlsa], now: dt.datetime) -> None:
    """From the host's own certificate up to the first that an anchor means, each signed by the next."""
    here = certificates[0]
    for depth in range(len(certificates)):
        if not here.not_valid_before_utc <= now <= here.not_valid_after_utc:
            raise TlsFailed(TlsResult.EXPIRED, "a certificate of its chain is not valid today")
        if any(record.matches(here) for record in anchors):
            return
        above = next(
            (c for c in certificates[1:] if c.subject == here.issuer and c != here and _may_sign(c, depth)), None
        )
        if above is None:
            break
        here.verify_directly_issued_by(above)
        here = above
    raise TlsFailed(TlsResult.NOT_TRUSTED, "its chain does not lead to the anchor that DNS names (TLSA)")


def _may_sign(certificate: x509.Certificate, below: int) -> bool:
    """Whether it is an authority's, with at most `below` authorities between it and the host's (RFC 5280 §4.2.1.9)."""
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return False
    return constraints.ca and (constraints.path_length is None or below <= constraints.path_length)


def _has_name(certificate: x509.Certificate, names: Collection[str]) -> bool:
    try:
        known = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        patterns = known.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        patterns = [str(name.value) for name in common]
    return any(matches_name(pattern, name) for pattern in patterns for name in names)


def matches_name(pattern: str, name: str) -> bool:
    """Whether `pattern` means `name`; ``*`` stands for the whole first label and no more (RFC 6125 §6.4.3)."""
    pattern, name = pattern.lower().rstrip("."), name.lower().rstrip(".")
    if not pattern.startswith("*."):
        return pattern == name
    first, dot, rest = name.partition(".")
    return bool(first and dot) and rest == pattern[2:]
