"""What DANE makes of certificates that are not as they should be."""

from __future__ import annotations

import datetime as dt
import hashlib
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.smtp.outbound.dane import TRUST_ANCHOR, Tlsa, verify
from mailkeep.smtp.outbound.tls import TlsFailed

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
HOST = "mx.example"


@cache
def chain() -> tuple[bytes, bytes]:
    """The host's certificate, with two extensions that nobody knows, and that of its authority."""
    own, above = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    host = _begin(HOST, own).add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
    for number in (1, 2):
        unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier(f"1.2.3.4.{number}"), b"x")
        host = host.add_extension(unknown, critical=False)
    authority = _begin("authority", above).add_extension(
        x509.BasicConstraints(ca=True, path_length=None), critical=True
    )
    signed = [builder.sign(above, hashes.SHA256()) for builder in (host, authority)]
    return signed[0].public_bytes(Encoding.DER), signed[1].public_bytes(Encoding.DER)


def _begin(name: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")]))
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW - dt.timedelta(days=1))
        .not_valid_after(NOW + dt.timedelta(days=1))
    )


def anchor(certificate: bytes) -> Tlsa:
    return Tlsa(TRUST_ANCHOR, 0, 0, certificate)


def test_a_key_of_a_kind_that_nobody_knows_is_no_proof() -> None:
    host, authority = chain()
    curve = bytes.fromhex("06082a8648ce3d030107")
    assert curve in authority
    unknown = Tlsa(TRUST_ANCHOR, 1, 1, hashlib.sha256(b"a key").digest())
    with pytest.raises(TlsFailed):
        verify([unknown], [host, authority.replace(curve, curve[:-1] + b"\x55")], [HOST], NOW)


def test_a_certificate_with_an_extension_twice_is_no_proof() -> None:
    host, _ = chain()
    twice = host.replace(bytes.fromhex("06042a030402"), bytes.fromhex("06042a030401"))
    assert twice != host
    with pytest.raises(TlsFailed):
        verify([anchor(twice)], [twice], [HOST], NOW)


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=4), st.booleans(), st.booleans())
def test_whatever_a_host_shows_holds_or_fails(changes: list[tuple[int, int]], own: bool, by_key: bool) -> None:
    certificates = list(chain())
    changed = bytearray(certificates[not own])
    for place, octet in changes:
        changed[place % len(changed)] = octet
    certificates[not own] = bytes(changed)
    record = Tlsa(TRUST_ANCHOR, 1, 1, bytes(32)) if by_key else anchor(bytes(changed))
    try:
        verify([record], certificates, [HOST], NOW)
    except TlsFailed:
        assert changes or by_key
