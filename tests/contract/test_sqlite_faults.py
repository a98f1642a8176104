"""What the embedded store does when disk, process or file are not what they should be."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import apsw
import pytest

from mailkeep.model.errors import NotFound, Unavailable
from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.model.message import Appended
from mailkeep.store import ops
from mailkeep.store.contract import AccountState, NewMessage
from mailkeep.store.schema import migrations
from mailkeep.store.sqlite.connection import NewerSchema, WrongSetting
from mailkeep.store.sqlite.store import SqliteStore
from mailkeep.testing.store_contract import NOW, World


@contextmanager
def full_disk(at: int) -> Iterator[None]:
    """No file may grow beyond `at` octets."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (at, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, before)


def test_a_full_disk_is_unavailable_and_works_again_when_there_is_room(tmp_path: Path) -> None:
    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            world = await World.make(store)
            await world.append(b"before")
            before = await world.everything()
            size = max(path.stat().st_size for path in tmp_path.iterdir() if path.is_file())
            with full_disk(size + 1000):
                answers = await asyncio.gather(
                    *(world.append(b"%d" % i + b"x" * 15_000) for i in range(60)), return_exceptions=True
                )
                assert all(isinstance(answer, Appended | Unavailable) for answer in answers)
                assert any(isinstance(answer, Unavailable) for answer in answers)
                if not any(isinstance(answer, Appended) for answer in answers):
                    assert await world.everything() == before
            good = sum(isinstance(answer, Appended) for answer in answers)
            assert (await world.append(b"after")).uids == (good + 2,)
            assert await store.check(world.account) == ()
            assert await store.check_files() == ()

    asyncio.run(main())


def test_a_full_disk_refuses_large_messages_and_later_packs_are_sound(tmp_path: Path) -> None:
    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            world = await World.make(store)
            await world.append(b"a" * 100_000)
            with full_disk(150_000):
                with pytest.raises(Unavailable):
                    await store.put_blob(world.account, b"b" * 100_000)
                assert store._shards[0].packs.path(1).stat().st_size == 100_000  # nothing is left of it
            await world.append(b"c" * 100_000)
            assert await world.body(1) == b"a" * 100_000
            assert await world.body(2) == b"c" * 100_000
            assert await store.check(world.account) == ()

    asyncio.run(main())


def test_nobody_is_answered_ok_when_commit_fails(tmp_path: Path) -> None:
    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            world = await World.make(store)
            await world.append(b"before")
            before = await world.everything()
            writer = store._owned[0].writer
            assert writer._db is not None
            writer._db.set_commit_hook(lambda: True)
            answers = await asyncio.gather(*(world.append(b"%d" % i) for i in range(5)), return_exceptions=True)
            assert [type(answer) for answer in answers] == [Unavailable] * 5
            assert await world.everything() == before
            assert (await world.append(b"after")).uids == (2,)  # the connection was opened anew, without the hook
            assert await store.check(world.account) == ()

    asyncio.run(main())


@pytest.mark.parametrize("quick", [True, False], ids=["on the loop", "in a thread"])
def test_a_burst_shares_one_commit_wherever_it_runs(tmp_path: Path, quick: bool) -> None:
    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            world = await World.make(store)
            inbox = (await world.box()).id
            blob = await store.put_blob(world.account, b"x")
            group, writer = store._owned[0].writes, store._owned[0].writer
            commits = 0

            def count_commits() -> bool:
                nonlocal commits
                commits += 1
                return False

            assert writer._db is not None
            writer._db.set_commit_hook(count_commits)
            group._average_s = 0.0 if quick else 1.0
            new = (NewMessage(blob=blob, internaldate=NOW),)
            done = await asyncio.gather(*(store.write(ops.append, world.account, inbox, new, NOW) for _ in range(40)))
            assert [one.uids for one in done] == [(uid,) for uid in range(1, 41)]
            assert commits == 1

    asyncio.run(main())


def test_a_bug_in_the_driver_leaves_nobody_waiting(tmp_path: Path) -> None:
    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            world = await World.make(store)
            group = store._owned[0].writes

            def buggy(jobs: object) -> list[object]:
                raise ZeroDivisionError

            good, group._prepare = group._prepare, buggy
            with pytest.raises(ZeroDivisionError):
                await world.append(b"one")
            group._prepare = good
            assert (await world.append(b"two")).uids == (1,)

    asyncio.run(main())


def test_operations_that_must_run_again_one_by_one_do_not_hold_the_loop(tmp_path: Path) -> None:
    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            world = await World.make(store)
            nowhere = MailboxId(99)  # the operation finds out after its first write
            threads: set[threading.Thread] = set()

            def note() -> bool:
                threads.add(threading.current_thread())
                return False

            writer = store._owned[0].writer
            assert writer._db is not None
            writer._db.set_commit_hook(note)
            new = (NewMessage(blob=await store.put_blob(world.account, b"x"), internaldate=NOW),)
            inbox = (await world.box()).id
            answers = await asyncio.gather(
                *(store.write(ops.append, world.account, box, new, NOW) for box in (inbox, nowhere, inbox)),
                return_exceptions=True,
            )
            assert [type(answer) for answer in answers] == [Appended, NotFound, Appended]
            assert threads
            assert threading.main_thread() not in threads

    asyncio.run(main())


def test_a_batch_that_ended_halfway_is_undone_before_the_next(tmp_path: Path) -> None:
    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            world = await World.make(store)
            writer = store._owned[0].writer
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(writer, "_commit", _without_memory)
                with pytest.raises(MemoryError):
                    await world.append(b"one")
            assert (await world.append(b"two")).uids == (1,)
            assert await store.check(world.account) == ()

    asyncio.run(main())


def _without_memory(_: object) -> None:
    raise MemoryError


def test_without_a_thread_to_be_had_nobody_is_left_waiting(tmp_path: Path) -> None:
    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            world = await World.make(store)
            group = store._owned[0].writes
            group._average_s = 1.0
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(group._worker, "submit", _without_threads)
                with pytest.raises(RuntimeError):
                    await world.append(b"one")
            assert (await world.append(b"two")).uids == (1,)

    asyncio.run(main())


def _without_threads(*_: object) -> None:
    raise RuntimeError("can't start new thread")


def test_a_write_that_is_no_longer_awaited_harms_nobody(tmp_path: Path) -> None:
    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            world = await World.make(store)
            async with asyncio.TaskGroup() as tasks:
                given_up = tasks.create_task(world.append(b"one"))
                tasks.create_task(world.append(b"two"))
                await asyncio.sleep(0)
                given_up.cancel()
            assert (await world.append(b"three")).uids[0] in (2, 3)
            assert await store.check(world.account) == ()

    asyncio.run(main())


def test_a_newer_schema_is_refused_with_its_file_and_version(tmp_path: Path) -> None:
    asyncio.run(_open_and_close(tmp_path))
    db = apsw.Connection(str(tmp_path / "shard-0000.db"))
    newer = len(migrations("shard")) + 1
    db.execute("INSERT INTO schema_version VALUES (?)", (newer,)).fetchall()
    db.close()
    with pytest.raises(NewerSchema, match=rf"shard-0000\.db has schema version {newer}"):
        SqliteStore(tmp_path)


def test_a_database_with_other_settings_is_refused(tmp_path: Path) -> None:
    db = apsw.Connection(str(tmp_path / "directory.db"))
    db.execute("PRAGMA page_size = 1024; CREATE TABLE t (x)").fetchall()
    db.close()
    with pytest.raises(WrongSetting, match="page_size is 1024"):
        SqliteStore(tmp_path)


def test_logs_are_written_back_and_reading_goes_on(tmp_path: Path) -> None:
    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            world = await World.make(store)
            await world.append(b"one")
            assert store._owned[0].writer.wal_pages > 0
            await store.checkpoint()
            assert store._owned[0].writer.wal_pages == 0
            await world.append(b"two")
            assert await world.uids() == [1, 2]

    asyncio.run(main())


def test_a_log_that_grows_all_the_time_is_begun_anew_and_not_written_back_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailkeep.store.sqlite.owned.CHECKPOINT_PAGES", 300)

    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            world = await World.make(store)
            maintenance = asyncio.create_task(store.maintain())
            written = longest = 0
            before = 0
            for number in range(600):
                await world.append(b"%d" % number)
                pages = store._owned[0].writer.wal_pages
                written += pages - before if pages > before else pages
                before, longest = pages, max(longest, pages)
            maintenance.cancel()
            with suppress(asyncio.CancelledError):
                await maintenance
            assert longest < 2000
            pieces = next(value for name, labels, value in store.figures() if _is_of_checkpoints(name, labels))
            assert pieces <= 3 * written / 300
            assert await store.check(world.account) == ()

    asyncio.run(main())


def _is_of_checkpoints(name: str, labels: tuple[str, ...]) -> bool:
    return name == "housekeeping_pieces" and labels == ("checkpoint",)


def test_an_interrupted_removal_is_finished_by_the_sweep(tmp_path: Path) -> None:
    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            world = await World.make(store)
            await world.append(b"one")
            assert not await store.write(ops.remove_account, world.account)
            store.directory.set_state(world.account, AccountState.REMOVING)
        async with SqliteStore(tmp_path) as store:
            await store.sweep(NOW)
            assert store.directory.list() == []
            assert store.directory.add("ann@example.org", None, NOW).account != world.account

    asyncio.run(main())


WRITER = """
import asyncio, sys
from pathlib import Path
from mailkeep.store.sqlite.store import SqliteStore
from mailkeep.testing.store_contract import World

async def one(world, i):
    done = await world.append(b"%d" % i + b"x" * (i % 3 * 9000))
    print(done.uids[0], i, flush=True)
    if i % 5 == 0:
        await world.expunge(done.uids[0])
        print(-done.uids[0], i, flush=True)

async def main():
    async with SqliteStore(Path(sys.argv[1])) as store:
        world = await World.make(store)
        for i in range(0, 100000, 8):
            await asyncio.gather(*(one(world, i + j) for j in range(8)))

asyncio.run(main())
"""


def test_after_kill_9_all_that_was_answered_is_there(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = [process.stdout.readline() for _ in range(200)]
    os.kill(process.pid, signal.SIGKILL)
    told += process.stdout.read().splitlines(keepends=True)
    process.stdout.close()
    process.wait()
    answered = [tuple(map(int, line.split())) for line in told if line.endswith("\n")]

    async def main() -> None:
        async with SqliteStore(tmp_path) as store:
            world = World(store, AccountId(1))
            assert await store.check(world.account) == ()
            there = set(await world.uids())
            gone = {-uid for uid, _ in answered if uid < 0}
            for uid, i in answered:
                if uid > 0 and uid not in gone and i % 5:
                    assert await world.body(uid) == b"%d" % i + b"x" * (i % 3 * 9000)
            assert not gone & there

    asyncio.run(main())


async def _open_and_close(directory: Path) -> None:
    async with SqliteStore(directory):
        pass
