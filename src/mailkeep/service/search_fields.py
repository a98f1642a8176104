"""What searches look at most, kept beside each message: address and subject fields decoded, and the day it was sent."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from mailkeep.formats.mime.date import parse_day
from mailkeep.formats.mime.header import unfold
from mailkeep.formats.mime.text import FOLD_VERSION, fold
from mailkeep.formats.mime.words import decode_words
from mailkeep.model.derive import Deriver

if TYPE_CHECKING:
    from mmap import mmap

    from mailkeep.formats.mime.scan import Part

SHORT: Final = 256  # octets of a field that is remembered
SEARCHED: Final = ("from", "to", "cc", "bcc", "subject")


@dataclass(frozen=True, slots=True)
class SearchFields:
    """`texts` by name of field, folded (`formats.mime.text.fold`); several fields of one name are lines of one text.

    An absent field has no entry.  `sent` is the day of the Date field as written, or None.
    """

    texts: dict[str, str]
    sent: dt.date | None


def encode(message: Part, _data: bytes | mmap) -> bytes:
    """The fields of a scanned message: lines of ``name NUL text``, all joined by U+0001, the day first."""
    found: dict[str, list[str]] = {}
    day: dt.date | None = None
    for raw_name, whole in message.fields:
        name = raw_name.decode("latin-1")
        if name in SEARCHED:
            found.setdefault(name, []).append((_remembered if len(whole) <= SHORT else _text)(whole))
        elif name == "date" and day is None:
            day = parse_day(unfold(whole))
    # Control characters separate; in the text itself they mean nothing, and folding never makes one.
    texts = [f"{name}\0{fold(_plain(chr(10).join(values)))}" for name, values in found.items()]
    return "\1".join([day.isoformat() if day else "", *texts]).encode("utf-8", "surrogatepass")


def _text(field: bytes) -> str:
    return decode_words(unfold(field))


_remembered: Final = lru_cache(1024)(_text)  # the same few people write to the same few people


def _plain(text: str) -> str:
    return text.replace("\0", "�").replace("\1", "�")


def decode(data: bytes) -> SearchFields:
    """Inverse of `encode`."""
    day, *texts = data.decode("utf-8", "surrogatepass").split("\1")
    pairs = (text.partition("\0") for text in texts)
    return SearchFields({name: text for name, _, text in pairs}, dt.date.fromisoformat(day) if day else None)


SEARCH_FIELDS: Final[Deriver[Part]] = Deriver("search.fields", FOLD_VERSION, encode)
