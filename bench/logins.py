"""What a login costs, and what wrong passwords cost others: ``python -m bench.logins``.

A server of its own, asked by IMAP over loopback.  Each account logs in once by its password, so that argon2id is
computed; and again and again by an app password.  Then somebody tries wrong passwords against one account, 200 a
second, and others log in meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from mailkeep.administration import AddAppPassword
from mailkeep.cli.perform import perform
from mailkeep.config import Config

ACCOUNTS: Final = 41  # the first one is attacked
RATE: Final = 200  # wrong passwords a second
PAUSE_S: Final = 0.1  # between two logins that are measured
READY_S: Final = 60.0

Where = tuple[str, int]


def main() -> None:
    """Measure, and print."""
    with tempfile.TemporaryDirectory() as directory:
        data, ready = Path(directory) / "data", Path(directory) / "ready.json"
        command = [sys.executable, "-m", "mailkeep", "demo", "--port-base", "0", "--data", str(data)]
        command += ["--ready-file", str(ready)]
        for number in range(ACCOUNTS):
            command += ["--account", f"{_user(number)}:password"]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            host, port = _wait_for(ready)["imap"]
            made = perform(Config(data_dir=data), AddAppPassword(address=_user(1), label="bench", services=("imap",)))
            asyncio.run(_measure((host, port), made.secret))
        finally:
            server.terminate()
            server.wait()


def _user(number: int) -> str:
    return f"user{number}@example.org"


def _wait_for(ready: Path) -> dict[str, Any]:
    end = time.monotonic() + READY_S
    while not ready.exists():
        if time.monotonic() > end:
            raise SystemExit("The server does not start")
        time.sleep(0.05)
    content: dict[str, Any] = json.loads(ready.read_text("utf-8"))
    return content


async def _measure(where: Where, secret: str) -> None:
    half = ACCOUNTS // 2 + 1
    quiet = [await _timed(where, _user(number), "password") for number in range(1, half)]
    quick = [await _timed(where, _user(1), secret) for _ in range(half)]
    answers: dict[str, int] = {}
    async with asyncio.TaskGroup() as group:
        attack = group.create_task(_attack(where, answers))
        await asyncio.sleep(1.0)
        busy = [await _timed(where, _user(number), "password") for number in range(half, ACCOUNTS)]
        attack.cancel()
    _show("argon2id", quiet)
    _show("app password", quick)
    _show(f"argon2id, {RATE} wrong passwords a second elsewhere", busy)
    print(f"ratio of medians: {statistics.median(busy) / statistics.median(quiet):.2f}")  # noqa: T201  it is a report
    print(f"answers to wrong passwords so far: {answers}")  # noqa: T201


def _show(what: str, seconds: list[float]) -> None:
    worst, median = 1000 * max(seconds), 1000 * statistics.median(seconds)
    print(f"{what}: median {median:.1f} ms, worst {worst:.1f} ms, of {len(seconds)}")  # noqa: T201


async def _timed(where: Where, user: str, password: str) -> float:
    await asyncio.sleep(PAUSE_S)
    start = time.perf_counter()
    answer = await _log_in(where, user, password)
    if not answer.startswith("a OK"):
        raise SystemExit(f"{user} cannot log in: {answer}")
    return time.perf_counter() - start


async def _attack(where: Where, answers: dict[str, int]) -> None:
    """Try, never waiting for an answer before the next one."""
    async with asyncio.TaskGroup() as group:
        start, number = time.monotonic(), 0
        while True:
            number += 1
            group.create_task(_guess(where, f"wrong{number}", answers))
            await asyncio.sleep(max(0.0, start + number / RATE - time.monotonic()))


async def _guess(where: Where, password: str, answers: dict[str, int]) -> None:
    answer = await _log_in(where, _user(0), password)
    code = answer[answer.find("[") + 1 : answer.find("]")]
    answers[code] = answers.get(code, 0) + 1


async def _log_in(where: Where, user: str, password: str) -> str:
    reader, writer = await asyncio.open_connection(*where)
    try:
        await reader.readline()
        writer.write(f'a LOGIN {user} "{password}"\r\n'.encode())
        return (await reader.readline()).decode()
    finally:
        writer.close()


if __name__ == "__main__":
    main()
