"""What a user of this machine, who is perhaps not the one who asks, may read."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Final

READ: Final = 0o4
ENTER: Final = 0o1


def who_bars(path: Path, uid: int, needed: int = READ) -> Path | None:
    """What keeps the user from `path`: a directory above it, or itself; None where nothing does.

    `needed` of the file itself: READ or ENTER (to run it).  Groups count as the file's own: a guess in his favour.
    """
    if uid == 0:
        return None
    for each in (*reversed(path.parents), path):
        try:
            state = each.stat()
        except OSError:
            return each
        mine = state.st_mode >> 6 if state.st_uid == uid else state.st_mode | state.st_mode >> 3
        if not mine & (needed if each == path else ENTER):
            return each
    return None


def user_name(uid: int) -> str:
    """The name of a user, or the number of one who has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def give_to(user: str, directory: Path) -> None:
    """Make all of `directory` belong to `user` and his group.  Raises: KeyError (there is no such), OSError."""
    entry = pwd.getpwnam(user)
    if entry.pw_uid == directory.stat().st_uid:
        return
    for parent, _, files in os.walk(directory):
        os.chown(parent, entry.pw_uid, entry.pw_gid)
        for name in files:
            os.chown(os.path.join(parent, name), entry.pw_uid, entry.pw_gid, follow_symlinks=False)
