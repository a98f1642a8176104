"""The machine that figures were taken on, and how fast its disk really is."""

from __future__ import annotations

import os
import platform
import re
import statistics
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from typing import Final

import apsw

SYNCS: Final = 200


def machine(directory: Path) -> dict[str, str | int | float]:
    """What a reader wants to know; `directory` is where the servers keep their data."""
    cpuinfo = Path("/proc/cpuinfo").read_text("utf-8")
    model = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    memory = re.search(r"^MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text("utf-8"), re.MULTILINE)
    return {
        "cpu": model[1] if model else platform.machine(),
        "cores": os.cpu_count() or 0,
        "memory_gb": round(int(memory[1]) / 1e6) if memory else 0,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "mailkeep": version("mailkeep"),
        "commit": _commit(),
        "sqlite": apsw.sqlite_lib_version(),
        "file_system": _file_system(directory),
        "fdatasync_ms": round(fdatasync_ms(directory), 3),
        "load": round(os.getloadavg()[0], 2),
    }


def fdatasync_ms(directory: Path) -> float:
    """Median of overwriting 4 kB and syncing it."""
    path = directory / "fdatasync"
    path.write_bytes(bytes(1 << 20))
    times = []
    descriptor = os.open(path, os.O_RDWR)
    try:
        for number in range(SYNCS):
            os.pwrite(descriptor, bytes(4096), number % 256 * 4096)
            start = time.perf_counter()
            os.fdatasync(descriptor)
            times.append(time.perf_counter() - start)
    finally:
        os.close(descriptor)
        path.unlink()
    return statistics.median(times) * 1e3


def _file_system(directory: Path) -> str:
    answer = subprocess.run(("stat", "-f", "-c", "%T", str(directory)), capture_output=True, text=True, check=False)
    return answer.stdout.strip() or "unknown"


def _commit() -> str:
    answer = subprocess.run(("git", "describe", "--always", "--dirty"), capture_output=True, text=True, check=False)
    return answer.stdout.strip() or "unknown"
