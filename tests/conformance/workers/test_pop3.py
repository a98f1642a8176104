"""POP3 served by several processes: one lock, one delay, and what one removes the other's sessions see."""

from __future__ import annotations

from tests.conformance.pop3.pop3_client import Pop3
from tests.conformance.workers.conftest import Pair, worker_of
from tests.live import Account, Service


def session_on(service: Service, account: Account, worker: int) -> Pop3:
    """A session that this process serves."""
    while True:
        session = Pop3(service.pop3)
        if worker_of(session, service) == worker:
            assert session.log_in(account.user, account.password).startswith("+OK")
            return session
        session.close()


def test_what_a_session_removes_is_gone_in_both_workers(pair: Pair, service: Service, account: Account) -> None:
    for client in (pair.one, pair.two):
        for number in range(3):
            pair.one.append("INBOX", b"Subject: %d\r\n\r\n" % number)
        client.ok("NOOP")
        assert client.exists == 3
        with session_on(service, account, worker_of(client, service)) as session:
            for number in range(1, 4):
                session.ok(f"DELE {number}")
            session.ok("QUIT")
        for each in (pair.one, pair.two):
            each.ok("NOOP")
            assert each.exists == 0


def test_a_message_that_one_worker_took_in_is_read_by_the_other(pair: Pair, service: Service, account: Account) -> None:
    large = b"Subject: large\r\n\r\n" + b"x" * 70 * 1024 + b"\r\n"
    for client in (pair.one, pair.two):
        client.append("INBOX", large)
    for client in (pair.one, pair.two):
        with session_on(service, account, worker_of(client, service)) as session:
            assert [session.message(f"RETR {number}") for number in (1, 2)] == [large, large]
