r"""$Important, \Important (RFC 8457), and the registered keywords (RFC 5788)."""

from __future__ import annotations

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient

pytestmark = pytest.mark.rfc("8457", "2")


def flags(client: ImapClient) -> set[str]:
    return {str(flag) for flag in client.ok("FETCH 1 FLAGS").fetched[1]["FLAGS"]} - {"\\Recent"}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("$important", "$Important"), ("$MDNSENT", "$MDNSent"), ("$forwarded", "$Forwarded"), ("$junk", "$Junk"),
        ("$NOTJUNK", "$NotJunk"), ("$Phishing", "$Phishing"), ("$mailflagbit1", "$MailFlagBit1"),
    ],
)  # fmt: skip
def test_registered_keywords_are_spelled_as_registered(inbox: ImapClient, sent: str, kept: str, ours: None) -> None:
    inbox.append("INBOX", simple_message(1))
    inbox.ok("NOOP")
    inbox.ok(f"STORE 1 FLAGS ({sent})")
    assert flags(inbox) == {kept}
    assert inbox.ok(f"SEARCH KEYWORD {sent}").found == [1]


def test_important_is_set_and_taken_back_like_any_other(inbox: ImapClient) -> None:
    inbox.append("INBOX", simple_message(1), "($Important)")
    inbox.ok("NOOP")
    assert "$Important" in flags(inbox)
    inbox.ok("STORE 1 -FLAGS ($Important)")
    assert "$Important" not in flags(inbox)


@pytest.mark.rfc("8457", "3")
def test_a_mailbox_may_be_the_one_for_important_messages(client: ImapClient, ours: None) -> None:
    """The first examples of RFC 8457 §3.2.1 and §3.2.2"""
    client.ok('CREATE "Important Messages" (USE (\\Important))')
    client.ok('CREATE "Imported Wine"')
    rows = client.ok('LIST "" "Imp*"').listed()
    assert "\\Important" in rows["Important Messages"].flags
    assert "\\Important" not in rows["Imported Wine"].flags


@pytest.mark.rfc("8457", "3")
def test_there_is_one_such_mailbox(client: ImapClient, ours: None) -> None:
    """The second example of RFC 8457 §3.2.2"""
    client.ok('CREATE "one" (USE (\\Important))')
    client.no('CREATE "Important Messages" (USE (\\Important))', code="USEATTR")
