"""Which words the bodies of up to 512 messages hold: in front of their segments, and much shorter.

A *word* is a longest run of letters and digits; octets of characters beyond ASCII count as letters.  A needle of one
run is in a message exactly if it is in one of its words.  Longer needles leave messages that may hold them, to be
confirmed by their texts.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain
from typing import Final

from zstandard import ZstdCompressor, ZstdDecompressor

from mailkeep.service.lanes import cut
from mailkeep.service.segment import END, LEVEL, little_endian
from mailkeep.store.contract import SEGMENT

WORDS: Final = "words"
WHERE: Final = "where"
SPAN: Final = 8  # segments of one list of words
CHUNK: Final = 512  # words whose places are compressed together

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

    Where they are is compressed in chunks, so that a rare word is found without unpacking all of it; the list is not
    compressed, as that would save little and take longer than looking.
    """
    where: dict[bytes, list[int]] = {}
    for place, words in messages:
        for word in words:
            where.setdefault(word, []).append(place)
    ordered = sorted(where)
    compress = ZstdCompressor(level=LEVEL).compress
    chunks = [compress(_pack_chunk([where[word] for word in some])) for some in cut(ordered, CHUNK)]
    sizes = array("I", [len(chunks), *map(len, chunks)])
    return END.join((b"", *ordered, b"")), little_endian(sizes).tobytes() + b"".join(chunks)


def _pack_chunk(where: list[list[int]]) -> bytes:
    """How many places each of `CHUNK` words has, then the places."""
    none = [0] * (CHUNK - len(where))
    return little_endian(array("H", [*map(len, where), *none, *chain.from_iterable(where)])).tobytes()


def is_exact(needle: bytes) -> bool:
    """Whether the words alone tell which messages hold it."""
    return _WORD.fullmatch(needle) is not None


def has_words(needle: bytes) -> bool:
    """Whether the words tell anything about it."""
    return _WORD.search(needle) is not None


def is_whole(words: bytes) -> bool:
    """Whether a list seems to be one: the octet around each word stands at both ends."""
    return words.startswith(END) and words.endswith(END)


def find_words(words: bytes, needles: Sequence[bytes]) -> list[list[Found]]:
    """For each needle that has words, and each run of it, the words that fit; none at all if one run has none."""
    found = [[_find(words, pattern) for pattern in _patterns(needle)] for needle in needles]
    return [each if all(each) else [] for each in found]


def places_of(where: bytes, found: list[list[Found]]) -> list[set[int]]:
    """For each needle, the places in the span of messages that hold it, or (not `is_exact`) may."""
    places = _Where(where).places
    return [set.intersection(*map(places, each)) if each else set() for each in found]


def read_words(words: bytes, where: bytes) -> Iterator[tuple[bytes, list[int]]]:
    """Inverse of `pack_words`: each word with its places, in order.

    Raises: ZstdError, ValueError, IndexError (it is damaged).
    """
    each = words.split(END)[1:-1]
    known = _Where(where)
    if known.chunks != -(-len(each) // CHUNK):
        raise ValueError("not as many places as words")
    for number, word in enumerate(each):
        yield word, known.list_places(number)


class _Where:
    """In which messages the words are."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        count = int.from_bytes(data[:4], "little")
        sizes = array("I")
        sizes.frombytes(data[4 : 4 + 4 * count])
        self._starts = [*accumulate(little_endian(sizes), initial=4 + 4 * count)]
        self._decompress = ZstdDecompressor().decompress
        self._chunks: dict[int, tuple[array[int], list[int]]] = {}  # and where in it the places of each word begin

    def _chunk(self, number: int) -> tuple[array[int], list[int]]:
        chunk = self._chunks.get(number)
        if chunk is None:
            numbers = array("H")
            numbers.frombytes(self._decompress(self._data[self._starts[number] : self._starts[number + 1]]))
            numbers = little_endian(numbers)
            chunk = self._chunks[number] = numbers, [*accumulate(numbers[:CHUNK], initial=CHUNK)]
        return chunk

    @property
    def chunks(self) -> int:
        """How many there are."""
        return len(self._starts) - 1

    def list_places(self, word: int) -> list[int]:
        """The places of messages that have this word, as they are kept."""
        numbers, starts = self._chunk(word // CHUNK)
        return numbers[starts[word % CHUNK] : starts[word % CHUNK + 1]].tolist()

    def places(self, words: Found) -> set[int]:
        """The places of messages that have any of these words."""
        found: set[int] = set()
        for word in words:
            numbers, starts = self._chunk(word // CHUNK)
            i = word % CHUNK
            found.update(numbers[starts[i] : starts[i + 1]])
        return found


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
        end = words.find(END, at)
        if end < 0:
            break  # a list that was cut short
        at = words.find(pattern, end)
    return found


def message_words(first: int, rows: Iterable[tuple[int, bytes]]) -> Iterable[tuple[int, set[bytes]]]:
    """From (segment, records): the words of each message, by place in the span whose first segment is `first`."""
    for segment, records in rows:
        for place, record in enumerate(records.split(END)):
            if record:
                yield (segment - first) * SEGMENT + place, words_of(record)
