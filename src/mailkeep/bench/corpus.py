"""The mail of a seeded mailbox: message n has UID n there, and this is what is known of it."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterator
from functools import cached_property

from mailkeep.bench import mail


class Corpus:
    """The first `count` messages, with bodies of about `size` octets where one is given.  Numbers begin at 1."""

    def __init__(self, count: int, size: int | None = None) -> None:
        self.count = count
        self._size = size
        self._sizes = array("I")
        self._sums = array("I")

    def messages(self) -> Iterator[tuple[int, bytes]]:
        """Number and octets of each, in order; made anew, as memory has better uses."""
        for number in range(1, self.count + 1):
            yield number, mail.message(number, self._size)

    def size(self, number: int) -> int:
        """Octets of a message."""
        self._know()
        return self._sizes[number - 1]

    def checksum(self, number: int) -> int:
        """See `checksum`."""
        self._know()
        return self._sums[number - 1]

    def _know(self) -> None:
        if not self._sizes:
            for _, octets in self.messages():
                self._sizes.append(len(octets))
                self._sums.append(checksum(octets))

    @cached_property
    def from_sender(self) -> tuple[int, ...]:
        """Messages whose From has `mail.SENDER`."""
        return tuple(n for n in range(1, self.count + 1) if mail.sender(n)[1] == mail.SENDER)

    @cached_property
    def with_rare_word(self) -> tuple[int, ...]:
        """Messages with `mail.RARE_WORD` in a text."""
        return tuple(n for n in range(1, self.count + 1) if mail.has_rare_word(n))


def checksum(octets: bytes) -> int:
    """What tells whole octets from others."""
    return zlib.crc32(octets)
