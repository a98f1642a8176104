"""What all processes of a server must agree on while it runs: who fails to log in, holds connections, sends how much.

- Memory that they share holds one column of records for each process.  A process writes to its own column alone, so
  nobody waits for anybody; it reads all of them, and adds up.
- What a process that died had counted goes with it: see `forget_counts`.
- Room is bounded.  What does not fit pushes out the oldest that nobody holds; if all are held, it is not counted.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import secrets
from collections.abc import Iterator
from typing import Final, Self

BUCKETS: Final = 16 * 1024
WAYS: Final = 8  # records of one bucket
FIELDS: Final = 4  # of a record, beside its key
WIDTH: Final = WAYS * (1 + FIELDS)  # numbers of a bucket: the keys, then the records
SALT: Final = 16  # octets at the beginning, so that nobody can choose who shares a bucket
OCTETS: Final = 8
HEAD: Final = SALT // OCTETS

COUNT, FAILURES, FAILED_AT, FORGIVEN_AT = range(FIELDS)


class Record:
    """What one process knows of a key.  Times are of a clock that all processes have in common."""

    __slots__ = ("_at", "_floats", "_key_at", "_numbers")

    def __init__(self, numbers: memoryview[int], floats: memoryview[float], key_at: int, at: int) -> None:
        self._numbers = numbers
        self._floats = floats
        self._key_at = key_at
        self._at = at

    @property
    def count(self) -> int:
        """How many there are now: of connections, of tries to log in."""
        return int(self._numbers[self._at + COUNT])

    @count.setter
    def count(self, count: int) -> None:
        self._numbers[self._at + COUNT] = count

    @property
    def failures(self) -> int:
        """How many tries have failed, or what else was counted, up to `failed_at`."""
        return int(self._numbers[self._at + FAILURES])

    @failures.setter
    def failures(self, failures: int) -> None:
        self._numbers[self._at + FAILURES] = failures

    @property
    def failed_at(self) -> float:
        """When the last try failed; 0: never."""
        return float(self._floats[self._at + FAILED_AT])

    @failed_at.setter
    def failed_at(self, seconds: float) -> None:
        self._floats[self._at + FAILED_AT] = seconds

    @property
    def forgiven_at(self) -> float:
        """Failures up to this time count no more, whoever recorded them."""
        return float(self._floats[self._at + FORGIVEN_AT])

    @forgiven_at.setter
    def forgiven_at(self, seconds: float) -> None:
        self._floats[self._at + FORGIVEN_AT] = seconds

    def remove(self) -> None:
        """Make room."""
        self._numbers[self._key_at] = 0

    def begin(self, key: int) -> None:
        """Take the place for a key of which nothing is known."""
        self._numbers[self._at + COUNT] = self._numbers[self._at + FAILURES] = 0
        self._floats[self._at + FAILED_AT] = self._floats[self._at + FORGIVEN_AT] = 0.0
        self._numbers[self._key_at] = key  # last: others see a whole record


class Ledger:
    """The records of all processes.  Keys are words and names, such as ``account:12``."""

    def __init__(self, memory: mmap.mmap, columns: int, mine: int, *, descriptor: int = -1) -> None:
        """See `alone` and `make`."""
        self.descriptor = descriptor
        self._memory = memory
        whole = memoryview(memory)
        self._numbers = whole.cast("Q")
        self._floats = whole.cast("d")
        self._salt = bytes(whole[:SALT])
        self._columns = columns
        self._mine = mine
        self._buckets = (len(whole) - SALT) // (OCTETS * WIDTH * columns)

    @classmethod
    def alone(cls, *, buckets: int = BUCKETS) -> Self:
        """For a process that is the only one."""
        memory = mmap.mmap(-1, _size(1, buckets))
        memory[:SALT] = secrets.token_bytes(SALT)
        return cls(memory, 1, 0)

    @classmethod
    def make(cls, columns: int, mine: int, *, buckets: int = BUCKETS) -> Self:
        """For several: a file of memory that is handed on by its descriptor."""
        descriptor = os.memfd_create("mailkeep-ledger")
        os.ftruncate(descriptor, _size(columns, buckets))
        memory = mmap.mmap(descriptor, 0)
        memory[:SALT] = secrets.token_bytes(SALT)
        return cls(memory, columns, mine, descriptor=descriptor)

    @classmethod
    def join(cls, descriptor: int, columns: int, mine: int) -> Self:
        """What another process has made; column `mine` is this one's."""
        return cls(mmap.mmap(descriptor, 0), columns, mine, descriptor=descriptor)

    def find(self, key: str) -> list[Record]:
        """What all processes know of a key."""
        return self._find_all(self._number(key))

    def own(self, key: str) -> Record | None:
        """What this process knows of a key; None if nothing."""
        return self._find(self._mine, self._number(key))

    def own_or_new(self, key: str) -> Record | None:
        """The same, begun if need be; None if there is no room."""
        return self._find_or_begin(self._number(key))

    def enter(self, key: str, limit: int) -> bool:
        """Count one more in this process; False, and nothing counted, when all together have as many as they may."""
        number = self._number(key)
        own = self._find_or_begin(number)
        if own is None:
            return True
        # Counted before it is looked at: of two processes that do this at the same time at least one sees both.
        own.count += 1
        if sum(record.count for record in self._find_all(number)) <= limit:
            return True
        self._leave(own)
        return False

    def leave(self, key: str) -> None:
        """Count one less, after `enter`."""
        own = self.own(key)
        if own is not None:
            self._leave(own)

    def _leave(self, own: Record) -> None:
        own.count = max(0, own.count - 1)
        if not own.count:
            own.remove()

    def count(self, key: str) -> int:
        """How many `enter` has let in, in all processes."""
        return sum(record.count for record in self.find(key))

    def add(self, key: str, amount: int, now: float) -> None:
        """Count something that nobody takes back; `now`: the keys counted longest ago make room for others."""
        own = self.own_or_new(key)
        if own is not None:
            own.failures += amount
            own.failed_at = now

    def total(self, key: str) -> int:
        """What `add` has counted, in all processes."""
        return sum(record.failures for record in self.find(key))

    def forget_counts(self, column: int) -> None:
        """A process has died: nothing of what it counted is there any more.  What failed remains known."""
        for record in self._records(column):
            if record.failures or record.forgiven_at:
                record.count = 0
            else:
                record.remove()

    def __len__(self) -> int:
        """How many records this process has; looks at all of its room."""
        return sum(1 for _ in self._records(self._mine))

    def close(self) -> None:
        """Let go of the memory, for this process."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def _number(self, key: str) -> int:
        digest = hashlib.blake2b(key.encode(errors="surrogatepass"), key=self._salt, digest_size=OCTETS).digest()
        return int.from_bytes(digest, "little") or 1

    def _bucket(self, column: int, number: int) -> int:
        return HEAD + (column * self._buckets + number % self._buckets) * WIDTH

    def _record(self, bucket: int, way: int) -> Record:
        return Record(self._numbers, self._floats, bucket + way, bucket + WAYS + way * FIELDS)

    def _find(self, column: int, number: int) -> Record | None:
        bucket = self._bucket(column, number)
        keys = self._numbers[bucket : bucket + WAYS].tolist()
        return self._record(bucket, keys.index(number)) if number in keys else None

    def _find_all(self, number: int) -> list[Record]:
        return [found for column in range(self._columns) if (found := self._find(column, number)) is not None]

    def _find_or_begin(self, number: int) -> Record | None:
        return self._find(self._mine, number) or self._begin(number)

    def _begin(self, number: int) -> Record | None:
        bucket = self._bucket(self._mine, number)
        keys = self._numbers[bucket : bucket + WAYS].tolist()
        if 0 in keys:
            record = self._record(bucket, keys.index(0))
        else:
            idle = [one for way in range(WAYS) if not (one := self._record(bucket, way)).count]
            if not idle:
                return None
            record = min(idle, key=lambda one: max(one.failed_at, one.forgiven_at))
            record.remove()
        record.begin(number)
        return record

    def _records(self, column: int) -> Iterator[Record]:
        for bucket in range(self._bucket(column, 0), self._bucket(column + 1, 0), WIDTH):
            for way, key in enumerate(self._numbers[bucket : bucket + WAYS].tolist()):
                if key:
                    yield self._record(bucket, way)


def _size(columns: int, buckets: int) -> int:
    return SALT + columns * buckets * WIDTH * OCTETS
