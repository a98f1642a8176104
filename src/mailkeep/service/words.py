"""Which words the bodies of up to 512 messages hold: in front of their segments, and much shorter.

A *word* is a longest run of letters and digits; octets of characters beyond ASCII count as letters.  A needle of one
run is in a message exactly if it is in one of its words.  Longer needles leave messages that may hold them, to be
confirmed by their texts.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate, chain
from typing import Final

from zstandard import ZstdCompressor

from mailkeep.service.segment import END, LEVEL, little_endian
from mailkeep.store.contract import SEGMENT

WORDS: Final = "words"
WHERE: Final = "where"
SPAN: Final = 8  # segments of one list of words

_WORD: Final = re.compile(rb"[0-9a-z\x80-\xfd]+")

Found = list[int]  # numbers of words


def span_of(segment: int) -> range:
    """The segments that share a list of words with this one; the list goes by the number of the last."""
    first = segment // SPAN * SPAN
    return range(first, first + SPAN)


def words_of(record: bytes) -> set[bytes]:
    """The words of one message."""
    return set(_WORD.findall(record))


def pack_words(messages: Iterable[tuple[int, set[bytes]]]) -> tuple[bytes, bytes]:
    """From the words of each message, ascending by its place in the span: the list, and in which messages each is.

    Both are to be unpacked as segments are.
    """
    where: dict[bytes, list[int]] = {}
    for place, words in messages:
        for word in words:
            where.setdefault(word, []).append(place)
    ordered = sorted(where)
    starts = array("I", accumulate((len(where[word]) for word in ordered), initial=0))
    places = array("H", chain.from_iterable(where[word] for word in ordered))
    compressor = ZstdCompressor(level=LEVEL)
    return (
        compressor.compress(END.join((b"", *ordered, b""))),
        compressor.compress(
            len(starts).to_bytes(4, "little") + little_endian(starts).tobytes() + little_endian(places).tobytes()
        ),
    )


def is_exact(needle: bytes) -> bool:
    """Whether the words alone tell which messages hold it."""
    return _WORD.fullmatch(needle) is not None


def has_words(needle: bytes) -> bool:
    """Whether the words tell anything about it."""
    return _WORD.search(needle) is not None


def find_words(words: bytes, needles: Sequence[bytes]) -> list[list[Found]]:
    """For each needle that has words, and each run of it, the words that fit; none at all if one run has none."""
    found = [[_find(words, pattern) for pattern in _patterns(needle)] for needle in needles]
    return [each if all(each) else [] for each in found]


def places_of(where: bytes, found: list[list[Found]]) -> list[set[int]]:
    """For each needle, the places in the span of messages that hold it, or (not `is_exact`) may."""
    starts, places = _split_places(where)
    return [
        set.intersection(*({p for n in numbers for p in places[starts[n] : starts[n + 1]]} for numbers in each))
        if each
        else set()
        for each in found
    ]


def _patterns(needle: bytes) -> list[bytes]:
    """What to look for in the row of words: a run that does not begin or end the needle begins or ends a word."""
    return [
        (END if match.start() else b"") + match[0] + (END if match.end() < len(needle) else b"")
        for match in _WORD.finditer(needle)
    ]


def _find(words: bytes, pattern: bytes) -> Found:
    """The numbers of words that match; every word has `END` on both sides."""
    found: Found = []
    lead = pattern.startswith(END)
    number = last = 0
    at = words.find(pattern)
    while at >= 0:
        at += lead
        number += words.count(END, last, at)
        found.append(number - 1)
        last = at
        at = words.find(pattern, words.find(END, at))
    return found


def _split_places(data: bytes) -> tuple[array[int], array[int]]:
    """Where the places of each word begin, which the last number ends; and the places."""
    starts, places = array("I"), array("H")
    count = int.from_bytes(data[:4], "little")
    size = count * starts.itemsize
    starts.frombytes(data[4 : 4 + size])
    places.frombytes(data[4 + size :])
    return little_endian(starts), little_endian(places)


def message_words(first: int, rows: Iterable[tuple[int, bytes]]) -> Iterable[tuple[int, set[bytes]]]:
    """From (segment, records): the words of each message, by place in the span whose first segment is `first`."""
    for segment, records in rows:
        for place, record in enumerate(records.split(END)):
            if record:
                yield (segment - first) * SEGMENT + place, words_of(record)
