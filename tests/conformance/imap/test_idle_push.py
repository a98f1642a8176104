"""A delivery by LMTP reaches every session that idles on the mailbox (trap 5c)."""

from __future__ import annotations

import time

from tests.conformance.imap.messages import simple_message
from tests.live import Account, Service

SESSIONS = 100


def test_a_delivery_reaches_a_hundred_idle_sessions(server: Service, account: Account) -> None:
    clients = [server.connect(account) for _ in range(SESSIONS)]
    for client in clients:
        client.ok("SELECT INBOX")
    tags = [client.idle() for client in clients]
    for number in range(1, 4):
        begin = time.monotonic()
        server.deliver(account.user, simple_message(number))
        for client in clients:
            client.until(lambda r, number=number: r.kind == "EXISTS" and r.number == number)
        assert time.monotonic() - begin < 5
    for client, tag in zip(clients, tags, strict=True):
        client.done(tag)
        assert client.exists == 3
