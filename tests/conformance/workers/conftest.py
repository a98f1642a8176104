"""A server of two processes, and clients that know which of them serves them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.imap_client import ImapClient
from tests.live import PASSWORD, Account, Demo, Service, eventually

# numbered as they are made: 1, 3 and 5 lie in one shard, 2 and 4 in the other; the last one gets another password
ACCOUNTS = [Account(f"user{n}@example.org", PASSWORD) for n in range(1, 7)]
WORKERS = ("--workers", "2")


def workers(service: Service) -> list[int]:
    """The processes that serve clients."""
    pid = service.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def worker_of(client: ImapClient, service: Service) -> int:
    """The process that holds the other end of a connection."""
    mine, theirs = client.socket.getsockname()[1], client.socket.getpeername()[1]
    wanted = [f"0100007F:{theirs:04X}", f"0100007F:{mine:04X}"]

    def holder() -> int | None:
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        for inode in [row[9] for row in rows if row[1:3] == wanted]:
            for pid in workers(service):
                if any(link_of(fd) == f"socket:[{inode}]" for fd in Path(f"/proc/{pid}/fd").iterdir()):
                    return pid
        return None

    return int(eventually(holder, "a worker has accepted the connection"))


def link_of(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except OSError:  # closed meanwhile
        return ""


@dataclass(slots=True)
class Pair:
    """Two sessions of one account, on different workers; whether the first one's writes the account's shard varies."""

    one: ImapClient
    two: ImapClient


def connect_pair(service: Service, account: Account) -> Pair:
    one = service.connect(account)
    first = worker_of(one, service)
    while True:
        two = service.connect(account)
        if worker_of(two, service) != first:
            return Pair(one, two)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("server") / "data", ACCOUNTS, *WORKERS)
    yield demo
    demo.stop()


@pytest.fixture
def own_demo(tmp_path: Path) -> Iterator[Demo]:
    """A server that the test may break."""
    demo = Demo(tmp_path / "data", ACCOUNTS, *WORKERS)
    yield demo
    demo.service.close_clients()
    if demo.process.poll() is None:
        demo.kill()


@pytest.fixture
def service(demo: Demo) -> Iterator[Service]:
    yield demo.service
    demo.service.close_clients()


@pytest.fixture(params=[0, 1], ids=["one shard", "the other"])
def account(request: pytest.FixtureRequest) -> Account:
    """An account of either shard: one of the two sessions is with its owner."""
    return ACCOUNTS[request.param]


@pytest.fixture
def pair(service: Service, account: Account) -> Pair:
    """Both with INBOX open, which is empty."""
    pair = connect_pair(service, account)
    pair.one.ok("SELECT INBOX")
    if pair.one.exists:
        pair.one.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")
        pair.one.ok("EXPUNGE")
    pair.two.ok("SELECT INBOX")
    return pair
