"""Is there a server on this data, and as whom does it run?"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mailkeep.control import NotRunning, OutcomeUnknown, call
from mailkeep.doctor.finding import Area, Finding, Level
from mailkeep.model.errors import MailError

ANSWER_S: Final = 10.0
NOTHING: Final = b"\x80"  # msgpack: a verb without arguments
_PROCESS: Final = re.compile(r"\(process (\d+)\)")


@dataclass(frozen=True, slots=True)
class Found:
    """`running`: it answers; `process`: its number, None where nobody says.  `fault`: why it does not answer."""

    running: bool
    process: int | None = None
    fault: str = ""


def find_server(control_socket: Path) -> Found:
    """Ask whether a server answers there."""
    try:
        call(control_socket, "status", NOTHING, timeout_s=ANSWER_S)
    except NotRunning:
        return Found(running=False)
    except (MailError, OutcomeUnknown) as error:
        return Found(running=False, fault=str(error))
    return Found(running=True, process=_holder(control_socket.parent / "lock"))


def _holder(lock: Path) -> int | None:
    try:
        match = _PROCESS.search(lock.read_text("utf-8"))
    except OSError:
        return None
    return int(match[1]) if match else None


def check_server(found: Found, start: str) -> Iterator[Finding]:
    """`start`: the command that starts one."""
    if found.fault:
        todo = "be the user who runs the server; or restart it"
        yield Finding(Area.SERVER, Level.FAULT, "process", found.fault, todo)
    elif not found.running:
        yield Finding(Area.SERVER, Level.ADVICE, "process", "no server runs on this data", start)
    else:
        number = f" (process {found.process})" if found.process else ""
        yield Finding(Area.SERVER, Level.GOOD, "process", f"runs{number}")
        if found.process and _user(found.process) == 0:
            text = "runs as root: whoever breaks into it has the whole machine"
            todo = "a user of its own; `mailkeep config unit` prints a unit that has one"
            yield Finding(Area.SERVER, Level.ADVICE, "user", text, todo)


def _user(process: int) -> int | None:
    try:
        return os.stat(f"/proc/{process}").st_uid
    except OSError:
        return None
