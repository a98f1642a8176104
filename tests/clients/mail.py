"""The messages that the clients find, and what a raw connection sees of what they did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.imap_client import ImapClient
from tests.imap_grammar import Flag
from tests.live import eventually


def letter(subject: str, text: str = "Hello.", *, author: str = "ann@example.net") -> bytes:
    """A small message with its own subject."""
    lines = [
        f"From: Ann Lee <{author}>",
        "To: reader@example.org",
        f"Subject: {subject}",
        "Date: Wed, 12 Feb 2025 10:00:00 +0100",
        f"Message-ID: <{subject.replace(' ', '.')}@example.net>",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "",
        text,
        "",
    ]
    return "\r\n".join(lines).encode()


@dataclass(frozen=True, slots=True)
class Stored:
    """A message as the server has it; `flags` without the Recent flag, which depends on who looks."""

    uid: int
    flags: set[Flag]
    octets: bytes
    internaldate: str


def stored(client: ImapClient, mailbox: str = "INBOX") -> dict[str, Stored]:
    """What is in a mailbox now, by subject."""
    client.ok(f'EXAMINE "{mailbox}"')
    items = "(UID FLAGS INTERNALDATE ENVELOPE BODY.PEEK[])"
    rows = client.ok(f"FETCH 1:* {items}").fetched.values() if client.exists else ()
    out = {
        (row["ENVELOPE"].subject or b"").decode(): Stored(
            row["UID"], set(row["FLAGS"]) - {Flag("\\Recent")}, row["BODY[]"], row["INTERNALDATE"]
        )
        for row in rows
    }
    assert len(out) == client.exists, f"a subject twice in {mailbox}"
    client.ok("UNSELECT")
    return out


def until_stored(client: ImapClient, mailbox: str, wanted: Callable[[dict[str, Stored]], bool]) -> dict[str, Stored]:
    """Look into a mailbox until it is as wanted."""
    seen: dict[str, Stored] = {}

    def is_so() -> bool:
        nonlocal seen
        seen = stored(client, mailbox)
        return wanted(seen)

    try:
        eventually(is_so, "the mailbox")
    except AssertionError as error:
        raise AssertionError(f"{mailbox} has {seen}") from error
    return seen
