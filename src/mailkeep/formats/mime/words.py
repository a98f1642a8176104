"""Encoded words (RFC 2047) in unstructured text, phrases and comments."""

from __future__ import annotations

import re
from binascii import a2b_qp, b2a_base64
from collections.abc import Iterator
from typing import Final

from mailkeep.formats.mime.charset import decode_octets
from mailkeep.formats.mime.encoding import decode_base64

# charset, with the language of RFC 2231 §5 cut off; encoding; text.  Spaces inside are not legal, and are met with.
_WORD: Final = re.compile(rb"=\?([^?*\s]{1,60})(?:\*[^?\s]{0,60})?\?([bBqQ])\?([^?\r\n]*)\?=")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+")
_PAYLOAD: Final = 45  # octets in one encoded word, which is at most 75 characters long (RFC 2047 §2)


def encode_words(text: str) -> bytes:
    """The text as encoded words in UTF-8, on one line, without control characters."""
    words = [b"=?utf-8?b?%b?=" % b2a_base64(piece, newline=False) for piece in _pieces(text)]
    return b" ".join(words)


def _pieces(text: str) -> Iterator[bytes]:
    """UTF-8 in pieces of `_PAYLOAD` octets at most; no character is cut."""
    octets = _CONTROL.sub(" ", text).encode("utf-8", "replace")
    start = 0
    while start < len(octets):
        end = start + _PAYLOAD
        while end < len(octets) and octets[end] & 0xC0 == 0x80:
            end -= 1
        yield octets[start:end]
        start = end


def decode_words(value: bytes) -> str:
    """The text of an unfolded header value.  Never fails: what is no encoded word stays as it is.

    White space between neighbouring encoded words vanishes (RFC 2047 §6.2); neighbours in the same charset are decoded
    together, because mailers cut words in the middle of a character.
    """
    if b"=?" not in value:
        return decode_octets(value)
    out: list[str] = []
    pending: list[bytes] = []
    pending_charset = ""
    at = 0
    for match in _WORD.finditer(value):
        between = value[at : match.start()]
        charset = match[1].decode("ascii", "replace").lower()
        joined = at > 0 and not between.strip(b" \t\r\n")
        if not joined or charset != pending_charset:
            if pending:
                out.append(decode_octets(b"".join(pending), pending_charset))
                pending = []
            if not joined:
                out.append(decode_octets(between))
        pending.append(decode_base64(match[3]) if match[2] in b"bB" else a2b_qp(match[3], header=True))
        pending_charset = charset
        at = match.end()
    if pending:
        out.append(decode_octets(b"".join(pending), pending_charset))
    out.append(decode_octets(value[at:]))
    return "".join(out)
