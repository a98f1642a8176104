"""One server, or one command without a server, per data directory: the lock file says who."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self


class Locked(Exception):
    """Another process holds the data directory; the text says which."""


class DataLock:
    """The lock of a data directory, held from opening until `close` or the end of the process, however it ends.

    Use as a context manager.  The file stays; its text (process id and program) is for people only.
    Raises: Locked.
    """

    __slots__ = ("_descriptor",)

    def __init__(self, data_dir: Path, program: str) -> None:
        path = data_dir / "lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 200, 0).decode("utf-8", "replace").strip() or "another process"
            os.close(descriptor)
            raise Locked(f"{data_dir} is in use by {holder}") from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{program} (process {os.getpid()})\n".encode(), 0)
        self._descriptor = descriptor

    def close(self) -> None:
        """Let the next one in."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
