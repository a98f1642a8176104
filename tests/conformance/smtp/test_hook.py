"""The administrator's own function at work on port 25."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.conformance.smtp.smtp_client import Smtp
from tests.live import OWN, Service

from mailkeep.config import Filter

HOOK = """
from mailkeep.hook import DISCARD, JUNK, Decision, defer, reject

def on_delivery(message):
    match message.email["Subject"]:
        case "junk":
            return JUNK
        case "refuse":
            return reject("Not with us")
        case "later":
            return defer("Come again")
        case "drop":
            return DISCARD
        case "mark":
            return Decision(headers=(("X-Seen", f"{message.sender} {','.join(message.recipients)}"),))
        case "crash":
            raise LookupError
"""


def test_a_hook_decides_what_becomes_of_mail(configured: Callable[..., Service], tmp_path: Path) -> None:
    hook = tmp_path / "hook.py"
    hook.write_text(HOOK)
    service = configured(filter=Filter(hook=hook))
    answers = {}
    with Smtp(service.smtp) as client:
        client.hello()
        for subject in ("junk", "refuse", "later", "drop", "mark", "crash", "other"):
            client.begin(OWN.user)
            [answers[subject]] = client.data(f"From: joe@example.com\r\nSubject: {subject}\r\n\r\nbody\r\n".encode())
    assert answers == {
        "junk": (250, "2.0.0"),
        "refuse": (550, "5.7.1"),
        "later": (451, "4.7.1"),
        "drop": (250, "2.0.0"),
        "mark": (250, "2.0.0"),
        "crash": (451, "4.7.1"),
        "other": (250, "2.0.0"),
    }
    user = service.connect(OWN)
    user.ok("SELECT INBOX")
    mark, other = (items["BODY[]"] for items in user.ok("FETCH 1:* BODY.PEEK[]").fetched.values())
    assert b"\r\nX-Seen: joe@example.com own@example.org\r\n" in mark
    assert b"Subject: other" in other
    user.ok("SELECT Junk")
    [junk] = (items["BODY[]"] for items in user.ok("FETCH 1:* BODY.PEEK[]").fetched.values())
    assert b"Subject: junk" in junk
