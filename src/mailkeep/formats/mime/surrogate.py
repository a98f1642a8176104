"""A message with 8-bit octets in its headers, as programs can read it that know ASCII headers alone (RFC 6858).

Texts become encoded words, an address that cannot be written one that nobody has, a file name the form of RFC 2231,
which clients know (RFC 6858 §2.2 would leave it out); identifiers and all else are left out.  Bodies stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from mailkeep.formats.mime.address import Address, parse_addresses
from mailkeep.formats.mime.charset import decode_octets
from mailkeep.formats.mime.header import unfold
from mailkeep.formats.mime.parameters import Parameters, parse_value
from mailkeep.formats.mime.scan import MAX_HEADER
from mailkeep.formats.mime.words import decode_words, encode_words

if TYPE_CHECKING:
    from mmap import mmap

    from mailkeep.formats.mime.scan import Part

MAX_TEXT: Final = 1 << 16  # octets of a value that are put into encoded words
MAX_PATCHES: Final = 1 << 20  # octets of all headers of a message; what is beyond stays as it is

_ADDRESSES: Final = frozenset({
    b"from", b"to", b"cc", b"bcc", b"reply-to", b"sender", b"return-path",
    b"resent-from", b"resent-to", b"resent-cc", b"resent-bcc", b"resent-sender",
})  # fmt: skip
_TEXTS: Final = frozenset({b"subject", b"comments", b"keywords", b"content-description", b"thread-topic"})
_MIME: Final = frozenset({b"content-type", b"content-disposition"})
_NOBODY: Final = b"<invalid@internationalized-address.invalid>"
_PHRASE: Final = re.compile(rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_DOT_ATOM: Final = re.compile(rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+")
_SPECIAL: Final = re.compile(rb'(["\\])')
_TOKEN: Final = re.compile(rb"[A-Za-z0-9!#$%&'*+^_`{|}~.-]+")


@dataclass(frozen=True, slots=True)
class Patch:
    """Octets that take the place of ``[start, stop)`` of a message."""

    start: int
    stop: int
    octets: bytes


def surrogate(root: Part, data: bytes | mmap) -> tuple[Patch, ...]:
    """What to put in the place of headers, in order; nothing where all of them are ASCII."""
    patches: list[Patch] = []
    size = after = 0
    for part in _parts(root):
        length = part.body_start - part.header_start
        if part.header_start < after or length > MAX_HEADER:
            continue
        header = data[part.header_start : part.body_start]
        if header.isascii():
            continue
        octets = _header(part.fields, header)
        size += len(octets)
        if size > MAX_PATCHES:
            break
        after = part.body_start
        patches.append(Patch(part.header_start, part.body_start, octets))
    return tuple(patches)


def _parts(root: Part) -> Iterator[Part]:
    """In the order of their headers."""
    stack = [root]
    while stack:
        part = stack.pop()
        yield part
        stack += reversed(part.children)


def _header(fields: Sequence[tuple[bytes, bytes]], header: bytes) -> bytes:
    kept = b"".join(whole if whole.isascii() else _field(name, whole) for name, whole in fields)
    if kept and not kept.endswith(b"\n"):
        kept += b"\r\n"
    blank = header.endswith((b"\n\r\n", b"\n\n")) or header in (b"\r\n", b"\n")
    return kept + b"\r\n" if blank else kept


def _field(name: bytes, whole: bytes) -> bytes:
    """The whole field in ASCII, or nothing."""
    if not name.isascii():
        return b""
    label = whole[: whole.index(b":")].rstrip()
    value = unfold(whole)[:MAX_TEXT]
    if name in _TEXTS:
        text = _words(value)
    elif name in _ADDRESSES:
        text = _addresses(parse_addresses(value))
    elif name in _MIME:
        text = _mime(name, value)
    else:
        return b""
    return b"%b: %b\r\n" % (label, text)


def _words(value: bytes) -> bytes:
    return encode_words(decode_words(value)).replace(b"?= =?", b"?=\r\n =?")


def _addresses(addresses: Sequence[Address]) -> bytes:
    out: list[bytes] = []
    fresh = True  # no comma is needed before the next
    for address in addresses:
        if address.domain is None:
            start = address.local
            out.append(b";" if start is None else (b"" if fresh else b",\r\n ") + _phrase(start) + b":")
            fresh = start is not None
        else:
            out.append((b" " if fresh and out else b"" if fresh else b",\r\n ") + _mailbox(address))
            fresh = False
    return b"".join(out)


def _mailbox(address: Address) -> bytes:
    name, local, domain = address.name, address.local or b"", address.domain or b""
    if not (local.isascii() and domain.isascii()):
        return b"%b %b" % (_phrase(name or b"%b@%b" % (local, domain)), _NOBODY)
    box = local if _DOT_ATOM.fullmatch(local) else _quoted(local)
    return b"%b <%b@%b>" % (_phrase(name), box, domain) if name else b"%b@%b" % (box, domain)


def _phrase(value: bytes) -> bytes:
    if not value.isascii():
        return _words(value)
    return value if _PHRASE.fullmatch(value) else _quoted(value)


def _quoted(value: bytes) -> bytes:
    return b'"%b"' % _SPECIAL.sub(rb"\\\1", value)


def _mime(name: bytes, value: bytes) -> bytes:
    main, sub, parameters = parse_value(value)
    if name == b"content-type":
        kind = b"%b/%b" % (main or b"application", sub or b"octet-stream")
    else:
        kind = main or b"attachment"
    return b"".join((kind, *(b";\r\n %b" % each for each in _parameters(parameters))))


def _parameters(parameters: Parameters) -> Iterator[bytes]:
    names = {name for name, _ in parameters}
    for name, value in parameters:
        if not name.isascii():
            continue
        if value.isascii():
            yield b"%b=%b" % (name, value if _TOKEN.fullmatch(value) or name.endswith(b"*") else _quoted(value))
        elif not name.endswith(b"*") and b"%b*" % name not in names:
            yield b"%b*=utf-8''%b" % (name, quote(decode_octets(value), safe="").encode("ascii"))
