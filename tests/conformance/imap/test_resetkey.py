"""RESETKEY (RFC 4467)."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient
from tests.live import Account

pytestmark = pytest.mark.rfc("4467", "7")


def authorized(client: ImapClient, account: Account, mailbox: str = "INBOX") -> str:
    uid = client.append(mailbox, simple_message(1))
    rump = f"imap://{quote(account.user, safe='')}@localhost/{mailbox}/;UID={uid};URLAUTH=anonymous"
    [url] = client.ok(f'GENURLAUTH "{rump}" INTERNAL').one("GENURLAUTH")
    return str(url)


def works(client: ImapClient, url: str) -> bool:
    return client.ok(f'URLFETCH "{url}"').one("URLFETCH")[1] is not None


def test_the_key_of_one_mailbox_is_replaced(inbox: ImapClient, account: Account, ours: None) -> None:
    """The second example of RFC 4467 §7, RESETKEY"""
    one, other = authorized(inbox, account), authorized(inbox, account, "Sent")
    reply = inbox.ok("RESETKEY INBOX")
    assert reply.code
    assert reply.code.name == "URLMECH"
    assert (works(inbox, one), works(inbox, other)) == (False, True)
    assert works(inbox, authorized(inbox, account))


def test_without_a_mailbox_all_are_removed(inbox: ImapClient, account: Account, ours: None) -> None:
    """The first example"""
    urls = [authorized(inbox, account), authorized(inbox, account, "Sent")]
    assert all(works(inbox, url) for url in urls)
    inbox.ok("RESETKEY")
    assert not any(works(inbox, url) for url in urls)


def test_mechanisms_may_be_named(inbox: ImapClient, ours: None) -> None:
    inbox.ok("RESETKEY INBOX INTERNAL")
    inbox.no("RESETKEY INBOX XSAMPLE")


def test_a_missing_mailbox_is_no(client: ImapClient, ours: None) -> None:
    client.no("RESETKEY nowhere", code="NONEXISTENT")


def test_select_tells_the_mechanisms(client: ImapClient, ours: None) -> None:
    """RFC 4467 §8"""
    assert "URLMECH" in client.ok("SELECT INBOX").codes()
    assert "URLMECH" in client.ok("EXAMINE INBOX").codes()


def test_a_mailbox_of_the_same_name_made_anew_has_another_key(inbox: ImapClient, account: Account, ours: None) -> None:
    inbox.ok("CREATE box")
    url = authorized(inbox, account, "box")
    inbox.ok("DELETE box")
    inbox.ok("CREATE box")
    inbox.append("box", simple_message(2))
    assert not works(inbox, url)
