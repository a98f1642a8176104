"""Several processes serve one data directory, and nobody can tell."""

from __future__ import annotations

import json
import os
import signal
import smtplib
import sqlite3
import subprocess
import threading
from contextlib import closing
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from tests.chaos.soundness import assert_sound
from tests.conformance.imap.messages import simple_message
from tests.conformance.workers.conftest import ACCOUNTS, WORKERS, Pair, connect_pair, worker_of, workers
from tests.imap_client import ConnectionEndedError, ImapClient, Literal
from tests.live import PASSWORD, Account, Demo, Service, eventually, mailkeep

from mailkeep.administration import AddAppPassword, RevokeAppPassword, SetPassword
from mailkeep.cli.perform import perform
from mailkeep.config import Config

LARGE = b"Subject: large\r\n\r\n" + b"x" * 70 * 1024  # into a pack

NO_OTHERS = "".join(
    f'{name} = ""\n'
    for name in ("imaps", "pop3", "pop3s", "lmtp", "smtp", "submission", "submissions", "http", "https")
)


def test_what_one_session_does_the_other_sees_at_its_next_command(pair: Pair) -> None:
    for one, two in ((pair.one, pair.two), (pair.two, pair.one)):
        uid = one.append("INBOX", simple_message(1))
        two.ok("NOOP")
        assert two.exists == 1
        one.ok("NOOP")
        one.ok(f"UID STORE {uid} +FLAGS (\\Flagged $Label)")
        two.ok("NOOP")
        assert two.flags == [{"\\Flagged", "$Label"}]
        two.ok(f"UID STORE {uid} +FLAGS (\\Deleted)")
        two.ok("EXPUNGE")
        assert one.ok("NOOP").expunged == [1]


def test_a_large_message_taken_in_by_one_is_read_by_the_other(pair: Pair) -> None:
    for one, two in ((pair.one, pair.two), (pair.two, pair.one)):
        uid = one.append("INBOX", LARGE)
        two.ok("NOOP")
        assert two.ok(f"UID FETCH {uid} BODY.PEEK[]").by_uid[uid]["BODY[]"] == LARGE


def test_mailboxes_made_and_renamed_by_one_are_listed_by_the_other(pair: Pair) -> None:
    for one, two in ((pair.one, pair.two), (pair.two, pair.one)):
        one.ok("CREATE a/b")
        two.ok("RENAME a c")
        assert {"c", "c/b"} <= set(one.ok('LIST "" "*"').listed())
        one.ok("DELETE c/b")
        one.ok("DELETE c")
        assert "c" not in two.ok('LIST "" "*"').listed()


def test_a_change_is_pushed_to_a_session_that_idles_on_another_worker(pair: Pair) -> None:
    for one, two in ((pair.one, pair.two), (pair.two, pair.one)):
        before = two.exists or 0
        tag = two.idle()
        one.append("INBOX", simple_message(1))
        two.until(lambda r, n=before + 1: r.kind == "EXISTS" and r.number == n)
        one.ok("NOOP")
        one.ok(f"STORE {before + 1} +FLAGS (\\Answered)")
        two.until(lambda r: r.kind == "FETCH" and "\\Answered" in r.data["FLAGS"])
        two.done(tag)


def test_a_delivery_to_whichever_worker_is_pushed_to_both(pair: Pair, service: Service, account: Account) -> None:
    tags = pair.one.idle(), pair.two.idle()
    for n in range(1, 9):
        service.deliver(account.user, simple_message(n))
        for client in (pair.one, pair.two):
            client.until(lambda r, n=n: r.kind == "EXISTS" and r.number == n)
    pair.one.done(tags[0])
    pair.two.done(tags[1])


def test_both_workers_serve_both_shards(service: Service) -> None:
    for account in ACCOUNTS[:4]:
        pair = connect_pair(service, account)
        for client in (pair.one, pair.two):
            client.append("Drafts", simple_message(1))
        assert pair.one.ok("STATUS Drafts (MESSAGES)").one("STATUS")


def test_a_message_from_the_command_line_is_pushed_to_both(
    pair: Pair, service: Service, demo: Demo, account: Account
) -> None:
    tags = pair.one.idle(), pair.two.idle()
    for n, octets in enumerate((simple_message(1), LARGE), 1):
        run(demo.data, "deliver", "--to", account.user, given=octets.decode())
        for client in (pair.one, pair.two):
            client.until(lambda r, n=n: r.kind == "EXISTS" and r.number == n)
    pair.one.done(tags[0])
    pair.two.done(tags[1])


def test_the_unix_socket_of_lmtp_leads_to_the_workers(pair: Pair, demo: Demo, account: Account) -> None:
    for _ in range(6):
        with smtplib.LMTP(str(demo.data / "lmtp.sock")) as session:
            session.sendmail("sender@example.net", [account.user], simple_message(1))
    pair.one.ok("NOOP")
    assert pair.one.exists == 6


def run(data: Path, *arguments: str, given: str = "") -> None:
    done = subprocess.run(
        [mailkeep(), *arguments, "--data", str(data)], input=given, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def try_login(service: Service, worker: int, account: Account) -> bool:
    """Whether that worker lets somebody in."""
    while True:
        client = service.connect()
        if worker_of(client, service) == worker:
            return client.command(f'LOGIN "{account.user}" "{account.password}"').kind == "OK"


def test_a_password_that_was_changed_is_refused_at_once_by_every_worker(service: Service, demo: Demo) -> None:
    old, new = ACCOUNTS[4], Account(ACCOUNTS[4].user, "another-pass")
    assert [try_login(service, worker, old) for worker in workers(service)] == [True, True]
    run(demo.data, "account", "password", old.user, "--password-stdin", given=new.password + "\n")
    assert [try_login(service, worker, old) for worker in workers(service)] == [False, False]
    assert [try_login(service, worker, new) for worker in workers(service)] == [True, True]


def test_an_account_is_known_to_every_worker_as_soon_as_it_is_made_and_to_none_once_removed(
    service: Service, demo: Demo
) -> None:
    account = Account("new@example.org", PASSWORD)
    run(demo.data, "account", "add", account.user, "--password-stdin", given=PASSWORD + "\n")
    assert [try_login(service, worker, account) for worker in workers(service)] == [True, True]
    service.deliver(account.user, simple_message(1))
    pair = connect_pair(service, account)
    run(demo.data, "account", "remove", account.user, "--yes")
    assert [client.read().kind for client in (pair.one, pair.two)] == ["BYE", "BYE"]
    assert [try_login(service, worker, account) for worker in workers(service)] == [False, False]


def test_the_data_are_checked_while_both_serve(service: Service, demo: Demo) -> None:
    assert_sound(demo.data)


# ---- dying and ending


class Appender(threading.Thread):
    """Appends until it is cut off or stopped, and remembers what was acknowledged."""

    def __init__(self, client: ImapClient, account: Account, name: str, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.client = client
        self.account = account
        self.name = name
        self.halt = stop
        self.acknowledged: dict[int, bytes] = {}
        self.unknown = 0
        self.cut = False

    def run(self) -> None:
        n = 0
        while not self.halt.is_set():
            n += 1
            octets = f"Subject: {self.name} {n}\r\n\r\n".encode() + b"y" * (20_000 if n % 5 == 0 else 50)
            try:
                reply = self.client.command("APPEND INBOX", Literal(octets, plus=True))
            except (ConnectionEndedError, OSError):
                self.cut = True
                return
            if reply.kind == "OK":
                assert reply.code
                self.acknowledged[reply.code.args[1][0]] = octets
            else:
                assert reply.code
                assert reply.code.name == "UNAVAILABLE"
                self.unknown += 1


def test_a_worker_killed_during_writes_is_replaced_and_nothing_acknowledged_is_lost(own_demo: Demo) -> None:
    service = own_demo.service
    stop = threading.Event()
    victim, survivor = workers(service)
    doomed, others = [], []
    for account in ACCOUNTS[:2]:
        pair = connect_pair(service, account)
        for at, client in enumerate((pair.one, pair.two)):
            among = doomed if worker_of(client, service) == victim else others
            among.append(Appender(client, account, f"{account.user}-{at}", stop))
    for appender in doomed + others:
        appender.start()
    eventually(lambda: all(len(one.acknowledged) > 20 for one in doomed + others), "messages are taken in")
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: len(workers(service)) == 2 and victim not in workers(service), "the worker is replaced")
    told = [len(one.acknowledged) for one in others]
    eventually(
        lambda: all(len(one.acknowledged) > before + 20 for one, before in zip(others, told, strict=True)),
        "the other worker goes on writing to both shards",
    )
    stop.set()
    for appender in doomed + others:
        appender.join(20)
    assert [one.cut for one in doomed + others] == [True, True, False, False]
    assert survivor in workers(service)
    for appender in doomed + others:
        client = service.connect(appender.account)
        client.ok("SELECT INBOX")
        found = client.ok("UID FETCH 1:* BODY.PEEK[]").by_uid
        assert {uid: found[uid]["BODY[]"] for uid in appender.acknowledged} == appender.acknowledged
    assert_sound(own_demo.data)
    own_demo.stop()


def test_sigterm_says_goodbye_on_every_worker_and_ends_all_of_them(own_demo: Demo) -> None:
    pair = connect_pair(own_demo.service, ACCOUNTS[0])
    tag = pair.one.idle()
    pids = workers(own_demo.service)
    for pid in pids:  # a service manager tells all processes; it is the first one's business
        os.kill(pid, signal.SIGTERM)
    own_demo.process.send_signal(signal.SIGTERM)
    for client in (pair.one, pair.two):
        assert client.read().kind == "BYE", tag
        assert client.ended()
    assert own_demo.process.wait(10) == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_workers_of_a_server_that_was_killed_end_and_the_next_server_has_all(tmp_path: Path, own_demo: Demo) -> None:
    with ImapClient(own_demo.service.imap) as client:
        client.login(ACCOUNTS[0].user, PASSWORD)
        uid = client.append("INBOX", LARGE)
    own_demo.kill()
    again = Demo(own_demo.data, [], *WORKERS)
    try:
        client = again.service.connect(ACCOUNTS[0])
        client.ok("SELECT INBOX")
        assert client.ok(f"UID FETCH {uid} BODY.PEEK[]").by_uid[uid]["BODY[]"] == LARGE
    finally:
        again.stop()


def test_accounts_of_all_shards_are_there_for_one_process_too(own_demo: Demo) -> None:
    for account in ACCOUNTS[:2]:
        own_demo.service.connect(account).append("INBOX", LARGE)
    own_demo.stop()
    alone = Demo(own_demo.data, [])
    try:
        for account in ACCOUNTS[:2]:
            client = alone.service.connect(account)
            client.ok("SELECT INBOX")
            assert client.exists == 1
            client.append("INBOX", simple_message(2))
        assert_sound(alone.data)
    finally:
        alone.stop()


def test_a_shard_that_cannot_be_opened_ends_the_server_with_the_reason(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "mailkeep.toml").write_text('workers = 2\n[listen]\nimap = ""\n' + NO_OTHERS)
    (data / "shard-0001.db").write_bytes(b"this is no database" * 1000)
    done = subprocess.run([mailkeep(), "serve", "--data", str(data)], capture_output=True, text=True, timeout=60)
    assert done.returncode not in (0, None)
    assert "cannot be opened" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("count", ["0", "65", "many"])
def test_an_impossible_number_of_workers_is_refused(tmp_path: Path, count: str) -> None:
    done = subprocess.run(
        [mailkeep(), "serve", "--data", str(tmp_path), "--workers", count], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert "--workers" in done.stderr


def test_sighup_reaches_every_worker(tmp_path: Path) -> None:
    data, ready = tmp_path / "data", tmp_path / "ready.json"
    data.mkdir()
    config = data / "mailkeep.toml"
    text = 'workers = 2\n[listen]\nimap = "127.0.0.1:0"\n' + NO_OTHERS
    config.write_text(text)
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([mailkeep(), "serve", "--data", str(data), "--ready-file", str(ready)], stderr=log)
    try:
        eventually(ready.exists, "the server is ready")
        service = Service(tuple(json.loads(ready.read_text())["imap"]), ("", 0), ("", 0), None, data)
        service.pid = process.pid
        config.write_text(text + "[imap]\nliteral = 'minus'\n")
        process.send_signal(signal.SIGHUP)
        eventually(lambda: (tmp_path / "log").read_text().count("worker.reloaded") == 2, "both have reloaded")
        seen = set()
        while len(seen) < 2:
            client = service.connect()
            seen.add(worker_of(client, service))
            assert b"LITERAL-" in client.greeting.raw
        service.close_clients()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()


def fill_up(service: Service, account: Account) -> list[ImapClient]:
    """As many sessions as an account may have."""
    sessions: list[ImapClient] = []
    while True:
        client = service.connect()
        if client.command(f"LOGIN {account.user} {account.password}").kind != "OK":
            return sessions
        sessions.append(client)


def test_the_limit_of_connections_holds_for_all_workers_and_a_killed_one_leaves_no_count(own_demo: Demo) -> None:
    service, account = own_demo.service, ACCOUNTS[0]
    sessions = fill_up(service, account)
    assert len(sessions) == 200
    assert len({worker_of(client, service) for client in sessions[::20]}) == 2
    os.kill(worker_of(sessions[0], service), signal.SIGKILL)
    alive = [client for client in sessions if is_alive(client)]
    assert 0 < len(alive) < 200

    def again() -> bool:
        more = fill_up(service, account)
        full = len(alive) + len(more) == 200
        for client in more:
            client.close()
        return full

    eventually(again, "the places of the dead worker's sessions are free")


def is_alive(client: ImapClient) -> bool:
    try:
        client.ok("NOOP")
    except (ConnectionEndedError, OSError):
        return False
    return True


def test_a_message_is_recent_to_one_session_of_all_workers(pair: Pair) -> None:
    for first, second in ((pair.one, pair.two), (pair.two, pair.one)):
        first.append("INBOX", simple_message(1))  # whose completion tells of it
        second.ok("NOOP")
        flags = [one.ok(f"FETCH {one.exists} FLAGS").fetched[one.exists]["FLAGS"] for one in (first, second)]
        assert ["\\Recent" in each for each in flags] == [True, False]


def move(service: Service, account: Account, shard: int) -> None:
    command = [mailkeep(), "account", "move", account.user, str(shard), "--data", str(service.data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_sessions_go_on_when_their_account_goes_to_the_shard_of_another_worker(own_demo: Demo) -> None:
    service, account = own_demo.service, ACCOUNTS[0]
    pair = connect_pair(service, account)
    for session in (pair.one, pair.two):
        session.ok("SELECT INBOX")
    expected = [simple_message(n) for n in range(20)] + [LARGE]
    for octets in expected:
        pair.one.append("INBOX", octets)
    for shard in (0, 1, 0):
        move(service, account, shard)
        for one, two in ((pair.one, pair.two), (pair.two, pair.one)):
            uid = one.append("INBOX", LARGE)
            expected.append(LARGE)
            two.ok("NOOP")
            assert two.exists == len(expected)
            assert two.ok(f"UID FETCH {uid} BODY.PEEK[]").by_uid[uid]["BODY[]"] == LARGE
            two.ok(f"UID STORE {uid} +FLAGS (\\Flagged)")
            one.ok("NOOP")
            assert one.flags[-1] == {"\\Flagged"}
        service.deliver(account.user, simple_message(1))
        pair.one.ok("NOOP")
        assert pair.one.exists == len(expected) + 1
        pair.one.ok(f"STORE {len(expected) + 1} +FLAGS (\\Deleted)")
        pair.one.ok("EXPUNGE")
        pair.two.ok("NOOP")
    rows = pair.two.ok("FETCH 1:* BODY.PEEK[]").fetched
    assert [row["BODY[]"] for row in rows.values()] == expected
    assert_sound(own_demo.data)


def test_a_revoked_app_password_ends_sessions_on_every_worker(service: Service, account: Account) -> None:
    assert service.data is not None
    config = Config(data_dir=service.data)
    made = perform(config, AddAppPassword(address=account.user, label="phone", services=("imap",)))
    pair = connect_pair(service, Account(account.user, made.secret))
    pair.one.ok("NOOP")
    perform(config, RevokeAppPassword(address=account.user, number=made.line.number))
    for session in (pair.one, pair.two):
        assert session.until(lambda response: response.kind == "BYE")
    with service.connect() as again:
        again.no(f"LOGIN {account.user} {made.secret}", code="AUTHENTICATIONFAILED")


def test_a_hash_from_elsewhere_is_made_anew_by_whichever_worker_sees_the_login(service: Service) -> None:
    user, weak = ACCOUNTS[5].user, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("from elsewhere")
    assert service.data is not None
    perform(Config(data_dir=service.data), SetPassword(address=user, password=weak, hashed=True))
    service.connect(Account(user, "from elsewhere")).ok("NOOP")

    def kept() -> str:
        database = sqlite3.connect(service.data / "directory.db")
        with closing(database):
            return str(database.execute("SELECT password FROM account WHERE folded = ?", (user,)).fetchone()[0])

    assert eventually(lambda: kept() != weak, "the hash is made anew")
    service.connect(Account(user, "from elsewhere")).ok("NOOP")
