"""The databases: a look at each, for a few seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mailkeep.doctor.finding import Area, Finding, Level
from mailkeep.store.sqlite.look import look_at

EACH_S: Final = 3.0
ALL_S: Final = 20.0
LEAST_S: Final = 0.1  # each, however many there are
MEND: Final = "stop the server, keep a copy of the data directory, and run `mailkeep check`"


def check_databases(directory: Path) -> Iterator[Finding]:
    """Whether each database can be read and is whole, as far as a few seconds tell."""
    until = time.monotonic() + ALL_S
    for path in sorted((directory / "directory.db", *directory.glob("shard-*.db"))):
        if not path.exists():
            continue
        seconds = min(EACH_S, max(LEAST_S, until - time.monotonic()))
        look = look_at(path, seconds)
        if look.faults:
            yield Finding(Area.STORE, Level.FAULT, path.name, "; ".join(look.faults), MEND)
        elif not look.whole:
            text = f"no fault within {seconds:.1f} s; the rest was not looked at"
            yield Finding(Area.STORE, Level.GOOD, path.name, text, "`mailkeep check` looks at everything")
        else:
            yield Finding(Area.STORE, Level.GOOD, path.name, "is whole")
