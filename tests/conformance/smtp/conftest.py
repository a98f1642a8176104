from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.conformance.smtp.smtp_client import Smtp
from tests.live import *  # noqa: F403  the fixtures of the running server
from tests.live import Account, Service


@pytest.fixture(autouse=True)
def only_ours(ours: None) -> None:
    """The foreign servers that these tests are tested with speak no SMTP."""


@pytest.fixture
def mx(server: Service) -> Iterator[Smtp]:
    """A connection from a stranger, after EHLO."""
    with Smtp(server.smtp) as client:
        client.hello()
        yield client


@pytest.fixture
def user(server: Service, account: Account) -> Iterator[Smtp]:
    """A connection of a user who has logged in, over TLS from the first octet."""
    with Smtp(server.submissions, server.tls()) as client:
        client.hello()
        assert client.log_in(account.user, account.password).codes == (235, "2.7.0")
        yield client
