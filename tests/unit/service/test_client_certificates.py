"""Whose a client's certificate is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.service.client_certificates import MAX_NAMES, SMTP_UTF8_MAILBOX, addresses_of

KEY = ec.generate_private_key(ec.SECP256R1())
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def certificate(names: Sequence[x509.GeneralName] = (), subject: Sequence[str] = ()) -> bytes:
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, "ann@example.org")]
        + [x509.NameAttribute(NameOID.EMAIL_ADDRESS, address) for address in subject]
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + dt.timedelta(days=1))
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def utf8(address: str) -> x509.OtherName:
    octets = address.encode()
    size = bytes([len(octets)]) if len(octets) < 128 else bytes([0x81, len(octets)])
    return x509.OtherName(SMTP_UTF8_MAILBOX, b"\x0c" + size + octets)


@pytest.mark.rfc("5280", "4.2.1.6")
def test_addresses_are_those_of_the_alternative_name_in_its_order() -> None:
    names = [x509.RFC822Name("b@example.org"), x509.DNSName("host"), x509.RFC822Name("a@example.org")]
    assert addresses_of(certificate(names, ["c@example.org"])) == ("b@example.org", "a@example.org")


def test_an_address_in_the_subject_counts_where_there_is_no_other_but_a_common_name_never_does() -> None:
    assert addresses_of(certificate([x509.DNSName("host")], ["c@example.org"])) == ("c@example.org",)
    assert addresses_of(certificate()) == ()


def test_a_certificate_with_names_of_a_kind_that_nobody_reads_opens_nothing() -> None:
    octets = certificate([x509.RFC822Name("ann@example.org")])
    x400 = octets.replace(b"\x81\x0fann@example.org", b"\xa3\x0fann@example.org")  # [3] of RFC 5280 §4.2.1.6
    assert x400 != octets
    assert addresses_of(x400) == ()


@pytest.mark.rfc("9598", "3")
@pytest.mark.parametrize("address", ["jörg@example.org", "ö" * 70 + "@example.org"])
def test_an_address_may_be_utf8(address: str) -> None:
    assert addresses_of(certificate([utf8(address)])) == (address,)


@pytest.mark.parametrize("octets", [b"\x16\x01a", b"\x0c\x01\xff"])
def test_a_broken_name_opens_nothing(octets: bytes) -> None:
    assert addresses_of(certificate([x509.OtherName(SMTP_UTF8_MAILBOX, octets)])) == ()


def test_only_so_many_are_looked_at() -> None:
    many = [x509.RFC822Name(f"a{number}@example.org") for number in range(MAX_NAMES + 5)]
    assert len(addresses_of(certificate(many))) == MAX_NAMES


@given(st.binary(max_size=100))
def test_what_is_no_certificate_opens_nothing(octets: bytes) -> None:
    assert addresses_of(octets) == ()
