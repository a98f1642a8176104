from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest
from tests.conformance.smtp.scripted import DOMAINS, Start, World
from tests.conformance.smtp.smtp_client import Smtp
from tests.dns_server import dns_server
from tests.live import *  # noqa: F403  the fixtures of the running server
from tests.live import Account, Service
from tests.smtp_peer import peer_in_thread

from mailkeep.config import Address, Dns, Outbound, Queue


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


@pytest.fixture
def world(configured: Callable[..., Service]) -> Iterator[Start]:
    """``world(answers, offers=…, queue=…)``: a server of its own and another, which gives these answers."""
    with ExitStack() as stack:

        def start(answers: Mapping[str, Any] | None = None, queue: Queue | None = None, **options: Any) -> World:
            host, port = stack.enter_context(dns_server(DOMAINS))
            peer = stack.enter_context(peer_in_thread(answers=answers, **options))
            service = configured(
                dns=Dns(nameservers=(Address(host, port),)),
                outbound=Outbound(port=peer.port),
                queue=queue or Queue(),
            )
            return World(service, peer)

        yield start
