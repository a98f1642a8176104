"""Filters that also look at what is handed in by LMTP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conformance.lmtp.lmtp_client import Lmtp
from tests.live import OWN, Service

from mailkeep.config import Filter

HOOK = """
from mailkeep.hook import DISCARD, JUNK, Decision, reject

def on_delivery(message):
    match message.email["Subject"]:
        case "junk":
            return JUNK
        case "refuse":
            return reject("Not with us")
        case "drop":
            return DISCARD
        case "mark":
            return Decision(headers=(("X-Seen", repr((message.peer, message.sender))),))
"""


@pytest.fixture
def hook(tmp_path: Path) -> Path:
    path = tmp_path / "hook.py"
    path.write_text(HOOK)
    return path


def hand_in(service: Service, subject: str) -> list[tuple[int, str]]:
    with Lmtp(service.lmtp) as client:
        client.begin(OWN.user, OWN.user.replace("@", "+x@"))
        return client.data(f"Subject: {subject}\r\n\r\nbody\r\n".encode(), recipients=2)


def stored(service: Service, mailbox: str) -> list[bytes]:
    client = service.connect(OWN)
    client.ok(f"SELECT {mailbox}")
    if not client.exists:
        return []
    return [items["BODY[]"] for items in client.ok("FETCH 1:* BODY.PEEK[]").fetched.values()]


@pytest.mark.rfc("2033", "4.2")
def test_a_filter_decides_and_every_recipient_has_an_answer(
    configured: Callable[..., Service], ours: None, hook: Path
) -> None:
    service = configured(filter=Filter(hook=hook, lmtp=True))
    assert hand_in(service, "refuse") == [(550, "5.7.1")] * 2
    assert hand_in(service, "drop") == [(250, "2.0.0")] * 2
    assert hand_in(service, "junk") == [(250, "2.0.0")] * 2
    assert hand_in(service, "mark") == [(250, "2.0.0")] * 2
    assert len(stored(service, "Junk")) == 2
    assert [b"\r\nX-Seen: ('', 'joe@example.com')\r\n" in message for message in stored(service, "INBOX")] == [True] * 2


def test_unless_it_is_asked_for_what_is_handed_in_is_not_filtered(
    configured: Callable[..., Service], ours: None, hook: Path
) -> None:
    service = configured(filter=Filter(hook=hook))
    assert hand_in(service, "refuse") == [(250, "2.0.0")] * 2
    assert len(stored(service, "INBOX")) == 2
