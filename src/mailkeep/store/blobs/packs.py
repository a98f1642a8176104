"""Packs: files in which large messages lie one after the other, and the files of very large ones.

A pack has no structure of its own: the rows know what lies where.  After a crash its end may be garbage.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mailkeep import telemetry
from mailkeep.model.errors import Unavailable, storage_fault

FULL: Final = 256 * 1024 * 1024  # octets; the next message begins a new pack
OPEN_FILES: Final = 64  # packs kept open for reading

log = telemetry.logger()


class PackFile:
    """An open pack; closed when nobody holds it any more, so that a reader keeps what has been unlinked."""

    __slots__ = ("_descriptor",)

    def __init__(self, path: Path) -> None:
        self._descriptor = -1  # for `__del__`, if opening fails
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    @property
    def is_there(self) -> bool:
        """Whether the file still has its name: another process may have removed it, and the number be given anew."""
        return os.fstat(self._descriptor).st_nlink > 0

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` octets.  Raises: Unavailable (disk fault, damaged pack)."""
        try:
            data = os.pread(self._descriptor, length, offset)
            while len(data) < length:
                more = os.pread(self._descriptor, length - len(data), offset + len(data))
                if not more:
                    raise Unavailable("The message's octets are damaged")
                data += more
        except OSError as error:
            raise Unavailable("The message cannot be read now") from error
        return data

    def is_unlinked(self) -> bool:
        """Whether it has lost its name."""
        return os.fstat(self._descriptor).st_nlink == 0

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)


@dataclass(frozen=True, slots=True)
class Packed:
    """A blob in a pack."""

    file: PackFile
    start: int
    size: int

    def read(self, offset: int = 0, length: int | None = None) -> bytes:
        """See `Blob.read`."""
        end = self.size if length is None else min(self.size, offset + length)
        return self.file.read(self.start + offset, end - offset) if end > offset else b""


class Packs:
    """The packs of one shard.  `append` is not for two threads at a time, the rest is."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sync(directory.parent)
        self._directory = directory
        self._next = max(self.list(), default=0) + 1
        self._number = 0  # of the pack being filled
        self._descriptor = -1
        self._end = 0
        self._open: OrderedDict[int, PackFile] = OrderedDict()  # the longest unused first
        self._lock = threading.Lock()  # of `_open` and `_next`: checks read in threads, large files are adopted in them
        self.append_s = 0.0  # what the last append took

    def path(self, pack: int) -> Path:
        """The file of a pack."""
        return self._directory / f"{pack:08d}.pack"

    def list(self) -> Iterator[int]:
        """Numbers of all packs there are."""
        return (int(path.stem) for path in self._directory.glob("*.pack"))

    def append(self, blobs: Sequence[bytes]) -> Sequence[tuple[int, int] | BaseException]:
        """Put `blobs` into this process's pack, with one sync; returns (pack, offset) of each, or Unavailable."""
        started = time.perf_counter()
        try:
            if self._descriptor < 0 or self._end >= FULL:
                self._begin()
            offset = self._end
            places: list[tuple[int, int]] = []
            for blob in blobs:
                places.append((self._number, offset))
                offset += len(blob)
            _write(self._descriptor, b"".join(blobs) if len(blobs) > 1 else blobs[0])
            os.fdatasync(self._descriptor)
        except OSError as error:
            self._give_up(error)
            told = storage_fault(error, "The message cannot be stored now")
            told.__cause__ = error
            return [told] * len(blobs)
        self._end = offset
        self.append_s = time.perf_counter() - started
        return places

    def _begin(self) -> None:
        self.close()
        number, descriptor = self._next, -1
        while descriptor < 0:
            try:
                descriptor = os.open(self.path(number), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            except FileExistsError:
                number += 1
        # Whoever sweeps packs, in whichever process, sees by the lock that this one is still being filled.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._number, self._descriptor, self._end, self._next = number, descriptor, 0, number + 1
        _sync(self._directory)

    def _give_up(self, error: OSError) -> None:
        """After a failed write or sync nobody knows what the end of the pack is: cut it off, and begin another."""
        log.error("store.pack_fault", pack=self._number, text=str(error))
        with suppress(OSError):
            if self._descriptor >= 0:
                os.ftruncate(self._descriptor, self._end)  # a full disk needs the room
                if self._end == 0:
                    self.path(self._number).unlink()
        self.close()

    def adopt(self, path: Path) -> int:
        """Make a spool file a pack of one blob: synced, renamed, its name synced.  Raises: Unavailable."""
        try:
            with path.open("rb") as file:
                os.fsync(file.fileno())
            number = self._link(path)
            path.unlink()
            _sync(self._directory)
        except OSError as error:
            raise storage_fault(error, "The message cannot be stored now") from error
        return number

    def _link(self, path: Path) -> int:
        while True:
            with self._lock:
                number, self._next = self._next, self._next + 1
            try:
                os.link(path, self.path(number))
            except FileExistsError:
                continue
            return number

    def open(self, pack: int) -> PackFile:
        """For reading.  Raises: FileNotFoundError (it was rewritten: the row knows a new place), Unavailable."""
        with self._lock:
            file = self._open.pop(pack, None)
            if file is None or not file.is_there:
                file = self._open_file(pack)
            self._open[pack] = file
            if len(self._open) > OPEN_FILES:
                self._open.popitem(last=False)
        return file

    def _open_file(self, pack: int) -> PackFile:
        try:
            return PackFile(self.path(pack))
        except FileNotFoundError:
            raise
        except OSError as error:
            raise Unavailable("The message cannot be read now") from error

    def is_being_filled(self, pack: int) -> bool:
        """Whether some process still appends to it."""
        if self._descriptor >= 0 and pack == self._number:
            return True
        try:
            descriptor = os.open(self.path(pack), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def forget_unlinked(self) -> None:
        """Let go of packs that another process has removed, so that their room comes free."""
        for pack in [pack for pack, file in self._open.items() if file.is_unlinked()]:
            del self._open[pack]

    def unlink(self, pack: int) -> None:
        """Remove a pack that no row names.  Whoever reads it goes on doing so."""
        with self._lock:
            self._open.pop(pack, None)
        self.path(pack).unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the pack being filled; the next `append` begins another."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
