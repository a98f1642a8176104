r"""Which messages are still \Recent: the first session that learns of one has it, in whichever process.

RFC 3501 §2.3.2.  The row of a mailbox says the same a little later.  What is remembered here is bounded: of a mailbox
that is pushed out, the row knows.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Self

from mailkeep.model.ids import AccountId, MailboxId

BUCKETS: Final = 4096
WAYS: Final = 8
WIDTH: Final = 4  # account, mailbox, first UID that is still \Recent, when it was last used
OCTETS: Final = 8


class Recents:
    r"""The first UID of each mailbox that is still \Recent, in memory that all processes share."""

    def __init__(self, memory: mmap.mmap, descriptor: int = -1) -> None:
        """See `alone` and `make`."""
        self.descriptor = descriptor
        self._memory = memory
        self._numbers = memoryview(memory).cast("Q")
        self._buckets = len(self._numbers) // (WAYS * WIDTH)  # one number more than they need: the clock

    @classmethod
    def alone(cls, *, buckets: int = BUCKETS) -> Self:
        """For a process that is the only one."""
        return cls(mmap.mmap(-1, _size(buckets)))

    @classmethod
    def make(cls, *, buckets: int = BUCKETS) -> Self:
        """For several: a file of memory that is handed on by its descriptor."""
        descriptor = os.memfd_create("mailkeep-recents")
        os.ftruncate(descriptor, _size(buckets))
        return cls.join(descriptor)

    @classmethod
    def join(cls, descriptor: int) -> Self:
        """What another process has made."""
        return cls(mmap.mmap(descriptor, 0), descriptor)

    def first(self, account: AccountId, mailbox: MailboxId) -> int:
        r"""The first UID that is still \Recent; 0: look into the row."""
        at = self._find(account, mailbox)
        return 0 if at is None else int(self._numbers[at + 2])

    def claim(self, account: AccountId, mailbox: MailboxId, known: int, last: int) -> int:
        r"""Take all up to UID `last`; returns the first that was still \Recent, beyond `last` if none was.

        `known`: what the row says, 0 where it was not read; if nobody else knows either, none was.
        """
        with self._locked():
            at = self._find(account, mailbox)
            if at is None:
                at = self._begin(account, mailbox, known or last + 1)
            numbers = self._numbers
            numbers[at + 3] = self._tick()
            first = max(int(numbers[at + 2]), known)
            numbers[at + 2] = max(first, last + 1)
            return first

    def close(self) -> None:
        """Let go of the memory, for this process."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Against other processes; the lock of one that dies goes with it."""
        if self.descriptor < 0:
            yield
            return
        fcntl.lockf(self.descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self.descriptor, fcntl.LOCK_UN)

    def _places(self, account: AccountId, mailbox: MailboxId) -> range:
        bucket = (account * 31 + mailbox) % self._buckets
        return range(bucket * WAYS * WIDTH, (bucket + 1) * WAYS * WIDTH, WIDTH)

    def _find(self, account: AccountId, mailbox: MailboxId) -> int | None:
        numbers = self._numbers
        for at in self._places(account, mailbox):
            if numbers[at] == account and numbers[at + 1] == mailbox:
                return at
        return None

    def _begin(self, account: AccountId, mailbox: MailboxId, first: int) -> int:
        numbers = self._numbers
        at = min(self._places(account, mailbox), key=lambda at: int(numbers[at + 3]))
        numbers[at] = 0  # nobody's: who looks without the lock must not take the old number for the new mailbox's
        numbers[at + 1] = mailbox
        numbers[at + 2] = first
        numbers[at] = account
        return at

    def _tick(self) -> int:
        self._numbers[-1] += 1
        return int(self._numbers[-1])


def _size(buckets: int) -> int:
    return (buckets * WAYS * WIDTH + 1) * OCTETS
