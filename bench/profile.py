"""Where the time of each hot path goes: writes docs/profiles.md; needs Linux's perf, and py-spy for Python's functions.

perf tells how much the interpreter, SQLite, the kernel and TLS take; py-spy which functions hold the interpreter.
Beside them stands what the machine itself allows: a round trip, a sync of the log.
"""

from __future__ import annotations

import argparse
import collections
import datetime as dt
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.machine import machine
from bench.servers import Server, mailkeep, working_directory
from mailkeep.bench.corpus import Corpus
from mailkeep.bench.result import Failure, Row
from mailkeep.bench.run import attempt, named
from mailkeep.bench.stage import Stage
from mailkeep.bench.table import figure, title

PAGE: Final = Path(__file__).parents[1] / "docs" / "profiles.md"
HOT: Final = "noop,list,headers,flags,body,bodies,append,append-8,store,store-50,search-from,search-body,mixed"
SECONDS: Final = 8.0
BEFORE_S: Final = 1.5  # until a workload runs at its pace
LOOK_S: Final = 2.5
FUNCTIONS: Final = 8
TRIPS: Final = 2000
PLACES: Final = (
    ("libpython", "Python"),
    ("python3", "Python"),
    ("apsw", "SQLite"),
    ("__init__.cpython", "SQLite"),  # apsw's module, which holds SQLite
    ("kernel", "kernel"),
    ("loop.cpython", "event loop"),
    ("libssl", "TLS"),
    ("libcrypto", "TLS"),
    ("libc.so", "C library"),
)


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of one workload: shares of the processor's time by place, and of the interpreter's by function."""

    row: Row
    places: dict[str, float]
    functions: list[tuple[str, float]]


def main() -> int:
    """Exit status 2: a tool is missing; 1: some answer was wrong."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--messages", type=int, default=20_000, help="in the large mailbox (default: 20000)")
    options.add_argument("--workloads", default=HOT, help="only these, separated by commas")
    options.add_argument("--py-spy", type=Path, default=shutil.which("py-spy"), help="where py-spy is")
    chosen = options.parse_args()
    if shutil.which("perf") is None:
        print("perf is missing (Debian: apt-get install linux-perf)", file=sys.stderr)  # noqa: T201
        return 2
    with working_directory(None) as directory, mailkeep(directory / "mailkeep") as server:
        about = machine(directory)
        stage = Stage(target=server.clear, corpus=Corpus(chosen.messages), seconds=SECONDS)
        stage.large_mailbox()
        looks = []
        for workload in named(tuple(chosen.workloads.split(","))):
            watcher = Watcher(server, directory, chosen.py_spy)
            watcher.start()
            outcome = attempt(workload, stage)
            watcher.join()
            if isinstance(outcome, Failure):
                print(f"{outcome.name}: wrong: {outcome.why}", file=sys.stderr)  # noqa: T201
                return 1
            looks.append(Look(outcome[0], watcher.places, watcher.functions))
        PAGE.write_text("\n".join(page(looks, about, round_trip_us())), "utf-8")
    return 0


class Watcher(threading.Thread):
    """Looks at the server while a workload runs."""

    def __init__(self, server: Server, directory: Path, py_spy: Path | None) -> None:
        super().__init__()
        assert server.clear.pid is not None
        self._pid = str(server.clear.pid)
        self._directory = directory
        self._py_spy = py_spy
        self.places: dict[str, float] = {}
        self.functions: list[tuple[str, float]] = []

    def run(self) -> None:
        """See `threading.Thread`."""
        time.sleep(BEFORE_S)
        data = self._directory / "perf.data"
        self._tool("perf", "record", "-q", "-F", "1999", "-o", str(data), "-p", self._pid, "--", "sleep", str(LOOK_S))
        if self._py_spy is not None:
            raw = self._directory / "spy.txt"
            arguments = ("record", "--gil", "-F", "-r", "400", "-d", str(int(LOOK_S)), "-f", "raw", "-o", str(raw))
            self._tool(str(self._py_spy), *arguments, "--pid", self._pid)
            self.functions = functions(raw.read_text("utf-8"))
        report = self._tool("perf", "report", "-i", str(data), "--no-children", "--sort", "dso")
        self.places = places(report)

    def _tool(self, *arguments: str) -> str:
        return subprocess.run(arguments, capture_output=True, text=True, check=True).stdout


def places(report: str) -> dict[str, float]:
    """Percent by place, from a report of perf sorted by object file."""
    found: collections.Counter[str] = collections.Counter()
    for line in report.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0].endswith("%"):
            name = next((place for part, place in PLACES if part in words[-1]), "other modules")
            found[name] += float(words[0][:-1])  # type: ignore[assignment]  # it counts percents
    return dict(found.most_common())


def functions(raw: str) -> list[tuple[str, float]]:
    """The functions of mailkeep in which most of the time is spent, what they call not counted, with percents."""
    own: collections.Counter[str] = collections.Counter()
    total = 0
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        total += int(count)
        ours = [frame for frame in stack.split(";") if "(mailkeep/" in frame]
        if ours:
            own[ours[-1].rpartition(":")[0].replace("(mailkeep/", "(")] += int(count)
    return [(f"{name})", 100 * count / total) for name, count in own.most_common(FUNCTIONS)]


def round_trip_us() -> float:
    """Median of a line to another thread and back, over the loopback interface: no server can answer sooner."""
    listener = socket.create_server(("127.0.0.1", 0))

    def echo() -> None:
        peer, _ = listener.accept()
        with peer:
            while data := peer.recv(100):
                peer.sendall(data)

    thread = threading.Thread(target=echo)
    thread.start()
    times = []
    with socket.create_connection(listener.getsockname()) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(TRIPS):
            start = time.perf_counter()
            client.sendall(b"a NOOP\r\n")
            client.recv(100)
            times.append(time.perf_counter() - start)
    thread.join()
    listener.close()
    return statistics.median(times) * 1e6


def page(looks: list[Look], about: dict[str, str | int | float], trip_us: float) -> Iterator[str]:
    """The lines of docs/profiles.md."""
    yield "# Where the time goes"
    yield ""
    yield "<!-- Written by `python -m bench.profile`. -->"
    yield ""
    today = dt.datetime.now(dt.UTC).strftime("%d %B %Y")
    yield f"mailkeep {about['mailkeep']} ({about['commit']}), Python {about['python']}, {about['cpu']}, {today}."
    yield (
        f"What the machine allows: {trip_us:.0f} µs for a round trip between two threads over loopback,"
        f" {float(about['fdatasync_ms']) * 1e3:.0f} µs to sync 4 kB that are written over."
        f"  Load at the start: {about['load']}."
    )
    yield ""
    yield "Shares of the server's processor time, by perf, and the limit that no server passes:"
    yield ""
    names = (*dict.fromkeys(place for _, place in PLACES), "other modules")
    yield f"| workload | figure | µs/op | {' | '.join(names)} | limit |"
    yield f"|---|---:|---:|{'---:|' * len(names)}---:|"
    for look in looks:
        shares = " | ".join(f"{look.places.get(name, 0):.0f} %" for name in names)
        row = look.row
        cpu = "" if row.server_us is None else f"{row.server_us:.3g}"
        limit = limit_of(row.name, trip_us, float(about["fdatasync_ms"]) * 1e3)
        yield f"| {title(row.name)} | {figure(row.value, row.unit)} | {cpu} | {shares} | {limit} |"
    for look in looks:
        if look.functions:
            yield ""
            yield f"## {title(look.row.name)}"
            yield ""
            yield "Functions that hold the interpreter, without what they call of ours:"
            yield ""
            for name, share in look.functions:
                yield f"- {share:.0f} % {name}"
    yield ""


def limit_of(name: str, trip_us: float, sync_us: float) -> str:
    """What a workload could do at most with one request outstanding: round trips, and syncs where it is durable."""
    match name:
        case "body":
            return f"{1e6 / trip_us:,.0f}/s"
        case "append" | "store":
            return f"{1e6 / (trip_us + sync_us):,.0f}/s"
        case _:
            return ""


if __name__ == "__main__":
    sys.exit(main())
