"""CREATE (RFC 9051 §6.3.4) and mailbox names (§5.1)."""

from __future__ import annotations

import pytest
from tests.imap_client import ImapClient, Literal

pytestmark = pytest.mark.rfc("9051", "6.3.4")


def names(client: ImapClient) -> set[str]:
    return set(client.ok('LIST "" "*"').listed())


def test_parents_are_made(client: ImapClient, ours: None) -> None:
    client.ok("CREATE a/b/c")
    assert {"a", "a/b", "a/b/c"} <= names(client)


def test_a_trailing_delimiter_is_taken_off(client: ImapClient) -> None:
    """trap 35"""
    client.ok("CREATE folder/")
    client.ok("CREATE folder/inner")
    assert "folder/inner" in names(client)
    assert "folder/" not in names(client)


def test_it_subscribes(client: ImapClient, ours: None) -> None:
    """trap 25: Thunderbird shows only what is subscribed"""
    client.ok("CREATE new")
    assert "new" in client.ok('LSUB "" "*"').listed("LSUB")


def test_what_exists_is_alreadyexists(client: ImapClient) -> None:
    client.ok("CREATE twice")
    client.no("CREATE twice", code="ALREADYEXISTS")


@pytest.mark.parametrize("name", ["INBOX", "inbox", "InBox"])
def test_inbox_exists_in_any_case(client: ImapClient, name: str) -> None:
    client.no(f"CREATE {name}")


@pytest.mark.parametrize(
    "name", ['""', '"/"', '"//"', '"a//b"', '"/a"', '"a\x01b"', '"&"', '"&Jjo"', '"&Jjo!"', '"a&AGE-b"', '"caf\xe9"']
)
def test_impossible_names_are_refused(client: ImapClient, name: str, ours: None) -> None:
    """trap 12: bad modified UTF-7 (also of what needs no encoding), empty levels, controls, 8-bit"""
    assert client.command(name.encode("latin-1").join([b"CREATE ", b""])).kind in ("NO", "BAD")
    client.ok("NOOP")


@pytest.mark.parametrize(
    ("encoded", "name"),
    [
        ("&ZeVnLIqe-", "日本語"),
        ("Entw&APw-rfe", "Entwürfe"),
        ("R&-D", "R&D"),
        ("&2D3eAA-", "😀"),
        ("&AOQ-/&APY-", "ä/ö"),
    ],
)
def test_modified_utf7_and_utf8_name_the_same_mailbox(
    client: ImapClient, second: ImapClient, encoded: str, name: str, ours: None
) -> None:
    """trap 12: with surrogates, and the raw & of rev2"""
    client.ok(f'CREATE "{encoded}"')
    assert encoded in names(client)
    second.ok("ENABLE IMAP4rev2")
    assert name in names(second)
    second.ok(f'SELECT "{name}"')


@pytest.mark.parametrize(
    "name",
    ["a.b", "with space", "Saved (old)", 'quo"te', "back\\slash", "[Gmail]", "#news", "~tilde", "a*b", "per%cent"],
)
def test_odd_names_come_back_as_they_were(client: ImapClient, name: str, ours: None) -> None:
    """traps 10 and 48"""
    reply = client.command("CREATE", Literal(name.encode()))
    if reply.kind == "NO":
        assert "*" in name or "%" in name  # wildcards may be refused
        return
    assert name in names(client)
    client.ok("SELECT", Literal(name.encode()))


def test_nfd_names_become_nfc(client: ImapClient, ours: None) -> None:
    """trap 48: macOS sends NFD"""
    client.ok('CREATE "Cafe&AwE-"')
    assert "Caf&AOk-" in names(client)
    client.ok('SELECT "Cafe&AwE-"')


def test_names_that_differ_in_case_are_two(client: ImapClient, ours: None) -> None:
    """trap 48"""
    client.ok("CREATE Box")
    client.ok("CREATE bOX")
    assert {"Box", "bOX"} <= names(client)


def test_a_leaf_of_255_octets_is_taken_and_one_of_256_is_not(client: ImapClient, ours: None) -> None:
    """trap 48"""
    client.ok(f"CREATE {'n' * 255}")
    client.no(f"CREATE {'m' * 256}")


def test_thirty_levels_are_taken_and_a_thousand_are_not(client: ImapClient, ours: None) -> None:
    client.ok(f"CREATE {'/'.join('abcdefghijklmnopqrstuvwxyzabcd')}")
    client.no(f"CREATE {'/'.join('x' * 1000)}")


def test_children_of_inbox_are_allowed(client: ImapClient) -> None:
    client.ok("CREATE INBOX/child")
    assert "INBOX/child" in names(client)


def test_a_special_use_may_be_given(client: ImapClient, ours: None) -> None:
    """RFC 6154 §3"""
    client.ok("DELETE Archive")
    client.ok("CREATE Attic (USE (\\Archive))")
    assert "\\Archive" in client.ok('LIST "" Attic').listed()["Attic"].flags
    client.ok("DELETE Attic")
    client.ok("CREATE Archive (USE (\\Archive))")


@pytest.mark.rfc("6154", "3")
def test_a_special_use_that_another_mailbox_has_is_useattr(client: ImapClient, ours: None) -> None:
    client.no("CREATE Outbox (USE (\\Sent))", code="USEATTR")
    client.no("CREATE Sent (USE (\\Sent))", code="ALREADYEXISTS")
    assert "Outbox" not in names(client)
    client.ok("CREATE Outbox (USE ())")


@pytest.mark.parametrize("use", ["\\Memos", "\\Scheduled", "\\Snoozed"])
def test_the_uses_that_came_later_may_be_given_too(client: ImapClient, use: str, ours: None) -> None:
    """RFC 9979"""
    client.ok(f"CREATE later (USE ({use}))")
    assert use in client.ok('LIST (SPECIAL-USE) "" later').listed()["later"].flags
    client.ok("DELETE later")


def test_an_unknown_special_use_is_useattr(client: ImapClient, ours: None) -> None:
    client.no("CREATE Attic (USE (\\Bogus))", code="USEATTR")


def test_a_recreated_mailbox_has_a_greater_uidvalidity(client: ImapClient) -> None:
    """trap 1"""
    validities = []
    for _ in range(3):
        client.ok("CREATE again")
        validities.append(client.ok("STATUS again (UIDVALIDITY)").one("STATUS")[1]["UIDVALIDITY"])
        client.ok("DELETE again")
    assert validities == sorted(set(validities))
