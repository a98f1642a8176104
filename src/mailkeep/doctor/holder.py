"""Which program listens at a port, as /proc tells."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
LISTENS: Final = "0A"  # TCP_LISTEN, as /proc/net/tcp writes it
_UNIT: Final = re.compile(r"/([^/]+\.service)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that listens; `unit`: the service of systemd it belongs to, "" for none.

    `pid` 0: it belongs to somebody whom we may not look at.
    """

    name: str
    pid: int
    unit: str

    def __str__(self) -> str:
        if not self.pid:
            return f"{self.name}, which only root can be told of,"
        return f"{self.name} (process {self.pid}{f', {self.unit}' if self.unit else ''})"

    @property
    def farewell(self) -> str:
        """The command that stops it for good."""
        if self.unit:
            return f"systemctl disable --now {self.unit}"
        return f"kill {self.pid}" if self.pid else "stop that program"


def find_holder(port: int) -> Holder | None:
    """Who listens at `port`; None where nobody does."""
    wanted = {f"socket:[{inode}]" for inode in _inodes(port)}
    if not wanted:
        return None
    for process in sorted(PROC.glob("[0-9]*"), key=lambda path: int(path.name)):
        with suppress(OSError):
            if any(str(file.readlink()) in wanted for file in (process / "fd").iterdir()):
                return Holder((process / "comm").read_text("utf-8").strip(), int(process.name), _unit(process))
    return Holder("another program", 0, "")


def _inodes(port: int) -> Iterator[str]:
    """Of sockets that listen at `port`, on any address."""
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (PROC / "net" / table).read_text("ascii").splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                    yield fields[9]


def _unit(process: Path) -> str:
    match = _UNIT.search((process / "cgroup").read_text("utf-8"))
    return match[1] if match else ""
