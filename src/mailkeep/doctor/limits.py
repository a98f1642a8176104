"""What the system allows the server: open files, memory, connections that wait."""

from __future__ import annotations

import re
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mailkeep.doctor.finding import Area, Finding, Level
from mailkeep.net.listener import BACKLOG

FILES: Final = 16384  # a connection is an open file
MEMORY: Final = 256 << 20  # octets that should be free
_FILES: Final = re.compile(r"^Max open files\s+\S+\s+(\S+)", re.MULTILINE)
_AVAILABLE: Final = re.compile(r"^MemAvailable:\s+(\d+) kB", re.MULTILINE)


def check_limits(server: int | None) -> Iterator[Finding]:
    """`server`: the process that serves; None where none does, and what this one may have counts instead."""
    allowed = _allowed_files(server)
    if allowed is not None and allowed < FILES:
        text = f"at most {allowed} open files, so fewer connections than that"
        todo = "LimitNOFILE=65536 in the unit, or `ulimit -Hn 65536` before the start"
        yield Finding(Area.LIMITS, Level.ADVICE, "open files", text, todo)
    elif allowed is not None:
        yield Finding(Area.LIMITS, Level.GOOD, "open files", f"up to {allowed}")
    waiting = _number(Path("/proc/sys/net/core/somaxconn"))
    if waiting is not None and waiting < BACKLOG:
        text = f"only {waiting} connections may wait to be accepted: bursts are refused"
        todo = f"sysctl -w net.core.somaxconn={BACKLOG}"
        yield Finding(Area.LIMITS, Level.ADVICE, "waiting connections", text, todo)
    match = _AVAILABLE.search(_read(Path("/proc/meminfo")))
    if match:
        octets = int(match[1]) << 10
        level = Level.ADVICE if octets < MEMORY else Level.GOOD
        todo = "end other programs, or give the machine more" if level is Level.ADVICE else ""
        yield Finding(Area.LIMITS, level, "memory", f"{octets / 1e6:,.0f} MB are available", todo)


def _allowed_files(process: int | None) -> int | None:
    if process is None:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        return 1 << 30 if hard == resource.RLIM_INFINITY else hard
    match = _FILES.search(_read(Path(f"/proc/{process}/limits")))
    if match is None:
        return None
    return int(match[1]) if match[1].isdecimal() else 1 << 30


def _number(path: Path) -> int | None:
    text = _read(path).strip()
    return int(text) if text.isdecimal() else None


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError:
        return ""
