"""NOTIFY about mailboxes of others (RFC 5465 §3.1, §5.4, §5.9), whose rights decide what is told (RFC 4314)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.conformance.imap.messages import simple_message
from tests.conformance.imap.sharing import Sharing, sharing
from tests.conformance.imap.test_notify import row, silent, status, told
from tests.live import Account, Service

pytestmark = [pytest.mark.rfc("5465", "5.9"), pytest.mark.usefixtures("ours")]
MESSAGES = "(MessageNew MessageExpunge)"


@pytest.fixture
def shared(server: Service, account: Account, other_account: Account) -> Iterator[Sharing]:
    with sharing(server, account, other_account) as both:
        yield both


def test_messages_in_a_mailbox_of_others_are_told(shared: Sharing) -> None:
    shared.share("lr")
    shared.bob.ok(f"NOTIFY SET (mailboxes {shared.name()} {MESSAGES})")
    shared.ann.append("INBOX", simple_message(1))
    name, items = status(told(shared.bob, "STATUS"))
    assert name == shared.name().strip('"')
    assert items["MESSAGES"] == 1


def test_personal_does_not_mean_what_others_share(shared: Sharing) -> None:
    shared.share("lr")
    shared.bob.ok(f"NOTIFY SET (personal {MESSAGES})")
    shared.ann.append("INBOX", simple_message(1))
    assert silent(shared.bob)


def test_the_tree_of_others_can_be_watched(shared: Sharing) -> None:
    shared.share("lr", "Sent")
    reply = shared.bob.ok(f'NOTIFY SET STATUS (subtree "Other Users" {MESSAGES})')
    assert status(reply)[0] == shared.name("Sent").strip('"')
    shared.ann.append("INBOX", simple_message(1))  # not shared
    assert silent(shared.bob)
    shared.ann.append("Sent", simple_message(1))
    assert status(told(shared.bob, "STATUS"))[0] == shared.name("Sent").strip('"')


def test_what_may_be_seen_but_not_read_is_told_as_such(shared: Sharing) -> None:
    shared.share("l")
    reply = shared.bob.ok(f"NOTIFY SET STATUS (mailboxes {shared.name()} {MESSAGES})")
    assert not reply.all("STATUS")
    [listed] = reply.all("LIST")
    assert "\\noaccess" in row(listed)[1]
    shared.ann.append("INBOX", simple_message(1))
    assert silent(shared.bob)


def test_what_may_not_be_seen_is_not_mentioned(shared: Sharing) -> None:
    reply = shared.bob.ok(f"NOTIFY SET STATUS (mailboxes {shared.name()} (MessageNew MessageExpunge MailboxName))")
    assert not reply.untagged
    shared.ann.append("INBOX", simple_message(1))
    shared.ann.ok("SETACL Sent anyone lr")
    assert silent(shared.bob)


@pytest.mark.rfc("5465", "5.4")
def test_a_mailbox_appears_when_its_owner_shares_it(shared: Sharing) -> None:
    shared.bob.ok('NOTIFY SET (subtree "Other Users" (MessageNew MessageExpunge MailboxName))')
    shared.share("lr")
    name, attributes = row(told(shared.bob, "LIST"))
    assert name == shared.name().strip('"')
    assert "\\nonexistent" not in attributes
    shared.ann.append("INBOX", simple_message(1))
    assert status(told(shared.bob, "STATUS"))[0] == name


@pytest.mark.rfc("5465", "5.4")
def test_it_disappears_when_the_rights_go_and_is_watched_no_more(shared: Sharing) -> None:
    shared.share("lr")
    shared.bob.ok('NOTIFY SET (subtree "Other Users" (MessageNew MessageExpunge MailboxName))')
    shared.ann.ok(f'DELETEACL INBOX "{shared.guest}"')
    name, attributes = row(told(shared.bob, "LIST"))
    assert name == shared.name().strip('"')
    assert {"\\nonexistent", "\\noaccess"} <= attributes
    shared.ann.append("INBOX", simple_message(1))
    assert silent(shared.bob)
    shared.share("lr")
    assert "\\nonexistent" not in row(told(shared.bob, "LIST"))[1]
    shared.ann.append("INBOX", simple_message(1))
    assert status(told(shared.bob, "STATUS"))[1]["MESSAGES"] == 2


def test_a_rename_by_the_owner_is_told_by_the_guests_names(shared: Sharing) -> None:
    shared.ann.ok("CREATE box")
    shared.share("lr", "box")
    shared.bob.ok('NOTIFY SET (subtree "Other Users" (MailboxName))')
    shared.ann.ok("RENAME box bax")
    listed = told(shared.bob, "LIST")
    assert row(listed)[0] == shared.name("bax").strip('"')
    assert listed.data.extended == {"OLDNAME": [shared.name("box").strip('"')]}
    shared.ann.ok("DELETE bax")
    assert "\\nonexistent" in row(told(shared.bob, "LIST"))[1]


def test_names_of_mailboxes_that_are_not_shared_stay_hidden(shared: Sharing) -> None:
    shared.share("lr")
    shared.bob.ok('NOTIFY SET (subtree "Other Users" (MailboxName))')
    shared.ann.ok("CREATE secret")
    shared.ann.ok("RENAME secret more")
    shared.ann.ok("DELETE more")
    assert silent(shared.bob)


def test_the_selected_mailbox_of_somebody_else_is_told_at_once(shared: Sharing) -> None:
    shared.open("lrs")
    shared.bob.ok("NOTIFY SET (selected (MessageNew (UID) MessageExpunge FlagChange))")
    shared.ann.append("INBOX", simple_message(1))
    told(shared.bob, "EXISTS")
    shared.bob.until(lambda response: response.kind == "FETCH")


def test_what_the_guest_does_itself_is_not_told_to_it(shared: Sharing) -> None:
    shared.share("lrswipte")
    shared.bob.ok(f"NOTIFY SET (mailboxes {shared.name()} (MessageNew MessageExpunge FlagChange))")
    shared.bob.ok(f"APPEND {shared.name()} {{1+}}\r\nx")
    assert silent(shared.bob)
    shared.ann.append("INBOX", simple_message(1))
    assert status(told(shared.bob, "STATUS"))[1]["MESSAGES"] == 2


@pytest.mark.rfc("5465", "5.6")
def test_shared_metadata_of_a_mailbox_of_others_is_told(shared: Sharing) -> None:
    shared.share("lr")
    shared.bob.ok(f"NOTIFY SET (mailboxes {shared.name()} (MailboxMetadataChange))")
    shared.ann.ok('SETMETADATA INBOX (/private/comment "hers")')
    shared.ann.ok('SETMETADATA INBOX (/shared/comment "x")')
    assert told(shared.bob, "METADATA").raw == f"* METADATA {shared.name()} /shared/comment\r\n".encode()
