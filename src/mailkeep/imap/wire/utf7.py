"""Modified UTF-7, the spelling of mailbox names in IMAP4rev1 (RFC 3501 §5.1.3).

Only the one right spelling of a name is accepted, so that two spellings never name one mailbox.
"""

from __future__ import annotations

import re
from base64 import b64encode
from binascii import Error, a2b_base64
from typing import Final


class InvalidName(ValueError):
    """The octets are not a name in modified UTF-7: the server answers NO."""


_TOKEN: Final = re.compile(rb"&([^-]*)-|([^&]+)|&")
_SHIFTED: Final = re.compile(r"&|[^\x20-\x7e]+")


def encode(name: str) -> bytes:
    """The name as octets.  Raises: InvalidName, when it holds a lone surrogate."""
    if name.isascii() and name.isprintable() and "&" not in name:
        return name.encode("ascii")
    try:
        return _SHIFTED.sub(_shift, name).encode("ascii")
    except UnicodeEncodeError:
        raise InvalidName("a lone surrogate has no modified UTF-7") from None


def decode(octets: bytes) -> str:
    """The octets as a name.  Raises: InvalidName."""
    if b"&" not in octets:
        return _plain(octets)
    return "".join([_piece(found) for found in _TOKEN.finditer(octets)])


def _shift(found: re.Match[str]) -> str:
    text = found[0]
    if text == "&":
        return "&-"
    return "&" + b64encode(text.encode("utf-16-be")).rstrip(b"=").replace(b"/", b",").decode("ascii") + "-"


def _piece(found: re.Match[bytes]) -> str:
    shifted, plain = found[1], found[2]
    if plain is not None:
        return _plain(plain)
    if shifted is None:
        raise InvalidName("& without its -")
    if not shifted:
        return "&"
    return _unshift(shifted, found)


def _plain(octets: bytes) -> str:
    text = octets.decode("latin-1")
    if not text.isascii() or not text.isprintable():
        raise InvalidName("only printable ASCII stands for itself")
    return text


def _unshift(shifted: bytes, found: re.Match[bytes]) -> str:
    if b"/" in shifted or b"=" in shifted:
        raise InvalidName("the base64 of modified UTF-7 has neither / nor =")
    try:
        utf16 = a2b_base64(shifted.replace(b",", b"/") + b"=" * (-len(shifted) % 4), strict_mode=True)
        text = utf16.decode("utf-16-be")
    except (Error, UnicodeDecodeError):
        raise InvalidName("wrong base64 or UTF-16 in modified UTF-7") from None
    follows = found.string[found.end() : found.end() + 2]
    if _shift_all(text) != found[0] or (follows[:1] == b"&" and follows != b"&-"):
        raise InvalidName("not the shortest modified UTF-7")
    return text


def _shift_all(text: str) -> bytes:
    return _SHIFTED.sub(_shift, text).encode("ascii")
