"""A message on its way in: in memory while small, in a file beyond 1 MB, so that nobody holds 50 MB in memory."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from mailkeep.model.errors import TooLarge, Unavailable, storage_fault

IN_MEMORY: Final = 1024 * 1024
PIECE: Final = 64 * 1024  # octets read at a time
COPY_OCTETS: Final = 256 * 1024  # at a time, from one spool file to another


@dataclass(frozen=True, slots=True)
class Octets:
    """A whole message: `data` when it is in memory, else `path` of a spool file.  `sha256` is of all octets."""

    size: int
    sha256: bytes
    data: bytes | None
    path: Path | None

    def pieces(self) -> Iterator[bytes]:
        """All octets, in order.  Raises: Unavailable."""
        if self.path is None:
            assert self.data is not None
            yield self.data
            return
        try:
            with self.path.open("rb") as file:
                while piece := file.read(PIECE):
                    yield piece
        except OSError as error:
            raise storage_fault(error, "Cannot read the message now") from error

    def head(self, limit: int) -> bytes:
        """The first octets, at most `limit`.  Raises: Unavailable."""
        if self.data is not None:
            return self.data[:limit]
        assert self.path is not None
        try:
            with self.path.open("rb") as file:
                return file.read(limit)
        except OSError as error:
            raise storage_fault(error, "Cannot read the message now") from error

    def discard(self) -> None:
        """Remove the spool file if nobody has taken it."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


class Spool:
    """Takes octets as they come.  A fault is kept and raised by `finish`, so that the rest can be read and dropped.

    `limit`: octets of the largest message.  `in_memory`: up to so many are held in memory, not in a file.
    """

    def __init__(self, directory: Path, limit: int, in_memory: int = IN_MEMORY) -> None:
        self._directory = directory
        self._limit = limit
        self._in_memory = in_memory
        self._buffer = bytearray()  # not a list of chunks: a peer may send octet by octet
        self._file: BinaryIO | None = None
        self._path: Path | None = None
        self._hash = hashlib.sha256()
        self._error: Exception | None = None
        self.size = 0

    def write(self, chunk: bytes) -> None:
        """Take more octets; after a fault they are counted and dropped."""
        self.size += len(chunk)
        if self._error is not None:
            return
        if self.size > self._limit:
            self._fail(TooLarge(f"Message is larger than {self._limit} octets"))
            return
        self._hash.update(chunk)
        if self._file is None:
            self._buffer += chunk
            if self.size <= self._in_memory:
                return
        try:
            if self._file is None:
                descriptor, name = tempfile.mkstemp(prefix="incoming-", dir=self._directory)
                self._path = Path(name)
                self._file = os.fdopen(descriptor, "wb", buffering=0)
                chunk, self._buffer = bytes(self._buffer), bytearray()
            view = memoryview(chunk)
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            self._fail(storage_fault(error, "Cannot store the message now"))

    @property
    def held(self) -> int:
        """Octets in memory."""
        return len(self._buffer)

    def _fail(self, error: Exception) -> None:
        self.discard()
        self._error = error

    def finish(self) -> Octets:
        """All octets are in.  The file, if there is one, is not yet synced: the store does that when it takes it.

        Raises: TooLarge, Unavailable (what went wrong meanwhile).
        """
        if self._error is not None:
            raise self._error
        if self._file is not None:
            self._file.close()
            self._file = None
            return Octets(self.size, self._hash.digest(), None, self._path)
        return Octets(self.size, self._hash.digest(), bytes(self._buffer), None)

    def discard(self) -> None:
        """Forget what came; for a message that was given up."""
        self._buffer = bytearray()
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None


async def behind(front: bytes, octets: Octets, skip: int = 0) -> Octets:
    """A new message: `front`, and behind it those of `octets`, which stay as they are, without the first `skip`.

    One in a file is copied in pieces, each of which takes the loop less than a millisecond.  Raises: Unavailable.
    """
    if octets.data is not None:
        whole = front + octets.data[skip:]
        return Octets(len(whole), hashlib.sha256(whole).digest(), whole, None)
    assert octets.path is not None
    spool = Spool(octets.path.parent, len(front) + octets.size)
    try:
        spool.write(front)
        for offset in range(skip, octets.size, COPY_OCTETS):
            spool.write(_piece(octets.path, offset))
            await asyncio.sleep(0)
        return spool.finish()
    except OSError as error:
        spool.discard()
        raise Unavailable(f"Cannot read the message now: {error.strerror}") from error
    except BaseException:
        spool.discard()
        raise


def _piece(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(COPY_OCTETS)
