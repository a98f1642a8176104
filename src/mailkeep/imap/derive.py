"""What IMAP keeps beside each message, so that listing a mailbox reads no message.

- ``imap.list``: ENVELOPE and BODYSTRUCTURE rendered, ready to be written into a FETCH row, in the form for everybody;
  a mark says that a client that has enabled UTF8=ACCEPT gets another.
- ``imap.headers``: the header fields that clients ask for when they list, as they came.
- ``imap.parts``: the tree of parts with offsets: sections and BINARY need no scan.

Each has a decoder here.  All are pure and never fail on a message; decoders may trust what they are given.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from mailkeep.formats.mime.partmap import VERSION as PARTS_VERSION
from mailkeep.formats.mime.partmap import decode_parts, encode_parts
from mailkeep.formats.mime.scan import MAX_HEADER, Part
from mailkeep.imap.wire.bodystructure import bodystructure, without_extensions
from mailkeep.imap.wire.envelope import envelope
from mailkeep.imap.wire.international import UTF8
from mailkeep.model.derive import Deriver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from mmap import mmap

LIST: Final = "imap.list"
HEADERS: Final = "imap.headers"
PARTS: Final = "imap.parts"

# What clients ask for when they list (Thunderbird 153, mutt 2.2, Apple Mail 16, K-9 6, Gnus, alpine, Roundcube), and
# what searches ask for.  The position is kept in the block: only append, or raise the version.
HOT: Final = (
    b"from", b"to", b"cc", b"bcc", b"subject", b"date", b"message-id", b"in-reply-to", b"references", b"reply-to",
    b"sender", b"content-type", b"content-transfer-encoding", b"content-description", b"mime-version", b"priority",
    b"x-priority", b"importance", b"newsgroups", b"followup-to", b"list-id", b"list-post", b"list-unsubscribe",
    b"list-unsubscribe-post", b"list-subscribe", b"list-help", b"list-archive", b"list-owner", b"mail-followup-to",
    b"mail-reply-to", b"x-label", b"x-original-to", b"delivered-to", b"lines", b"xref", b"return-path",
    b"disposition-notification-to", b"return-receipt-to", b"x-spam-flag", b"x-spam-status", b"x-tuid",
    b"x-universally-unique-identifier", b"x-uniform-type-identifier", b"auto-submitted", b"precedence",
)  # fmt: skip

MAX_PICKS: Final = 1000  # patterns of headers that one request remembers
_NUMBER: Final = {name: number for number, name in enumerate(HOT)}
_LENGTH: Final = struct.Struct("<I")
_HAS_UTF8_FORM: Final = 1 << 31  # in that length
_BLOCK: Final = struct.Struct("<QIH")  # mask of the hot names present; octets of the other names; number of fields
_SEPARATOR: Final = b"\0"  # between the fields that are kept
_INCOMPLETE: Final = b""  # the block of a header too large to keep


@dataclass(frozen=True, slots=True)
class Listing:
    """A decoded ``imap.list``.  `both` is ``ENVELOPE (…) BODYSTRUCTURE (…)``; the two others begin at their "("."""

    both: bytes
    envelope: bytes
    bodystructure: bytes

    @property
    def body(self) -> bytes:
        """BODY, rendered from BODYSTRUCTURE: hardly anybody asks for it."""
        return without_extensions(self.bodystructure)


def _list(message: Part, _data: bytes | mmap) -> bytes:
    first = envelope(message)
    mark = 0 if _is_ascii(message) else _HAS_UTF8_FORM
    return b"%bENVELOPE %b BODYSTRUCTURE %b" % (_LENGTH.pack(len(first) | mark), first, bodystructure(message))


def _is_ascii(message: Part) -> bool:
    """Whether the headers of the message and of all its parts are, so that it looks the same to everybody."""
    stack = [message]
    while stack:
        part = stack.pop()
        if not all(map(bytes.isascii, map(itemgetter(1), part.fields))):
            return False
        stack += part.children
    return True


def has_utf8_form(data: bytes) -> bool:
    """Whether an ``imap.list`` is another for clients that have enabled UTF8=ACCEPT: then see `utf8_listing`."""
    return data[_LENGTH.size - 1] & 0x80 != 0


def utf8_listing(message: Part) -> Listing:
    """What such clients are told (RFC 6855 §3)."""
    first, second = envelope(message, UTF8), bodystructure(message, UTF8)
    return Listing(b"ENVELOPE %b BODYSTRUCTURE %b" % (first, second), first, second)


BOTH_OF_LISTING: Final = slice(_LENGTH.size, None)
"""What to cut from an ``imap.list`` for ``ENVELOPE (…) BODYSTRUCTURE (…)``, in this order."""


def listing(data: bytes) -> Listing:
    """Take an ``imap.list`` apart."""
    (size,) = _LENGTH.unpack_from(data)
    start = _LENGTH.size + len(b"ENVELOPE ")
    end = start + (size & ~_HAS_UTF8_FORM)
    return Listing(data[_LENGTH.size :], data[start:end], data[end + len(b" BODYSTRUCTURE ") :])


def _headers(message: Part, _data: bytes | mmap) -> bytes:
    if message.body_start - message.header_start > MAX_HEADER:
        return _INCOMPLETE
    mask = 0
    others: set[bytes] = set()
    numbers = bytearray()
    hot: list[bytes] = []
    for name, whole in message.fields:
        number = _NUMBER.get(name)
        if number is None:
            others.add(name)
        else:
            mask |= 1 << number
            numbers.append(number)
            hot.append(whole)
    fields = _SEPARATOR.join(hot)
    if len(hot) > 0xFFFF or fields.count(_SEPARATOR) >= max(len(hot), 1):
        return _INCOMPLETE  # a field holds the separator itself
    names = b"\n%b\n" % b"\n".join(sorted(others))
    return b"".join([_BLOCK.pack(mask, len(names), len(hot)), numbers, names, fields])


@dataclass(frozen=True, slots=True)
class FieldNames:
    """The names of a ``HEADER.FIELDS (…)`` request, made ready once for all messages of a FETCH.

    `picks` remembers which fields to take out of headers that have the same fields in the same order: most have.
    """

    mask: int
    others: tuple[bytes, ...]
    picks: dict[bytes, Callable[[list[bytes]], Iterable[bytes]]] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, names: Iterable[bytes]) -> FieldNames:
        """`names` in any case."""
        mask = 0
        others: list[bytes] = []
        for name in {name.lower() for name in names}:
            number = _NUMBER.get(name)
            if number is None:
                others.append(b"\n%b\n" % name)
            else:
                mask |= 1 << number
        return cls(mask, tuple(others))

    def pick(self, numbers: bytes) -> Callable[[list[bytes]], Iterable[bytes]]:
        """What takes the fields asked for out of those with `numbers`, of which there is at least one."""
        found = self.picks.get(numbers)
        if found is None:
            if len(self.picks) >= MAX_PICKS:
                self.picks.clear()
            wanted = [i for i, number in enumerate(numbers) if self.mask >> number & 1]
            found = itemgetter(*wanted) if len(wanted) > 1 else itemgetter(slice(wanted[0], wanted[0] + 1))
            self.picks[numbers] = found
        return found


def header_fields(data: bytes, names: FieldNames) -> bytes | None:
    """``BODY[HEADER.FIELDS (…)]`` of the message from its ``imap.headers``, blank line included; it holds no NUL.

    None if the block cannot tell: then the message itself must be read (`read_section`).
    """
    if not data:
        return None
    present, size, count = _BLOCK.unpack_from(data)
    start = _BLOCK.size + count
    if names.others:
        known = data[start : start + size]
        if any(other in known for other in names.others):
            return None
    if not present & names.mask:
        return b"\r\n"
    fields = data[start + size :].split(_SEPARATOR)
    chosen = b"".join(names.pick(data[_BLOCK.size : start])(fields))
    return chosen + (b"\r\n" if chosen.endswith(b"\n") else b"\r\n\r\n")


def _parts(message: Part, _data: bytes | mmap) -> bytes:
    return encode_parts(message)


def parts(data: bytes) -> Part:
    """The tree of parts from an ``imap.parts``, for `formats.mime.section`."""
    return decode_parts(data)


DERIVERS: Final[tuple[Deriver[Part], ...]] = (
    Deriver(LIST, 2, _list),
    Deriver(HEADERS, 2, _headers),
    Deriver(PARTS, PARTS_VERSION, _parts),
)
