"""GETQUOTA and GETQUOTAROOT, and what a quota forbids (RFC 9208, RFC 2087)."""

from __future__ import annotations

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient, Literal
from tests.live import Account, Service

pytestmark = pytest.mark.rfc("9208", "4")


def root_of(account: Account) -> str:
    return f"#user/{account.user}"


def test_every_mailbox_has_the_quota_root_of_its_account(client: ImapClient, account: Account, ours: None) -> None:
    """§4.1.2: the mailbox need not exist."""
    for mailbox in ("INBOX", "Sent", "not/there"):
        reply = client.ok(f"GETQUOTAROOT {mailbox}")
        assert reply.one("QUOTAROOT") == (mailbox, [root_of(account)])
        assert reply.one("QUOTA")[0] == root_of(account)


def test_what_is_not_limited_is_not_told_but_the_number_of_mailboxes(client: ImapClient, ours: None) -> None:
    """§4.2.1; §3.2: inherent limits are told"""
    assert client.ok('GETQUOTA ""').one("QUOTA")[1] == {"MAILBOX": (6, 10_000)}
    client.ok("CREATE a/b")
    assert client.ok('GETQUOTA ""').one("QUOTA")[1] == {"MAILBOX": (8, 10_000)}


def test_usage_is_told_beside_the_limits(fresh_account: Account, server: Service, ours: None) -> None:
    client = server.connect(fresh_account)
    client.append("INBOX", simple_message(1, size=1500))
    client.append("INBOX", simple_message(2, size=1500))
    client.ok(f'SETQUOTA "{root_of(fresh_account)}" (STORAGE 100 MESSAGE 10)')
    data = client.ok(f'GETQUOTA "{root_of(fresh_account)}"').one("QUOTA")
    assert data == (root_of(fresh_account), {"STORAGE": (3, 100), "MESSAGE": (2, 10), "MAILBOX": (6, 10_000)})


def test_quota_roots_of_others_do_not_exist(client: ImapClient, other_account: Account) -> None:
    """§8"""
    client.no(f'GETQUOTA "{root_of(other_account)}"', code="NONEXISTENT")
    client.no('GETQUOTA "nothing"', code="NONEXISTENT")


def test_a_full_account_takes_no_messages(fresh_account: Account, server: Service, ours: None) -> None:
    """§4.3.1: OVERQUOTA in the tagged NO to APPEND and COPY; MOVE within the account frees what it takes"""
    client = server.connect(fresh_account)
    client.append("INBOX", simple_message(1, size=1500))
    client.ok('SETQUOTA "" (MESSAGE 1 MAILBOX 7)')
    client.no("APPEND INBOX", Literal(simple_message(2), plus=True), code="OVERQUOTA")
    client.ok("SELECT INBOX")
    client.no("COPY 1 Sent", code="OVERQUOTA")
    client.ok("CREATE one")
    client.no("CREATE another", code="OVERQUOTA")
    client.no("RENAME one a/b", code="OVERQUOTA")
    client.ok("MOVE 1 Sent")
    assert client.ok("STATUS Sent (MESSAGES)").one("STATUS")[1] == {"MESSAGES": 1}


def test_a_move_in_an_account_that_is_over_its_quota_goes_through_with_a_warning(
    fresh_account: Account, server: Service, ours: None
) -> None:
    """§4.3.1, as its third example for COPY"""
    client = server.connect(fresh_account)
    for n in range(3):
        client.append("INBOX", simple_message(n + 1))
    client.ok("SELECT INBOX")
    assert client.ok("MOVE 1 Sent").all("NO") == []
    client.ok('SETQUOTA "" (MESSAGE 2)')
    [warning] = client.ok("MOVE 1 Sent").all("NO")
    assert warning.code
    assert warning.code.name == "OVERQUOTA"


def test_a_full_account_takes_no_mail(fresh_account: Account, server: Service, ours: None) -> None:
    """452 4.2.2 while there is no room, 552 5.2.2 for what could never have any (RFC 3463 §3.3)"""
    client = server.connect(fresh_account)
    client.append("INBOX", simple_message(1, size=6000))
    client.ok('SETQUOTA "" (STORAGE 8)')
    for size, code in ((4000, 452), (10_000, 552)):
        with server.lmtp_session() as lmtp:
            lmtp.mail("a@example.net")
            lmtp.rcpt(fresh_account.user)
            answer, text = lmtp.data(simple_message(2, size=size))
        assert (answer, text[:6]) == (code, b"4.2.2 " if code == 452 else b"5.2.2 ")


def test_before_login_it_is_bad(server: Service) -> None:
    server.connect().bad('GETQUOTA ""')
    server.connect().bad("GETQUOTAROOT INBOX")


@pytest.mark.rfc("9208", "4.1.4")
def test_status_tells_what_an_expunge_would_free(inbox: ImapClient) -> None:
    one, two = simple_message(1, size=1000), simple_message(2, size=2000)
    inbox.append("INBOX", one)
    inbox.append("INBOX", two)
    items = "(MESSAGES DELETED DELETED-STORAGE)"
    assert inbox.ok(f"STATUS INBOX {items}").one("STATUS")[1] == {"MESSAGES": 2, "DELETED": 0, "DELETED-STORAGE": 0}
    inbox.ok("NOOP")
    inbox.ok("STORE 2 +FLAGS (\\Deleted)")
    assert inbox.ok(f"STATUS INBOX {items}").one("STATUS")[1] == {
        "MESSAGES": 2,
        "DELETED": 1,
        "DELETED-STORAGE": len(two),
    }
    listed = inbox.ok(f'LIST "" INBOX RETURN (STATUS {items})').one("STATUS")
    assert listed[1]["DELETED-STORAGE"] == len(two)
