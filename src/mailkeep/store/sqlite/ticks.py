"""Counters in memory that all processes of a server share: whoever looks sees at once that something was committed.

Each counter has one writer: an account's the owner of its shard, the directory's the process that holds it.  A hint
says the same a little later, and wakes; a counter cannot be late, and cannot get lost.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from mailkeep.model.errors import NotFound
from mailkeep.model.ids import AccountId

SLOTS: Final = 1024  # per shard; accounts that share one sometimes look in vain
OCTETS: Final = 8


class Ticks:
    """The counters of a directory and its shards, in a file of memory that is handed on by its descriptor."""

    def __init__(self, descriptor: int) -> None:
        """See `make`."""
        self.descriptor = descriptor
        self._memory = mmap.mmap(descriptor, 0)
        self._numbers = memoryview(self._memory).cast("Q")

    @classmethod
    def make(cls, shards: int) -> Ticks:
        """New ones, all 0."""
        descriptor = os.memfd_create("mailkeep-ticks")
        os.ftruncate(descriptor, (1 + shards * SLOTS) * OCTETS)
        return cls(descriptor)

    def count(self, shard: int, account: AccountId) -> None:
        """Something of this account has been committed."""
        self._numbers[1 + shard * SLOTS + account % SLOTS] += 1

    def counter(self, account: AccountId, shard_of: Callable[[AccountId], int]) -> Callable[[], int]:
        """Tells another number when that has happened, or when the account is in another shard."""
        numbers = self._numbers
        slot = 1 + shard_of(account) * SLOTS + account % SLOTS
        changes = numbers[0]

        def look() -> int:
            nonlocal slot, changes
            if numbers[0] != changes:
                changes = numbers[0]
                with suppress(NotFound):  # it has been removed: nothing will happen any more
                    slot = 1 + shard_of(account) * SLOTS + account % SLOTS
            return numbers[slot] + (slot << 40)

        return look

    def count_directory(self) -> None:
        """The directory has changed."""
        self._numbers[0] += 1

    def of_directory(self) -> int:
        """How often that has happened."""
        return self._numbers[0]

    def close(self) -> None:
        """Let go of the memory, for this process."""
        os.close(self.descriptor)
