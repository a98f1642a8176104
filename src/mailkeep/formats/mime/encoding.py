"""Content-Transfer-Encoding (RFC 2045 §6): undoing it, leniently."""

from __future__ import annotations

import re
from binascii import Error, a2b_base64, a2b_qp
from typing import Final

IDENTITY: Final = frozenset({"7bit", "8bit", "binary", ""})
_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/]+")


class UnknownEncoding(Exception):
    """The part is in a transfer encoding that nobody here can undo (IMAP: NO [UNKNOWN-CTE], RFC 9051 §7.1)."""


def decode_transfer(octets: bytes, encoding: str) -> bytes:
    """Undo a transfer encoding (lower case).  Damaged base64 and quoted-printable give what can be read of them.

    Raises: UnknownEncoding.
    """
    if encoding in IDENTITY:
        return octets
    if encoding == "base64":
        return decode_base64(octets)
    if encoding == "quoted-printable":
        return a2b_qp(octets)
    raise UnknownEncoding(encoding)


def decode_base64(octets: bytes) -> bytes:
    """Base64 to octets; characters outside the alphabet are skipped (RFC 2045 §6.8), an odd rest is dropped."""
    try:
        return a2b_base64(octets)
    except Error:
        clean = _NOT_BASE64.sub(b"", octets)
        clean = clean[: len(clean) - (len(clean) % 4 == 1)]
        return a2b_base64(clean + b"=" * (-len(clean) % 4))
