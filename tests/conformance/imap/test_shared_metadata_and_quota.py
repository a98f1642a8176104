"""Metadata and quota of mailboxes that somebody else shares (RFC 5464 §3.3, RFC 9208 §6)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.conformance.imap.messages import simple_message
from tests.conformance.imap.sharing import Sharing, sharing
from tests.live import Account, Service

pytestmark = [pytest.mark.rfc("5464", "3.3"), pytest.mark.usefixtures("ours")]


@pytest.fixture
def two(server: Service, account: Account, other_account: Account) -> Iterator[Sharing]:
    with sharing(server, account, other_account) as both:
        yield both


def test_shared_entries_are_common_and_private_ones_are_each_readers(two: Sharing) -> None:
    two.share("lr")
    two.ann.ok('SETMETADATA INBOX (/shared/comment "ours" /private/comment "ann\'s")')
    two.bob.ok(f'SETMETADATA {two.name()} (/private/comment "bob\'s")')
    entries = "(/shared/comment /private/comment)"
    name, values = two.bob.ok(f"GETMETADATA {two.name()} {entries}").one("METADATA")
    assert f'"{name}"' == two.name()
    assert values == {"/shared/comment": b"ours", "/private/comment": b"bob's"}
    assert two.ann.ok(f"GETMETADATA INBOX {entries}").one("METADATA")[1]["/private/comment"] == b"ann's"
    two.bob.ok(f'SETMETADATA {two.name()} (/shared/comment "changed")')
    assert two.ann.ok("GETMETADATA INBOX /shared/comment").one("METADATA")[1] == {"/shared/comment": b"changed"}


@pytest.mark.parametrize(("rights", "code"), [("", "NONEXISTENT"), ("r", "NONEXISTENT"), ("lxa", "NONEXISTENT")])
def test_without_the_rights_there_is_none(two: Sharing, rights: str, code: str) -> None:
    two.share(rights)
    two.bob.no(f"GETMETADATA {two.name()} /shared/comment", code=code)
    two.bob.no(f'SETMETADATA {two.name()} (/shared/comment "x")', code=code)


def test_list_returns_metadata_of_shared_mailboxes(two: Sharing) -> None:
    two.share("lr")
    two.ann.ok('SETMETADATA INBOX (/shared/comment "ours")')
    reply = two.bob.ok(f'LIST "" {two.name("%")} RETURN (METADATA (/shared/comment))')
    assert [r.data[1] for r in reply.all("METADATA")] == [{"/shared/comment": b"ours"}]


def test_who_has_a_shared_mailbox_open_is_told_of_changes_to_it(two: Sharing) -> None:
    two.share("lr")
    two.share("lr", "Sent")
    two.bob.ok("ENABLE METADATA")
    two.bob.ok(f"SELECT {two.name()}")
    two.ann.ok('SETMETADATA INBOX (/shared/comment "x" /private/comment "y")')
    two.ann.ok('SETMETADATA Sent (/shared/comment "x")')
    told = [response.data for response in two.bob.ok("NOOP").all("METADATA")]
    assert [(f'"{name}"', entries) for name, entries in told] == [(two.name(), ["/shared/comment"])]
    two.bob.ok(f'SETMETADATA {two.name()} (/shared/comment "mine")')
    assert two.bob.ok("NOOP").all("METADATA") == []
    two.bob.ok("SELECT INBOX")
    two.ann.ok('SETMETADATA INBOX (/shared/comment "z")')
    assert two.bob.ok("NOOP").all("METADATA") == []


@pytest.mark.rfc("9208", "6")
def test_the_quota_root_of_a_shared_mailbox_is_its_owners(two: Sharing) -> None:
    two.share("l")
    two.bob.no(f"GETQUOTAROOT {two.name()}", code="NOPERM")
    two.bob.no(f"GETQUOTAROOT {two.name('Sent')}", code="NONEXISTENT")
    two.share("lr")
    reply = two.bob.ok(f"GETQUOTAROOT {two.name()}")
    root = f"#user/{two.owner}"
    assert reply.one("QUOTAROOT")[1] == [root]
    assert reply.one("QUOTA")[0] == root
    two.bob.no(f'SETQUOTA "{root}" (STORAGE 1)', code="NONEXISTENT")


def test_what_a_guest_puts_in_counts_for_the_owner(server: Service, fresh_account: Account, account: Account) -> None:
    with sharing(server, fresh_account, account) as two:
        two.ann.ok('SETQUOTA "" (MESSAGE 1)')
        two.share("lri")
        two.bob.append("INBOX", simple_message(1))
        two.bob.ok("SELECT INBOX")
        two.bob.ok(f"COPY 1 {two.name()}")
        two.bob.no(f"COPY 1 {two.name()}", code="OVERQUOTA")
        two.bob.no(f"MOVE 1 {two.name()}", code="OVERQUOTA")
        assert two.bob.ok("STATUS INBOX (MESSAGES)").one("STATUS")[1] == {"MESSAGES": 1}
