"""Content-Transfer-Encoding (RFC 2045 §6): undoing it, leniently."""

from __future__ import annotations

import re
from binascii import Error, a2b_base64, a2b_qp
from collections.abc import Iterable, Iterator
from typing import Final

IDENTITY: Final = frozenset({"7bit", "8bit", "binary", ""})
_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/]+")
_NOISE: Final = bytes(octet for octet in range(256) if _NOT_BASE64.match(bytes([octet])) and octet != ord("="))


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


def decode_pieces(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Undo a transfer encoding piece by piece, for parts that are too large to be decoded in one go.

    What is well-formed gives what `decode_transfer` gives.  Damaged base64 ends at the first ``=`` (RFC 2045 §6.8).
    Raises: UnknownEncoding.
    """
    if encoding in IDENTITY:
        return iter(pieces)
    if encoding == "base64":
        return _base64_pieces(pieces)
    if encoding == "quoted-printable":
        return _quoted_printable_pieces(pieces)
    raise UnknownEncoding(encoding)


def _base64_pieces(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        clean = rest + piece.translate(None, _NOISE)
        end = clean.find(b"=")
        if end >= 0:
            rest = clean[:end]
            break
        whole = len(clean) & ~3
        yield a2b_base64(clean[:whole])
        rest = clean[whole:]
    yield _decode_clean(rest)


def _quoted_printable_pieces(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        octets = rest + piece
        end = octets.rfind(b"\n") + 1
        if not end:  # a line without end: not in the middle of "=XX"
            sign = octets.rfind(b"=", max(0, len(octets) - 2))
            end = len(octets) if sign < 0 else sign
        yield a2b_qp(octets[:end])
        rest = octets[end:]
    yield a2b_qp(rest)


def decode_base64(octets: bytes) -> bytes:
    """Base64 to octets; characters outside the alphabet are skipped (RFC 2045 §6.8), an odd rest is dropped."""
    try:
        return a2b_base64(octets)
    except Error:
        return _decode_clean(_NOT_BASE64.sub(b"", octets))


def _decode_clean(octets: bytes) -> bytes:
    """Of characters of the alphabet alone."""
    octets = octets[: len(octets) - (len(octets) % 4 == 1)]
    return a2b_base64(octets + b"=" * (-len(octets) % 4))
