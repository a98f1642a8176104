"""Whose a client's certificate is (RFC 5280).  That an authority vouches for it TLS has checked already."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID, ObjectIdentifier

MAX_NAMES: Final = 20
SMTP_UTF8_MAILBOX: Final = ObjectIdentifier("1.3.6.1.5.5.7.8.9")  # RFC 9598


def addresses_of(certificate: bytes) -> tuple[str, ...]:
    """The mail addresses in a certificate (DER), in its order.

    Those of the subjectAltName; and where it has none, those that older authorities put into the subject's name
    (RFC 5280 §4.2.1.6).
    """
    try:
        decoded = x509.load_der_x509_certificate(certificate)
        names = tuple(_alternative_names(decoded)) or tuple(_names_in_subject(decoded))
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return ()
    return names[:MAX_NAMES]


def _alternative_names(certificate: x509.Certificate) -> Iterator[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return
    for name in names:
        if isinstance(name, x509.RFC822Name):
            yield name.value
        elif isinstance(name, x509.OtherName) and name.type_id == SMTP_UTF8_MAILBOX:
            yield _utf8_string(name.value)


def _utf8_string(encoded: bytes) -> str:
    """The content of a UTF8String in DER.  Raises: ValueError."""
    if encoded[:1] != b"\x0c" or len(encoded) < 2:
        raise ValueError("this is no UTF8String")
    size, start = encoded[1], 2
    if size == 0x81 and len(encoded) > 2:
        size, start = encoded[2], 3
    if len(encoded) != start + size:
        raise ValueError("this is no UTF8String")
    return encoded[start:].decode()


def _names_in_subject(certificate: x509.Certificate) -> Iterator[str]:
    for attribute in certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS):
        if isinstance(attribute.value, str):
            yield attribute.value
