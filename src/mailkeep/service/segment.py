"""What searches look at, of up to 64 messages together: made, kept and looked through.

- A *record* holds the texts of one message in one place (`PLACES`): each folded, in UTF-8, with `PIECE` before it.  No
  UTF-8 has the octets `PIECE` and `END`, so octets of a needle are found exactly where its characters are.
- A segment's data for a place is the records of its messages by number, with `END` between, compressed.
- Its numbers are three arrays: internal dates, sizes, and days of the Date field (0 = none).
"""

from __future__ import annotations

import sys
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from zstandard import ZstdCompressor, ZstdDecompressor, ZstdError

from mailkeep.formats.mime.text import FOLD_VERSION, TEXT_VERSION, body_texts, fold, header_text
from mailkeep.service.search_fields import SEARCHED
from mailkeep.store.contract import SEGMENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from mmap import mmap

    from mailkeep.formats.mime.scan import Part

HEAD: Final = "head"
BODY: Final = "body"
PLACES: Final = (*SEARCHED, HEAD, BODY)
NUMBERS: Final = "numbers"

VERSION: Final = FOLD_VERSION * 10_000 + TEXT_VERSION * 100 + 4  # of all that a segment holds

PIECE: Final = b"\xfe"
END: Final = b"\xff"

MAX_RECORD: Final = 512 * 1024  # octets; the text of a longer message is not kept, but read when it is searched
DAMAGE: Final = (ZstdError, ValueError, IndexError, MemoryError)  # what reading a damaged row raises

LEVEL: Final = 3  # of zstd: 1 is 4 % larger, and higher ones take long


def encode_text(folded: str) -> bytes:
    """A text, or what to look for in one."""
    return folded.encode("utf-8", "surrogatepass")


def make_record(texts: Iterable[str]) -> bytes:
    """A record of texts that are not folded yet."""
    return b"".join([PIECE + encode_text(fold(text)) for text in texts])


def message_record(place: str, part: Part, data: bytes | mmap) -> bytes:
    """What HEAD or BODY of a message holds."""
    return make_record((header_text(part, data),) if place == HEAD else body_texts(part, data))


def field_record(fields: bytes, name: str) -> bytes:
    """The record of one field, out of what `search_fields.encode` made."""
    start = fields.find(b"\1" + name.encode() + b"\0")
    if start < 0:
        return b""
    stop = fields.find(b"\1", start + 1)
    return PIECE + fields[start + len(name) + 2 : None if stop < 0 else stop]


def find_records(records: bytes, needle: bytes, field: bytes = b"") -> list[int]:
    """The places, in a row of records, of those that hold `needle` (see `search_plan.Probe`), ascending."""
    wanted = needle or (field + b":" if field else PIECE)
    found: list[int] = []
    number = last = 0
    at = records.find(wanted)
    while at >= 0:
        number += records.count(END, last, at)
        end = records.find(END, at)
        if not field or _has_line(records, at, end, needle, field):
            found.append(number)
        if end < 0:
            break
        number += 1
        last = end + 1
        at = records.find(wanted, last)
    return found


def _has_line(records: bytes, at: int, end: int, needle: bytes, field: bytes) -> bool:
    """Whether a line of the record around `at` is of that field and holds `needle` in its value."""
    start = records.rfind(END, 0, at) + 1
    prefix = field + b": "
    lines = records[start + 1 : len(records) if end < 0 else end].split(b"\n")
    return any(line.startswith(prefix) and needle in line[len(prefix) :] for line in lines)


@dataclass(frozen=True, slots=True)
class Numbers:
    """Of the messages of one segment, by place in it; zeros where there is no message."""

    arrived: array[int]
    sizes: array[int]
    sent: array[int]


def pack(records: Sequence[bytes]) -> bytes:
    """The data of one place; nothing at all when it holds no text."""
    return ZstdCompressor(level=LEVEL, write_checksum=True).compress(END.join(records)) if any(records) else b""


def unpack(data: bytes) -> bytes:
    """The records in one row, see `find_records`."""
    return ZstdDecompressor().decompress(data) if data else b""


def unpack_each(rows: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes | None]]:
    """`unpack` of many, by their numbers: a decompressor takes longer to make than to use once.

    None where the data is damaged.
    """
    decompress = ZstdDecompressor().decompress
    for number, data in rows:
        records: bytes | None
        try:
            records = decompress(data) if data else b""
        except DAMAGE:
            records = None
        yield number, records


def pack_numbers(numbers: Numbers) -> bytes:
    """Little-endian, one array after the other."""
    return b"".join(little_endian(column).tobytes() for column in (numbers.arrived, numbers.sizes, numbers.sent))


def unpack_numbers(data: bytes) -> Numbers:
    """Inverse of `pack_numbers`.  Raises: ValueError, when they are damaged."""
    third = len(data) // 3
    if len(data) != 3 * 8 * SEGMENT:
        raise ValueError("the numbers of a segment have another length")
    columns = []
    for i in range(3):
        column = array("q")
        column.frombytes(data[i * third : (i + 1) * third])
        columns.append(little_endian(column))
    return Numbers(*columns)


def little_endian(column: array[int]) -> array[int]:
    """To or from the form on disk."""
    if sys.byteorder == "big":
        column = array(column.typecode, column)
        column.byteswap()
    return column
