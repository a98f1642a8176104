"""What a stretch of work costs: wall time, CPU of this client, CPU and memory of the server's processes (Linux)."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
RESET_PEAK: Final = "5"  # proc(5), clear_refs
QUIET_SHARE: Final = 0.05  # of a core: a server that uses less does nothing
QUIET_S: Final = 0.6  # it has to do nothing for so long; who works in pieces rests between them
LOOK_S: Final = 0.1
QUIET_PATIENCE_S: Final = 120.0
_CPUCLOCK_SCHED: Final = 2  # clock_getcpuclockid(3), which Python has for threads only


@dataclass(frozen=True, slots=True)
class Memory:
    """Of a process tree, in kB: proportional share now, and how far its processes had been above that."""

    pss_kb: int
    above_kb: int

    @property
    def peak_kb(self) -> int:
        """The highest since `reset_peak`; too low by processes that came and went in between."""
        return self.pss_kb + self.above_kb


class Meter:
    """Adds up what happens inside ``with meter:``, which may be entered again and again.

    Attributes, in seconds: `wall_s`, `client_s`, `server_s` (None without a process to look at).
    """

    def __init__(self, pid: int | None) -> None:
        self._pid = pid
        self.wall_s = 0.0
        self.client_s = 0.0
        self.server_s: float | None = None if pid is None else 0.0
        self._server = self._client = self._wall = 0.0
        if pid is not None:
            reset_peak(tree(pid))

    def __enter__(self) -> Meter:
        if self._pid is not None:
            self._server = cpu_s(tree(self._pid))
        self._client = time.process_time()
        self._wall = time.perf_counter()
        return self

    def __exit__(self, *exc: object) -> None:
        self.wall_s += time.perf_counter() - self._wall
        self.client_s += time.process_time() - self._client
        if self._pid is not None and self.server_s is not None:
            self.server_s += cpu_s(tree(self._pid)) - self._server

    def settle(self, quiet_s: float) -> None:
        """Wait until the server has done what it put off; its CPU counts, the time does not."""
        if self._pid is not None and self.server_s is not None:
            self.server_s += wait_until_quiet(self._pid, quiet_s)

    def memory(self) -> Memory | None:
        """Of the server now; None without a process to look at, or without the right to."""
        return None if self._pid is None else memory(tree(self._pid))


def tree(pid: int) -> tuple[int, ...]:
    """The process and all its descendants that live now."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields:
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [pid]
    for parent in found:
        found += children.get(parent, ())
    return tuple(found)


def cpu_s(pids: Iterable[int]) -> float:
    """CPU time of these processes, to the nanosecond, and of their children that have ended, to the tick."""
    total = 0.0
    for pid in pids:
        try:
            total += time.clock_gettime((~pid << 3) | _CPUCLOCK_SCHED)
        except OSError:
            continue  # it has ended, and its parent counts it
        fields = _stat(pid)
        if fields:
            total += (int(fields[13]) + int(fields[14])) / TICKS_PER_S
    return total


def wait_until_quiet(pid: int, quiet_s: float = QUIET_S, patience_s: float = QUIET_PATIENCE_S) -> float:
    """Wait until the process and its descendants have done nothing for a while; the CPU seconds they used meanwhile.

    What comes after a longer rest than `quiet_s` is not waited for, nor longer than `patience_s`.
    """
    first = last = cpu_s(tree(pid))
    quiet_since = time.monotonic()
    until = quiet_since + patience_s
    while quiet_since < until and time.monotonic() - quiet_since < quiet_s:
        time.sleep(LOOK_S)
        now = cpu_s(tree(pid))
        if now - last > LOOK_S * QUIET_SHARE:
            quiet_since = time.monotonic()
        last = now
    return last - first


def memory(pids: Iterable[int]) -> Memory | None:
    """None where the system does not say."""
    pss = above = 0
    seen = False
    for pid in pids:
        try:
            pss += _kb(PROC / str(pid) / "smaps_rollup", "Pss")
            status = PROC / str(pid) / "status"
            above += max(0, _kb(status, "VmHWM") - _kb(status, "VmRSS"))
            seen = True
        except (OSError, LookupError):
            continue  # it has ended, or is somebody else's
    return Memory(pss, above) if seen else None


def reset_peak(pids: Iterable[int]) -> None:
    """Forget the highest memory so far, where this process may say so."""
    for pid in pids:
        try:
            (PROC / str(pid) / "clear_refs").write_text(RESET_PEAK, "ascii")
        except OSError:
            continue


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name: state, parent, …; none when the process has ended."""
    try:
        text = (PROC / str(pid) / "stat").read_text("latin-1")
    except OSError:
        return []
    return text[text.rindex(")") + 2 :].split()


def _kb(path: Path, name: str) -> int:
    match = re.search(rf"^{name}:\s+(\d+) kB", path.read_text("latin-1"), re.MULTILINE)
    if match is None:
        raise LookupError(name)
    return int(match[1])
