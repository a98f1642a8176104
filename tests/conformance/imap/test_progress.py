"""INPROGRESS: signs of life of commands that take long (RFC 9585)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient, Literal, Reply
from tests.live import OWN, Service

from mailkeep.config import Imap
from mailkeep.imap import progress

pytestmark = pytest.mark.rfc("9585", "4")

MESSAGES = 300


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told every ten seconds is told each millisecond."""
    monkeypatch.setattr(progress, "EVERY_S", 0.001)


def filled(service: Service) -> ImapClient:
    client = service.connect(OWN)
    parts: list[str | Literal] = []
    for number in range(MESSAGES):
        text = f"text {number} " + "word " * 500
        parts.append(Literal(simple_message(number, text=text), plus=True))
    client.ok("APPEND INBOX", *parts)
    client.ok("SELECT INBOX")
    return client


def told(reply: Reply) -> list[tuple[bytes | None, int | None, int | None]]:
    return [r.code.args for r in reply.all("OK") if r.code and r.code.name == "INPROGRESS"]


@pytest.mark.usefixtures("impatient")
def test_a_search_tells_its_tag_and_how_far_it_is(configured: Callable[..., Service]) -> None:
    client = filled(configured())
    client.send(b"long1 SEARCH TEXT nowhere\r\n")
    states = told(client.finish("long1"))
    assert states
    for tag, done, goal in states:
        assert tag == b"long1"
        assert (done, goal) == (None, None) or (done is not None and goal == MESSAGES and done < goal)
    client.send(b"long] SEARCH TEXT nowhere\r\n")
    assert {tag for tag, _, _ in told(client.finish("long]"))} == {None}
    assert told(client.ok("NOOP")) == []


@pytest.mark.usefixtures("impatient")
def test_a_search_of_many_mailboxes_tells_it_too(configured: Callable[..., Service]) -> None:
    client = filled(configured())
    assert told(client.ok("ESEARCH IN (personal) TEXT nowhere"))


@pytest.mark.usefixtures("impatient")
def test_switched_off_nothing_is_told(configured: Callable[..., Service]) -> None:
    client = filled(configured(imap=Imap(disable=("INPROGRESS",))))
    assert told(client.ok("SEARCH TEXT nowhere")) == []


def test_what_is_quick_tells_nothing(configured: Callable[..., Service]) -> None:
    client = filled(configured())
    assert told(client.ok("SEARCH TEXT nowhere")) == []
    assert told(client.ok("COPY 1:* Sent")) == []
