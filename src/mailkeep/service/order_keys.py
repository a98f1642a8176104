"""What one message is sorted and threaded by, and how that is kept with the texts of its segment.

- Each key is a *column*: the values of a segment's messages by place, so that an order reads only what it is about.
- Texts are as written, decoded; the comparator comes when they are read.
- Message-IDs are hashes of 63 bits: threads only compare them.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from zstandard import ZstdCompressor, ZstdDecompressor

from mailkeep.formats.mime.address import Address, parse_addresses
from mailkeep.formats.mime.date import parse_date
from mailkeep.formats.mime.header import unfold
from mailkeep.formats.mime.subject import base_subject
from mailkeep.formats.mime.words import decode_words
from mailkeep.service.segment import LEVEL, little_endian

if TYPE_CHECKING:
    from mailkeep.formats.mime.scan import Part

SENT: Final = "order.sent"
REPLY: Final = "order.reply"
IDS: Final = "order.ids"
SUBJECT: Final = "order.subject"
FROM: Final = "order.from"
TO: Final = "order.to"
CC: Final = "order.cc"
DISPLAY_FROM: Final = "order.display-from"
DISPLAY_TO: Final = "order.display-to"
TEXTS: Final = (SUBJECT, FROM, TO, CC, DISPLAY_FROM, DISPLAY_TO)

NO_DATE: Final = -(1 << 62)
ABSENT: Final = -(1 << 63)  # in SENT: nothing is known of this message
MAX_REFERENCES: Final = 100  # of one message; the first and the last ones count
LONGEST: Final = 1000  # characters of a name that are told apart
SEPARATOR: Final = "\0"

_READ: Final = 8192  # octets of a list of addresses that are looked at
# The local part may be quoted, which means nothing (RFC 5256 §3).  All repetitions are bounded or cannot begin anew.
_MESSAGE_ID: Final = re.compile(
    rb'<[ \t\r\n]*(?:"((?:[^"\\<>]|\\.){1,250})"|([^<>\s"@]{1,500}))(@[^<>\s]{1,500})[ \t\r\n]*>'
)
_ESCAPE: Final = re.compile(rb"\\(.)")


@dataclass(frozen=True, slots=True)
class OrderKeys:
    """Of one message.  `sent`: UTC seconds, or NO_DATE.  `texts`: by the names in TEXTS.

    `own`: of its Message-ID, 0 for none.  `references`: the messages it answers, oldest first (RFC 5256 §3).
    """

    sent: int
    is_reply: bool
    texts: dict[str, str]
    own: int
    references: tuple[int, ...]


def order_keys(message: Part) -> OrderKeys:
    """The keys of a scanned message; never fails."""
    fields = _first_fields(message)
    subject = base_subject(unfold(fields.get(b"subject", b":")))
    sender, receiver, copied = (_first_address(fields.get(name)) for name in (b"from", b"to", b"cc"))
    moment = parse_date(unfold(fields.get(b"date", b":")))
    own = _message_ids(fields.get(b"message-id", b""), 1)
    references = _message_ids(fields.get(b"references", b"")) or _message_ids(fields.get(b"in-reply-to", b""), 1)
    texts = {
        SUBJECT: subject.base,
        FROM: _local(sender),
        TO: _local(receiver),
        CC: _local(copied),
        DISPLAY_FROM: _display(sender),
        DISPLAY_TO: _display(receiver),
    }
    return OrderKeys(
        sent=NO_DATE if moment is None else int(moment.timestamp()),
        is_reply=subject.is_reply,
        texts={name: text.replace(SEPARATOR, " ")[:LONGEST] for name, text in texts.items()},
        own=own[0] if own else 0,
        references=references,
    )


_WANTED: Final = frozenset(
    (b"subject", b"from", b"to", b"cc", b"date", b"message-id", b"references", b"in-reply-to")
)  # fmt: skip


def _first_fields(message: Part) -> dict[bytes, bytes]:
    """The whole fields by name; of several, the first, as ENVELOPE has it."""
    found: dict[bytes, bytes] = {}
    for name, whole in message.fields:
        if name in _WANTED:
            found.setdefault(name, whole)
    return found


def _first_address(field: bytes | None) -> Address | None:
    if field is None:
        return None
    value = field[field.find(b":") + 1 :][:_READ]
    return next(iter(parse_addresses(value)), None)


def _local(address: Address | None) -> str:
    """addr-mailbox; of a group, its name."""
    return "" if address is None or address.local is None else decode_words(address.local)


def _display(address: Address | None) -> str:
    """RFC 5957 §3."""
    if address is None:
        return ""
    name = decode_words(address.name) if address.name else ""
    if name or address.local is None:
        return name
    local = decode_words(address.local)
    return local if address.domain is None else f"{local}@{decode_words(address.domain)}"


def _message_ids(field: bytes, most: int = MAX_REFERENCES) -> tuple[int, ...]:
    """Hashes of the ids in a field, in order: the first of all, and the last ones up to `most`."""
    found: list[int] = []
    for match in _MESSAGE_ID.finditer(field):
        quoted, atom, domain = match.groups()
        octets = (_ESCAPE.sub(rb"\1", quoted) if quoted is not None else atom) + domain
        found.append((int.from_bytes(blake2b(octets, digest_size=8).digest(), "little") >> 1) or 1)
        if len(found) >= most == 1:
            break
        if len(found) > most:
            del found[1]
    return tuple(found)


# --- columns


def pack_columns(keys: Sequence[OrderKeys | None]) -> dict[str, bytes]:
    """The data of a segment by column, from the keys of its messages by place."""
    sent = array("q", [ABSENT if each is None else each.sent for each in keys])
    counts = array("H", [0 if each is None else 1 + len(each.references) for each in keys])
    ids = array("q", [number for each in keys if each is not None for number in (each.own, *each.references)])
    compress = ZstdCompressor(level=LEVEL).compress
    columns = {
        SENT: little_endian(sent).tobytes(),
        REPLY: bytes(each is not None and each.is_reply for each in keys),
        IDS: little_endian(counts).tobytes() + little_endian(ids).tobytes(),
    }
    for name in TEXTS:
        text = SEPARATOR.join(["" if each is None else each.texts[name] for each in keys])
        columns[name] = compress(text.encode("utf-8", "surrogatepass"))
    return columns


def unpack_numbers(data: bytes) -> array[int]:
    """A column SENT."""
    numbers = array("q")
    numbers.frombytes(data)
    return little_endian(numbers)


def unpack_text(data: bytes, decompressor: ZstdDecompressor) -> str:
    """A column of TEXTS: the values with `SEPARATOR` between."""
    return decompressor.decompress(data).decode("utf-8", "surrogatepass")


def unpack_ids(data: bytes, size: int) -> list[array[int]]:
    """A column IDS of `size` messages: for each, its own id and those of its references; nothing if it is absent."""
    counts = array("H")
    counts.frombytes(data[: 2 * size])
    ids = unpack_numbers(data[2 * size :])
    found: list[array[int]] = []
    at = 0
    for count in little_endian(counts):
        found.append(ids[at : at + count])
        at += count
    return found
