from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.conformance.pop3.pop3_client import Pop3
from tests.live import *  # noqa: F403  the fixtures of the running server
from tests.live import Account, Service


@pytest.fixture(autouse=True)
def only_ours(ours: None) -> None:
    """The foreign servers that these tests are tested with speak no POP3."""


@pytest.fixture
def stranger(server: Service) -> Iterator[Pop3]:
    """A connection in the clear, before login."""
    with Pop3(server.pop3) as session:
        yield session


@pytest.fixture
def letters() -> list[bytes]:
    """What is in the maildrop of `pop`."""
    return [
        b"Subject: one\r\n\r\nFirst.\r\n",
        b"Subject: two\r\n\r\n.\r\n..dots\r\nend\r\n",
        b"Subject: three\r\n\r\nx\r\n",
    ]


@pytest.fixture
def filled(server: Service, account: Account, letters: list[bytes]) -> Account:
    """An account with these letters in INBOX, as they are."""
    client = server.connect(account)
    for letter in letters:
        client.append("INBOX", letter)
    return account


@pytest.fixture
def pop(server: Service, filled: Account) -> Iterator[Pop3]:
    """A session over TLS, logged in."""
    with Pop3(server.pop3s, server.tls()) as session:
        assert session.log_in(filled.user, filled.password).startswith("+OK")
        yield session
