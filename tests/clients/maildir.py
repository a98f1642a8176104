"""A Maildir as mbsync and offlineimap keep it: messages as files, flags as letters at the end of the name."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

_number = itertools.count()


@dataclass(frozen=True, slots=True)
class Mail:
    """One message."""

    path: Path

    @property
    def octets(self) -> bytes:
        """As the file has them: lines end with LF."""
        return self.path.read_bytes()

    @property
    def flags(self) -> str:
        """Letters: D draft, F flagged, P passed, R replied, S seen, T trashed."""
        return self.path.name.partition(":2,")[2]

    @property
    def subject(self) -> str:
        head = self.octets.partition(b"\n\n")[0].decode()
        return next(line[9:] for line in head.split("\n") if line.startswith("Subject: "))

    def set_flags(self, letters: str) -> None:
        """Rename the file, as a mail reader does."""
        name = self.path.name.partition(":2,")[0]
        self.path.rename(self.path.parent.parent / "cur" / f"{name}:2,{letters}")


def read(maildir: Path) -> dict[str, Mail]:
    """All messages by subject."""
    found = [Mail(path) for part in ("new", "cur") for path in (maildir / part).iterdir()]
    out = {mail.subject: mail for mail in found}
    assert len(out) == len(found), f"a subject twice in {maildir}"
    return out


def make(maildir: Path) -> None:
    """An empty one."""
    for part in ("cur", "new", "tmp"):
        (maildir / part).mkdir(parents=True, exist_ok=True)


def write(maildir: Path, octets: bytes, letters: str = "") -> None:
    """Put a message there; CRLF becomes LF."""
    name = f"1700000000.{next(_number)}.test:2,{letters}"
    (maildir / "cur" / name).write_bytes(octets.replace(b"\r\n", b"\n"))
