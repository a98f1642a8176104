"""How this program is called: for the lines that a user is told to paste."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path


def words() -> tuple[str, ...]:
    """The words that start this program from any directory, and need no PATH."""
    called = Path(sys.argv[0]).absolute()
    return (sys.executable, "-m", "mailkeep") if called.name == "__main__.py" else (str(called),)


def program() -> str:
    """The command that starts this program from any directory."""
    called = Path(sys.argv[0]).absolute()
    if called.name == "__main__.py":
        return f"{sys.executable} -m mailkeep"
    found = shutil.which(called.name)
    return called.name if found and Path(found) == called else str(called)
