"""Fixtures for tests of the whole server: the real program in a process of its own, asked over real sockets.

The environment variable MAILKEEP_TEST_SERVER may name another running server (a JSON object with `imap`, `imaps`,
`lmtp` as [host, port], `users` as a pattern with %d, `accounts` as a count, `password`, and optionally `ca` and
`homes`, the directories that hold an account's mail and may be removed): then the tests run against that one, which is
how the tests themselves are tested.  MAILKEEP_TEST_WORKERS=N starts our own with N processes.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.imap_client import ImapClient, Literal

from mailkeep.config import FREE_PORTS, Auth, Config
from mailkeep.testing.plugin import InThread

POOL = 24  # accounts that tests take in turn
READY_S = 60.0
STOP_S = 10.0
PASSWORD = "pass-of-a-test"


def eventually(condition: Callable[[], Any], what: str, deadline_s: float = 15.0) -> Any:
    """Ask until the answer is true; gives the answer.  Fails after the deadline."""
    end = time.monotonic() + deadline_s
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < end, f"not within {deadline_s} s: {what}"
        time.sleep(0.01)


@dataclass(slots=True)
class Account:
    """A login."""

    user: str
    password: str


OWN = Account("own@example.org", PASSWORD)


@dataclass(slots=True)
class Service:
    """Where a server listens."""

    imap: tuple[str, int]
    imaps: tuple[str, int]
    lmtp: tuple[str, int]
    ca: str | None
    data: Path | None
    foreign: bool = False
    pid: int | None = None
    smtp: tuple[str, int] = ("", 0)
    submission: tuple[str, int] = ("", 0)
    submissions: tuple[str, int] = ("", 0)
    pop3: tuple[str, int] = ("", 0)
    pop3s: tuple[str, int] = ("", 0)
    http: tuple[str, int] = ("", 0)
    https: tuple[str, int] = ("", 0)
    clients: list[ImapClient] = field(default_factory=list)

    def tls(self) -> ssl.SSLContext:
        """A context that trusts this server's certificate and no other."""
        context = ssl.create_default_context(cafile=self.ca)
        if self.ca is None:  # only for a foreign server
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def connect(self, account: Account | None = None) -> ImapClient:
        """A connection in the clear, logged in when an account is given; closed after the test."""
        client = ImapClient(self.imap)
        self.clients.append(client)
        if account:
            client.login(account.user, account.password)
        return client

    def connect_tls(self, account: Account | None = None) -> ImapClient:
        """The same with implicit TLS."""
        client = ImapClient(self.imaps, tls=self.tls())
        self.clients.append(client)
        if account:
            client.login(account.user, account.password)
        return client

    def connect_tls_by(self, tls: ssl.SSLContext) -> ImapClient:
        """The same with a context of the test's own, not logged in."""
        client = ImapClient(self.imaps, tls=tls)
        self.clients.append(client)
        return client

    def close_clients(self) -> None:
        while self.clients:
            self.clients.pop().close()

    def lmtp_session(self) -> smtplib.LMTP:
        """An LMTP session after LHLO; to one recipient at a time, as the module reads one answer."""
        session = smtplib.LMTP(*self.lmtp, timeout=15)
        session.ehlo_or_helo_if_needed()
        return session

    def deliver(self, recipient: str, message: bytes, sender: str = "sender@example.net") -> None:
        """Deliver one message by LMTP."""
        with self.lmtp_session() as session:
            session.sendmail(sender, [recipient], message)


def mailkeep() -> str:
    """The path of the installed program."""
    return str(Path(sys.executable).with_name("mailkeep"))


class Demo:
    """`mailkeep demo` as a process."""

    def __init__(self, data: Path, accounts: list[Account], *extra: str, env: dict[str, str] | None = None) -> None:
        self.data = data
        self.ready_file = data.parent / f"{data.name}.ready.json"
        self.ready_file.unlink(missing_ok=True)
        self.log = data.parent / f"{data.name}.log"
        arguments = [mailkeep(), "demo", "--port-base", "0", "--data", str(data), "--ready-file", str(self.ready_file)]
        arguments += ["--workers", os.environ.get("MAILKEEP_TEST_WORKERS", "1")]
        for account in accounts:
            arguments += ["--account", f"{account.user}:{account.password}"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*arguments, *extra],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **(env or {})},
            )
        try:
            eventually(self._is_ready, f"the server is ready; see {self.log}", READY_S)
        except BaseException:
            self.process.kill()
            raise
        ready = json.loads(self.ready_file.read_text())
        self.ready = ready
        self.service = Service(
            tuple(ready["imap"]), tuple(ready["imaps"]), tuple(ready["lmtp"]), ready["ca"], Path(ready["data"])
        )
        self.service.pid = ready["pid"]
        for name in ("smtp", "submission", "submissions", "pop3", "pop3s", "http", "https"):
            setattr(self.service, name, tuple(ready[name]))

    def _is_ready(self) -> bool:
        code = self.process.poll()
        assert code is None, f"the server ended with {code}:\n{self.log.read_text()[-3000:]}"
        return self.ready_file.exists()

    def stop(self) -> None:
        """SIGTERM; the server must end with 0 in time."""
        self.service.close_clients()
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("the server did not stop within 10 s of SIGTERM") from None
        assert code == 0, f"the server ended with {code}:\n{self.log.read_text()[-3000:]}"

    def kill(self) -> None:
        """SIGKILL: as if the power went."""
        self.process.kill()
        self.process.wait()
        self.service.close_clients()


def _foreign() -> tuple[Service, list[Account]] | None:
    text = os.environ.get("MAILKEEP_TEST_SERVER")
    if not text:
        return None
    at = json.loads(text)
    service = Service(tuple(at["imap"]), tuple(at["imaps"]), tuple(at["lmtp"]), at.get("ca"), None, foreign=True)
    return service, [Account(at["users"] % (n + 1), at["password"]) for n in range(at["accounts"])]


def wipe(client: ImapClient) -> None:
    """Make an account as good as new: only INBOX and the mailboxes it began with, empty; no odd subscriptions."""
    fixed = {"INBOX", "Sent", "Drafts", "Trash", "Junk", "Archive"}
    listed = client.ok('LIST "" "*"').listed()
    for name in sorted(listed, reverse=True):
        if name not in fixed:
            client.command("DELETE", Literal(name.encode(), plus=True))
    for name in listed:
        if name in fixed and "\\Noselect" not in listed[name].flags:
            client.ok(f"SELECT {name}")
            if client.exists:
                client.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)")
            client.ok("CLOSE")
    for name in sorted(fixed - {"INBOX"}):  # a test may have deleted or renamed it
        if name not in listed or "\\Noselect" in listed[name].flags:
            client.command(f"CREATE {name} (USE (\\{name}))")
    for name in client.ok('LSUB "" "*"').listed("LSUB"):
        if name not in fixed:
            client.command("UNSUBSCRIBE", Literal(name.encode(), plus=True))
    for name in ("", "INBOX", "Sent"):
        for response in client.command(f'GETMETADATA (DEPTH infinity) "{name}" (/private /shared)').all("METADATA"):
            entries = [entry for entry in response.data[1] if entry != "/private/specialuse"]
            if entries:
                client.command(f'SETMETADATA "{name}" ({" ".join(f"{entry} NIL" for entry in entries)})')


class Pool:
    """Accounts that tests take in turn, each as good as new; and some that are new."""

    def __init__(self, service: Service, accounts: list[Account], fresh: list[Account]) -> None:
        self.service = service
        self.turn = itertools.cycle(accounts)
        self.fresh = fresh
        self.used: set[str] = set()

    def take(self) -> Account:
        """An account without mail, with the mailboxes it began with."""
        account = next(self.turn)
        if account.user in self.used or self.service.foreign:
            with ImapClient(self.service.imap) as client:
                client.login(account.user, account.password)
                wipe(client)
        self.used.add(account.user)
        return account

    def take_fresh(self) -> Account:
        """An account that nobody had before."""
        if not self.service.foreign:
            return self.fresh.pop()
        account = next(self.turn)
        if "homes" in (at := json.loads(os.environ["MAILKEEP_TEST_SERVER"])):
            number = "".join(filter(str.isdigit, account.user.partition("@")[0]))
            shutil.rmtree(at["homes"] % int(number), ignore_errors=True)
        return account


@pytest.fixture(scope="session")
def pool(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    foreign = _foreign()
    if foreign:
        yield Pool(*foreign, [])
        return
    wanted = sum("fresh_account" in getattr(item, "fixturenames", ()) for item in request.session.items)
    fresh = [Account(f"fresh{n}@example.org", PASSWORD) for n in range(wanted)]
    accounts = [Account(f"user{n}@example.org", PASSWORD) for n in range(POOL)]
    demo = Demo(tmp_path_factory.mktemp("server") / "data", accounts + fresh)
    yield Pool(demo.service, accounts, fresh)
    demo.stop()


@pytest.fixture
def server(pool: Pool) -> Iterator[Service]:
    """The running server; connections made through it are closed after the test."""
    yield pool.service
    pool.service.close_clients()


@pytest.fixture
def account(pool: Pool) -> Account:
    """An account as good as new, but for UIDs and keywords once used."""
    return pool.take()


@pytest.fixture
def other_account(pool: Pool) -> Account:
    """A second one."""
    return pool.take()


@pytest.fixture
def fresh_account(pool: Pool) -> Account:
    """An account that no test had before, where UIDs and keywords once used would matter."""
    return pool.take_fresh()


@pytest.fixture
def client(server: Service, account: Account) -> ImapClient:
    """A logged-in connection."""
    return server.connect(account)


@pytest.fixture
def inbox(client: ImapClient) -> ImapClient:
    """A logged-in connection with INBOX selected, still empty."""
    client.ok("SELECT INBOX")
    return client


@pytest.fixture
def second(server: Service, account: Account) -> ImapClient:
    """Another connection of the same account."""
    return server.connect(account)


@pytest.fixture
def ours(server: Service) -> None:
    """For what the RFC leaves open and this server promises: skipped against a foreign server."""
    if server.foreign:
        pytest.skip("a promise of this server, not of the RFC")


@pytest.fixture
def configured(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """``configured(imap=Imap(…), …)``: a server of its own with these tables of options, and the account OWN."""
    running: list[tuple[InThread, Service]] = []

    def start(**tables: Any) -> Service:
        data = tmp_path / f"configured{len(running)}"
        listen = tables.pop("listen", FREE_PORTS)
        auth = tables.pop("auth", Auth(throttle=False))
        config = Config(data_dir=data, listen=listen, auth=auth, **tables)
        thread = InThread(config)
        server = thread.start()
        at = server.endpoints
        assert at.imap
        assert at.imaps
        assert at.lmtp
        service = Service(at.imap, at.imaps, at.lmtp, str(server.certificate), data)
        for name in ("smtp", "submission", "submissions", "pop3", "pop3s", "http", "https"):
            setattr(service, name, getattr(at, name) or ("", 0))
        running.append((thread, service))
        thread.call(OWN.user, OWN.password)
        return service

    yield start
    for thread, service in running:
        service.close_clients()
        thread.stop()


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
