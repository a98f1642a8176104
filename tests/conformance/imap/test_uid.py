"""UID, and what UIDs promise (RFC 9051 §6.4.9, §2.3.1.1)."""

from __future__ import annotations

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient

pytestmark = pytest.mark.rfc("9051", "6.4.9")


def test_unknown_uid_commands_are_refused(inbox: ImapClient) -> None:
    for line in ("UID", "UID NOOP", "UID LOGIN a b", "UID BOGUS 1"):
        inbox.bad(line)


def test_it_needs_a_selected_mailbox(client: ImapClient) -> None:
    client.bad("UID FETCH 1 FLAGS")


def test_uids_ascend_over_appends_copies_and_expunges(inbox: ImapClient, second: ImapClient) -> None:
    """trap 1"""
    seen = []
    for number in range(10):
        seen.append(inbox.append("INBOX", simple_message(number)))
        inbox.ok("NOOP")
        reply = inbox.ok("COPY * INBOX")
        assert reply.code
        seen.extend(reply.code.args[2])
        inbox.ok("NOOP")
        inbox.ok("STORE * +FLAGS.SILENT (\\Deleted)")
        inbox.ok("EXPUNGE")
    assert seen == sorted(set(seen))


def test_uidnext_is_never_too_low(inbox: ImapClient) -> None:
    """trap 1"""
    uid = inbox.append("INBOX", simple_message(1), "(\\Deleted)")
    inbox.ok("NOOP")
    inbox.ok("EXPUNGE")
    assert inbox.ok("STATUS INBOX (UIDNEXT)").one("STATUS")[1]["UIDNEXT"] > uid
