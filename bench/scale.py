"""How time and memory grow: with the messages of a mailbox, with accounts, with idle connections.

Costs should follow the change and the answer, not the size of what is there.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Final

from argon2 import PasswordHasher
from rich import box
from rich.console import Console
from rich.table import Table

from bench.arguments import write_json
from bench.machine import machine
from bench.servers import Server, mailkeep, working_directory
from mailkeep.bench import mail
from mailkeep.bench.answer import fetched, must_equal, uids_found
from mailkeep.bench.connection import Connection, Wrong
from mailkeep.bench.corpus import Corpus
from mailkeep.bench.files import raise_file_limit
from mailkeep.bench.meter import Memory, memory, tree, wait_until_quiet
from mailkeep.bench.stage import QUIET_S, Stage, all_uids, fill, renew, select
from mailkeep.bench.table import number
from mailkeep.bench.workloads.idle import start_idle
from mailkeep.service.accounts import Accounts
from mailkeep.service.passwords import Passwords
from mailkeep.store.sqlite.store import SqliteStore

MESSAGES: Final = (1_000, 10_000, 100_000)
MANY_MESSAGES: Final = 1_000_000
ACCOUNTS: Final = (10, 1_000, 10_000)
CONNECTIONS: Final = (10, 1_000, 10_000)
USERS: Final = 100  # of the idle connections; an account may have 200
BODY: Final = 400  # octets, so that seeding does not take all day
REPEAT: Final = 30  # of what is quick
REPEAT_SLOW: Final = 3
INDEXED_S: Final = 3600.0  # at most, until what the server puts off is done
SETTLE_S: Final = 2.0
SEED: Final = 11
BOX: Final = "BenchScale"

Point = dict[str, float]  # name of a figure with its unit → value
Curve = dict[int, Point]


def main() -> int:
    """Exit status 1: some answer was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--million", action="store_true", help="a mailbox of 1,000,000 messages, too")
    parser.add_argument("--small", action="store_true", help="only the two smaller sizes of each curve")
    parser.add_argument("--curves", default="messages,accounts,connections", help="only these, separated by commas")
    parser.add_argument("--directory", type=Path, help="where the server keeps its data meanwhile (default: /var/tmp)")
    parser.add_argument("--json", type=Path, help="the file of results (default: a new one in bench/results)")
    options = parser.parse_args()
    console = Console(width=160)
    started_at = int(time.time())
    few = 2 if options.small else None
    sizes: dict[str, tuple[int, ...]] = {
        "messages": (*MESSAGES[:few], *((MANY_MESSAGES,) if options.million else ())),
        "accounts": ACCOUNTS[:few],
        "connections": CONNECTIONS[:few],
    }
    measure: dict[str, Callable[[Path, int], Point]] = {
        "messages": messages,
        "accounts": accounts,
        "connections": connections,
    }
    curves: dict[str, Curve] = {}
    try:
        with working_directory(options.directory) as directory:
            about = machine(directory)
            for name in options.curves.split(","):
                curves[name] = {}
                for size in sizes[name]:
                    with console.status(f"{size:,} {name}"):
                        curves[name][size] = measure[name](directory / f"{name}{size}", size)
                console.print(table(name, curves[name]))
    except (Wrong, OSError) as error:
        console.print(f"wrong: {error}", markup=False)
        return 1
    path = write_json(options.json, "scale", started_at, {"machine": about, "curves": curves})
    console.print(f"written to {path}", markup=False)
    return 0


def table(name: str, curve: Curve) -> Table:
    """One curve: a line for each figure, a column for each size."""
    made = Table(box=box.SIMPLE)
    made.add_column(name)
    for size in curve:
        made.add_column(f"{size:,}", justify="right")
    for figure in next(iter(curve.values())):
        made.add_row(figure, *(number(point.get(figure)) for point in curve.values()))
    return made


def messages(directory: Path, count: int) -> Point:
    """One mailbox of that many messages."""
    corpus = Corpus(count, BODY)
    with mailkeep(directory, users=1) as server, _connected(server) as connection:
        renew(connection, BOX)
        start = perf_counter()
        fill(connection, BOX, corpus)
        point = {"fill, µs a message": (perf_counter() - start) / count * 1e6}
        with _connected(server) as connection:  # it has been open before, as mailboxes have
            select(connection, BOX, count)
        start = perf_counter()
        point["CPU afterwards, µs a message"] = wait_until_quiet(_pid(server), QUIET_S, INDEXED_S) / count * 1e6
        point["until all is done, s"] = perf_counter() - start
    with mailkeep(directory, users=1) as server:  # again: nothing of it is in memory
        return point | _in_mailbox(server, count, corpus)


def _in_mailbox(server: Server, count: int, corpus: Corpus) -> Point:
    point: Point = {}
    with _connected(server) as connection:
        start = perf_counter()
        select(connection, BOX, count)
        point["first open after a start, ms"] = (perf_counter() - start) * 1e3
    times = []
    for _ in range(REPEAT_SLOW):
        with _connected(server) as connection:
            start = perf_counter()
            select(connection, BOX, count)
            times.append(perf_counter() - start)
    point["open, ms"] = statistics.median(times) * 1e3
    with _connected(server) as connection:
        select(connection, BOX, count)
        uids = all_uids(connection)
        newest, r = uids[-50:], random.Random(SEED)  # noqa: S311  no secret
        lines: dict[str, tuple[int, Callable[[], bytes]]] = {
            "list the newest 50, ms": (
                REPEAT,
                lambda: b"UID FETCH %d:%d (UID FLAGS RFC822.SIZE ENVELOPE)" % (newest[0], newest[-1]),
            ),
            "flags of all, ms": (REPEAT_SLOW, lambda: b"UID FETCH 1:* (FLAGS)"),
            "list all, ms": (REPEAT_SLOW, lambda: b"UID FETCH 1:* (UID FLAGS RFC822.SIZE ENVELOPE)"),
            "one body, ms": (REPEAT, lambda: b"UID FETCH %d (BODY.PEEK[])" % r.choice(uids)),
            "store one, ms": (REPEAT, lambda: b"UID STORE %d +FLAGS (\\Flagged)" % r.choice(uids)),
            "store all, ms": (REPEAT_SLOW, lambda: b"UID STORE 1:* +FLAGS.SILENT (\\Draft)"),
            "search unseen, ms": (REPEAT_SLOW, lambda: b"UID SEARCH UNSEEN"),
            "search from, ms": (REPEAT_SLOW, lambda: b'UID SEARCH FROM "%s"' % mail.SENDER.encode("ascii")),
            "search body, ms": (1, lambda: b'UID SEARCH BODY "%s"' % mail.RARE_WORD.encode("ascii")),
        }
        for name, (repeat, line) in lines.items():
            point[name], answer = _median_ms(connection, line, repeat)
            _verify(name, answer, corpus, uids)
        point["append one, ms"] = _appends_ms(connection)
    point["peak memory, MB"] = _peak_mb(server)
    return point


def _verify(name: str, answer: bytes, corpus: Corpus, uids: tuple[int, ...]) -> None:
    match name.partition(",")[0]:
        case "list the newest 50":
            must_equal(tuple(row.uid for row in fetched(answer)), uids[-50:], name)
        case "flags of all" | "list all":
            must_equal(answer.count(b" FETCH ("), corpus.count, name)
        case "one body" | "store one":
            must_equal(len(list(fetched(answer))), 1, name)
        case "search from":
            must_equal(uids_found(answer), tuple(uids[k - 1] for k in corpus.from_sender), name)
        case "search body":
            must_equal(uids_found(answer), tuple(uids[k - 1] for k in corpus.with_rare_word), name)
        case "search unseen":
            unseen = tuple(uid for k, uid in enumerate(uids, 1) if "\\Seen" not in mail.flags(k))
            must_equal(uids_found(answer), unseen, name)
        case _:  # a tagged OK says it all
            pass


def accounts(directory: Path, count: int) -> Point:
    """A server with that many accounts, all of them empty."""
    directory.mkdir(parents=True)
    (directory / "data").mkdir(mode=0o700)
    made_s = asyncio.run(_make_accounts(directory / "data", count))
    start = perf_counter()
    with mailkeep(directory, users=1) as server:
        ready_s = perf_counter() - start
        point = {"make one, ms": made_s / count * 1e3, "start, s": ready_s, "memory at start, MB": _pss_mb(server)}
        r = random.Random(SEED)  # noqa: S311  no secret
        some = [r.randrange(1, count + 1) for _ in range(REPEAT)]
        for number_ in some:
            _stage(server, count).connect(number_).close()  # so that its password is known
        times: dict[str, list[float]] = {"login": [], "select": [], "append one": []}
        for number_ in some:
            start = perf_counter()
            with _stage(server, count).connect(number_) as connection:
                times["login"].append(perf_counter() - start)
                start = perf_counter()
                connection.command(b"SELECT INBOX")
                times["select"].append(perf_counter() - start)
                start = perf_counter()
                connection.append("INBOX", mail.exactly(1, 2048))
                times["append one"].append(perf_counter() - start)
        point |= {f"{name}, ms": statistics.median(values) * 1e3 for name, values in times.items()}
        point["memory afterwards, MB"] = _pss_mb(server)
    return point


async def _make_accounts(data: Path, count: int) -> float:
    """Seconds it took; with a hash that is quick, as this is not about hashing."""
    async with SqliteStore(data, shards=1) as store:
        hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        made = Accounts(store.directory, store, Passwords(hasher))
        start = perf_counter()
        for number_ in range(1, count + 1):
            await made.create(f"u{number_}@example.org", "pass")
        return perf_counter() - start


def connections(directory: Path, count: int) -> Point:
    """A server with that many connections in IDLE, in the clear."""
    raise_file_limit(count + 200)
    with mailkeep(directory, users=min(USERS, count)) as server, contextlib.ExitStack() as stack:
        stage = _stage(server, min(USERS, count))
        for number_ in range(1, min(USERS, count) + 1):
            stage.connect(number_).close()
        before = _pss_mb(server)
        start = perf_counter()
        for number_ in range(1, count + 1):
            start_idle(stack.enter_context(stage.connect(number_)), "INBOX")
        opened_s = perf_counter() - start
        time.sleep(SETTLE_S)
        grown = _pss_mb(server) - before
        with stage.connect(1) as one:
            one.command(b"SELECT INBOX")
            noop, _ = _median_ms(one, lambda: b"NOOP", REPEAT)
            return {
                "connect to IDLE, ms": opened_s / count * 1e3,
                "memory of one, kB": grown / count * 1024,
                "memory of all, MB": grown,
                "NOOP meanwhile, ms": noop,
                "append one meanwhile, ms": _appends_ms(one),
            }


def _stage(server: Server, users: int) -> Stage:
    return Stage(target=dataclasses.replace(server.clear, users=users), corpus=Corpus(0))


@contextlib.contextmanager
def _connected(server: Server) -> Iterator[Connection]:
    with _stage(server, 1).connect() as connection:
        yield connection


def _median_ms(connection: Connection, line: Callable[[], bytes], repeat: int) -> tuple[float, bytes]:
    """And the last answer."""
    times = []
    answer = b""
    for _ in range(repeat):
        asked = line()
        start = perf_counter()
        answer = connection.command(asked)
        times.append(perf_counter() - start)
    return statistics.median(times) * 1e3, answer


def _appends_ms(connection: Connection) -> float:
    message = mail.exactly(1, 4096)
    renew(connection, f"{BOX}In")
    times = []
    for _ in range(REPEAT):
        start = perf_counter()
        connection.append(f"{BOX}In", message)
        times.append(perf_counter() - start)
    return statistics.median(times) * 1e3


def _pss_mb(server: Server) -> float:
    return _memory(server).pss_kb / 1024


def _peak_mb(server: Server) -> float:
    return _memory(server).peak_kb / 1024


def _memory(server: Server) -> Memory:
    found = memory(tree(_pid(server)))
    if found is None:
        raise Wrong("the memory of the server's processes cannot be read")
    return found


def _pid(server: Server) -> int:
    assert server.clear.pid is not None  # we started it
    return server.clear.pid


if __name__ == "__main__":
    sys.exit(main())
