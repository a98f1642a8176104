"""Python of the administrator that says who may log in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from mailkeep.model.errors import Unavailable
from mailkeep.service.login_hook import LoginHook

HOOK = """
import os
from mailkeep.hook import Login

def on_login(login: Login):
    match login.user:
        case "ann":
            return "ann@example.org" if login.password == "pässword" and login.service == "imap" else None
        case "peer":
            return login.peer
        case "raises":
            raise ValueError(login.password)
        case "number":
            return 1
        case "long":
            return "x" * 100_000
        case "surrogate":
            return "\\udc80"
        case "exits":
            os._exit(3)
        case "hangs":
            import time
            time.sleep(60)
        case "repr":
            return repr(login)
"""


async def run(work: Coroutine[Any, Any, None]) -> None:
    await work


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "hook.py"
    file.write_text(HOOK)
    return file


@pytest.fixture
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def test_it_says_whose_account_is_opened_and_its_faults_are_passing_ones(
    path: Path, loop: asyncio.Runner, caplog: pytest.LogCaptureFixture
) -> None:
    async def go() -> None:
        hook = LoginHook(path, run, 5.0)

        async def check(user: str, password: str = "secret-word") -> str | None:
            return await hook.check(user, password, "imap", "192.0.2.1")

        assert await check("ann", "pässword") == "ann@example.org"
        assert await check("ann", "wrong") is None
        assert await check("nobody") is None
        assert await check("\udc80") is None
        assert await check("peer") == "192.0.2.1"
        assert "secret-word" not in str(await check("repr"))
        for user in ("raises", "number", "long", "surrogate", "exits"):
            with pytest.raises(Unavailable):
                await check(user)
        assert await check("ann", "pässword") == "ann@example.org"
        hook.close()

    with caplog.at_level(logging.DEBUG):
        loop.run(go())
    assert "secret-word" not in caplog.text


def test_one_that_hangs_is_killed_and_the_next_login_gets_another(path: Path, loop: asyncio.Runner) -> None:
    async def go() -> None:
        slow = LoginHook(path, run, 0.4)
        with pytest.raises(Unavailable):
            await slow.check("hangs", "x", "imap", "")
        slow.close()

    loop.run(go())


def test_a_file_without_the_function_is_a_passing_fault(tmp_path: Path, loop: asyncio.Runner) -> None:
    async def go() -> None:
        (tmp_path / "empty.py").write_text("")
        hook = LoginHook(tmp_path / "empty.py", run, 5.0)
        with pytest.raises(Unavailable):
            await hook.check("ann", "x", "imap", "")
        hook.close()

    loop.run(go())
