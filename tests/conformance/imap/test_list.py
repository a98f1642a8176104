"""LIST (RFC 9051 §6.3.9, RFC 5258, RFC 5819, RFC 6154)."""

from __future__ import annotations

import pytest
from tests.imap_client import ImapClient, Literal
from tests.live import Account, Service

pytestmark = pytest.mark.rfc("9051", "6.3.9")
TREE = ["a", "a/b", "a/b/c", "a/d", "ab", "b/a", "INBOX/in", "x y"]
USES = {"Sent": "\\Sent", "Drafts": "\\Drafts", "Trash": "\\Trash", "Junk": "\\Junk", "Archive": "\\Archive"}


@pytest.fixture
def tree(client: ImapClient) -> ImapClient:
    for name in TREE:
        client.command(f'CREATE "{name}"')
    return client


def test_an_empty_pattern_answers_the_delimiter(client: ImapClient) -> None:
    """trap 10"""
    row = client.ok('LIST "" ""').one("LIST")
    assert (row.delimiter, row.name) == ("/", "")
    assert "\\Noselect" in row.flags


@pytest.mark.parametrize(
    ("reference", "pattern", "names"),
    [
        ("", "a*", {"a", "a/b", "a/b/c", "a/d", "ab"}),
        ("", "a%", {"a", "ab"}),
        ("", "a/%", {"a/b", "a/d"}),
        ("", "a/*", {"a/b", "a/b/c", "a/d"}),
        ("a/", "%", {"a/b", "a/d"}),
        ("a/", "*c", {"a/b/c"}),
        ("", "a/%/%", {"a/b/c"}),
        ("", "%/b", {"a/b"}),
        ("", "*b", {"a/b", "ab", "b"}),
        ("", "A", set()),
        ("", "inbox", {"INBOX"}),
        ("", "InBox", {"INBOX"}),
        ("", "INBOX*", {"INBOX", "INBOX/in"}),
        ("", "INBOX/%", {"INBOX/in"}),
        ("", "I*X", {"INBOX"}),
        ("", "x%y", {"x y"}),
        ("", "nowhere", set()),
        ("", "a/", set()),
        ("", "%%/*%c", {"a/b/c"}),
        ("", "a**b", {"a/b", "ab"}),
    ],
)
def test_patterns(tree: ImapClient, reference: str, pattern: str, names: set[str]) -> None:
    """trap 10"""
    assert set(tree.ok(f'LIST "{reference}" "{pattern}"').listed()) == names


def test_wildcards_need_no_quotes(tree: ImapClient) -> None:
    assert set(tree.ok('LIST "" a/%').listed()) == {"a/b", "a/d"}
    assert set(tree.ok("LIST", Literal(b""), Literal(b"a/*")).listed()) == {"a/b", "a/b/c", "a/d"}


def test_children_are_told_without_asking(tree: ImapClient, ours: None) -> None:
    """trap 10: \\HasNoChildren on an INBOX that has children hides the tree"""
    rows = tree.ok('LIST "" *').listed()
    assert {name: "\\HasChildren" in rows[name].flags for name in ("INBOX", "a", "a/b", "a/d", "ab")} == {
        "INBOX": True, "a": True, "a/b": True, "a/d": False, "ab": False,
    }  # fmt: skip
    assert all(("\\HasChildren" in row.flags) != ("\\HasNoChildren" in row.flags) for row in rows.values())


def test_the_deepest_level_has_no_inferiors(client: ImapClient, ours: None) -> None:
    client.ok("CREATE " + "/".join("x" * 32))
    rows = client.ok('LIST "" x*').listed()
    assert [name.count("/") + 1 for name, row in rows.items() if "\\NoInferiors" in row.flags] == [32]
    client.no("CREATE " + "/".join("x" * 33), code="CANNOT")


def test_special_uses_stand_in_plain_list(client: ImapClient, ours: None) -> None:
    """trap 10"""
    rows = client.ok('LIST "" %').listed()
    assert {name: use in rows[name].flags for name, use in USES.items()} == dict.fromkeys(USES, True)


def test_special_use_selects(client: ImapClient, ours: None) -> None:
    rows = client.ok('LIST (SPECIAL-USE) "" *').listed()
    assert set(rows) == set(USES)


def test_special_use_is_returned_when_asked_for(client: ImapClient) -> None:
    rows = client.ok('LIST "" * RETURN (SPECIAL-USE CHILDREN SUBSCRIBED)').listed()
    assert all(USES[name] in rows[name].flags for name in USES if name in rows)


def test_names_with_odd_octets_are_quoted(client: ImapClient) -> None:
    """trap 10: smtp4dev sent *INBOX unquoted"""
    client.ok('CREATE "x (y)"')
    assert b'"x (y)"' in client.ok('LIST "" x*').raw


def test_no_name_ends_with_the_delimiter(tree: ImapClient) -> None:
    assert not any(name.endswith("/") for name in tree.ok('LIST "" *').listed())


def test_status_is_returned_per_mailbox(tree: ImapClient) -> None:
    """RFC 5819"""
    reply = tree.ok('LIST "" a% RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY UNSEEN))')
    assert {r.data[0] for r in reply.all("STATUS")} == {"a", "ab"}


@pytest.mark.rfc("9590", "4")
def test_metadata_is_returned_per_mailbox(tree: ImapClient) -> None:
    """NIL where there is none; with other options; not for names that are not mailboxes."""
    tree.ok('SETMETADATA ab (/shared/vendor/x/color "#b71c1c" /private/comment "mine")')
    tree.ok("UNSUBSCRIBE a/d")
    tree.ok("SUBSCRIBE a/nowhere")
    entries = '"/shared/vendor/x/color" /private/Comment'
    reply = tree.ok(f'LIST "" a% RETURN (METADATA ({entries}) STATUS (MESSAGES))')
    nothing = {"/shared/vendor/x/color": None, "/private/Comment": None}
    color = {"/shared/vendor/x/color": b"#b71c1c", "/private/Comment": b"mine"}
    assert dict(r.data for r in reply.all("METADATA")) == {"a": nothing, "ab": color}
    assert len(reply.all("STATUS")) == 2
    reply = tree.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" (a a/nowhere) RETURN (METADATA (/private/comment))')
    assert "a/nowhere" in reply.listed()
    assert [r.data[0] for r in reply.all("METADATA")] == ["a"]


def test_subscribed_with_return_subscribed(tree: ImapClient) -> None:
    tree.ok("UNSUBSCRIBE a")
    tree.ok("SUBSCRIBE ab")
    rows = tree.ok('LIST "" a% RETURN (SUBSCRIBED)').listed()
    assert "\\Subscribed" in rows["ab"].flags
    assert "\\Subscribed" not in rows["a"].flags


def test_thunderbirds_lower_case_form_is_taken(tree: ImapClient) -> None:
    tree.ok("SUBSCRIBE ab")
    assert "ab" in tree.ok('LIST (subscribed) "" "*" return (special-use)').listed()


@pytest.mark.rfc("9051", "6.3.9")
def test_an_empty_pattern_among_others_asks_for_nothing(tree: ImapClient) -> None:
    assert set(tree.ok('LIST "a" ("" "b")').listed()) == {"ab"}
    assert set(tree.ok('LIST () "a" ""').listed()) == set()


@pytest.mark.rfc("5258", "3.1")
def test_recursivematch_tells_of_special_uses_below(client: ImapClient, ours: None) -> None:
    client.ok("DELETE Archive")
    client.ok("CREATE old/Archive (USE (\\Archive))")
    client.ok("UNSUBSCRIBE old/Archive")
    rows = client.ok('LIST (SPECIAL-USE RECURSIVEMATCH) "" (old Sent)').listed()
    assert {name: row.extended for name, row in rows.items()} == {"old": {"CHILDINFO": ["SPECIAL-USE"]}, "Sent": {}}
    rows = client.ok('LIST (SPECIAL-USE SUBSCRIBED) "" * RETURN (SUBSCRIBED SPECIAL-USE CHILDREN)').listed()
    assert set(rows) == {"Sent", "Drafts", "Trash", "Junk"}
    assert all("\\Subscribed" in row.flags and "\\HasNoChildren" in row.flags for row in rows.values())
    client.ok("DELETE old/Archive")
    client.ok("CREATE Archive (USE (\\Archive))")


def test_recursivematch_alone_is_refused(client: ImapClient) -> None:
    client.bad('LIST (RECURSIVEMATCH) "" "*"')


@pytest.mark.parametrize(
    "line",
    ["LIST", 'LIST ""', 'LIST (BOGUS) "" *', 'LIST "" * RETURN (BOGUS)', 'LIST "" * RETURN (METADATA)', 'LIST "" ('],
)
def test_malformed_commands_are_refused(client: ImapClient, line: str) -> None:
    client.bad(line)
    client.ok("NOOP")


def test_a_pattern_full_of_wildcards_takes_no_time(tree: ImapClient) -> None:
    """Backtracking over many stars must not hang."""
    assert set(tree.ok(f'LIST "" "{"*a" * 60}"').listed()) == set()


def test_other_accounts_mailboxes_are_not_listed(server: Service, client: ImapClient, other_account: Account) -> None:
    client.ok("CREATE secret")
    assert "secret" not in server.connect(other_account).ok('LIST "" *').listed()


def test_a_literal_list_answer_for_names_with_quotes(client: ImapClient, ours: None) -> None:
    client.ok("CREATE", Literal(b'say "hi"'))
    assert 'say "hi"' in client.ok('LIST "" say*').listed()
