"""pytest plugin: a real server on loopback for the tests of whoever has mailkeep installed.

Mail is read at `endpoints.imap`, `imaps`, `pop3` and `pop3s`.  It is taken in at `endpoints.smtp` and `endpoints.lmtp`,
and from users who log in at `endpoints.submission` (STARTTLS) and `endpoints.submissions` (TLS).  What they send to
accounts of the server arrives there; anything else waits in its queue and never leaves: no test sends mail to anybody.

`mail_server` runs in a thread, for synchronous tests.  `async_mail_server` is a function that gives an asynchronous
context manager, for tests that bring their own event loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mailkeep.config import Config
    from mailkeep.server import Endpoints, Server

# mailkeep itself is imported when a fixture is used: every pytest run of the environment loads this module.


@dataclass(frozen=True, slots=True)
class MailServer:
    """A running server: where it is, the certificate to trust, and a way to make accounts."""

    endpoints: Endpoints
    certificate: Path
    data_dir: Path
    create_account: Callable[[str, str], None]


@pytest.fixture
def mail_server(tmp_path: Path) -> Iterator[MailServer]:
    """A server with an empty store, in a thread of its own, until the test ends."""
    running = InThread(_config(tmp_path))
    server = running.start()

    def create_account(address: str, password: str) -> None:
        running.call(address, password)

    try:
        yield MailServer(server.endpoints, server.certificate, server.config.data_dir, create_account)
    finally:
        running.stop()


@pytest.fixture
def async_mail_server(tmp_path: Path) -> Callable[[], AbstractAsyncContextManager[Server]]:
    """``async with async_mail_server() as server``: a server with an empty store, on the loop of the test."""
    from mailkeep.server import Server

    return lambda: Server.open(_config(tmp_path))


def _config(directory: Path) -> Config:
    from mailkeep.config import FREE_PORTS, KEEP_IN, Auth, Config

    return Config(data_dir=directory / "mailkeep", listen=FREE_PORTS, auth=Auth(throttle=False), relay=KEEP_IN)


class InThread:
    """A server on an event loop in another thread."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="mailkeep", daemon=True)
        self._started = threading.Event()
        self._server: Server | None = None
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event

    def start(self) -> Server:
        """Raises: whatever `Server.open` raises."""
        self._thread.start()
        self._started.wait()
        if self._server is None:
            self._thread.join()
            raise RuntimeError("the server did not start") from self._failure
        return self._server

    def call(self, address: str, password: str) -> None:
        """Make an account, on the server's loop."""
        assert self._server is not None
        made = asyncio.run_coroutine_threadsafe(self._server.accounts.create(address, password), self._loop)
        made.result()

    def stop(self) -> None:
        """Drain and join."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        if self._failure is not None:
            raise RuntimeError("the server failed") from self._failure

    async def _run(self) -> None:
        from mailkeep.server import Server

        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        try:
            async with Server.open(self._config) as self._server:
                self._started.set()
                await self._stop.wait()
        except Exception as error:  # noqa: BLE001  it belongs to the test's thread
            self._failure = error
        finally:
            self._started.set()
