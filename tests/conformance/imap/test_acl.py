"""SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS, and what every command makes of rights (RFC 4314)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.conformance.imap.messages import simple_message
from tests.conformance.imap.sharing import Sharing, sharing
from tests.imap_client import ImapClient, Literal
from tests.live import Account, Service

pytestmark = [pytest.mark.rfc("4314", "4"), pytest.mark.usefixtures("ours")]

ALL = "lrswipkxteacd"
KEYWORD = "$Work"


@pytest.fixture
def two(server: Service, account: Account, other_account: Account) -> Iterator[Sharing]:
    with sharing(server, account, other_account) as both:
        yield both


@pytest.fixture
def filled(two: Sharing) -> Sharing:
    """Two messages in ann's INBOX, the first of them with flags."""
    two.ann.append("INBOX", simple_message(1), f"(\\Seen \\Flagged \\Deleted {KEYWORD})")
    two.ann.append("INBOX", simple_message(2))
    return two


def test_it_is_offered_with_the_rights_that_are_new(client: ImapClient) -> None:
    offered = client.ok("CAPABILITY").one("CAPABILITY")
    assert {"ACL", "RIGHTS=texk", "LIST-MYRIGHTS"} <= set(offered)


# --- the list


def test_the_owner_has_all_rights_always(two: Sharing) -> None:
    assert two.ann.ok("GETACL INBOX").one("ACL") == ("INBOX", [two.owner, ALL])
    assert two.ann.ok("MYRIGHTS INBOX").one("MYRIGHTS") == ("INBOX", [ALL])
    two.ann.no(f"SETACL INBOX {two.owner} lr", code="CANNOT")
    two.ann.no(f"SETACL INBOX -{two.owner} x", code="CANNOT")
    two.ann.no(f"DELETEACL INBOX {two.owner}", code="CANNOT")
    two.ann.ok("SETACL INBOX -anyone lrswipkxtea")
    assert two.ann.ok("MYRIGHTS INBOX").one("MYRIGHTS") == ("INBOX", [ALL])


def test_setacl_replaces_adds_and_removes(two: Sharing) -> None:
    for change, after in [("lrs", "lrs"), ("+wi", "lrswi"), ("-sw", "lri"), ("+", "lri"), ("lr", "lr")]:
        two.share(change)
        assert two.ann.ok("GETACL INBOX").one("ACL")[1][2:] == [two.guest, after]
        assert two.rights() == after


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("lrd", "lrted"),
        ("lrc", "lrkxc"),
        ("lrt", "lrtd"),
        ("lrk", "lrkc"),
        ("lrcdx", "lrkxtecd"),
        ("lrswida", "lrswitead"),
        ("lrswikda", "lrswikteacd"),
    ],
)
def test_rights_of_the_old_rfc_stand_for_new_ones_and_are_told_with_them(two: Sharing, asked: str, told: str) -> None:
    two.share(asked)
    assert two.ann.ok("GETACL INBOX").one("ACL")[1][3] == told
    assert two.bob.ok(f"MYRIGHTS {two.name()}").one("MYRIGHTS")[1] == [told]


@pytest.mark.parametrize("rights", ["lrQ", "lrq", "lR", "l1", "lé"])
def test_an_unknown_right_is_bad(two: Sharing, rights: str) -> None:
    two.ann.bad(f"SETACL INBOX {two.guest}", Literal(rights.encode(), plus=True))
    assert two.ann.ok("GETACL INBOX").one("ACL")[1] == [two.owner, ALL]


@pytest.mark.parametrize("identifier", ["", "-", "a\tb", "\x7f"])
def test_an_identifier_that_nobody_can_have_is_bad(two: Sharing, identifier: str) -> None:
    two.ann.bad("SETACL INBOX", Literal(identifier.encode(), plus=True), "lr")
    two.ann.bad("DELETEACL INBOX", Literal(identifier.encode(), plus=True))
    two.ann.bad("LISTRIGHTS INBOX", Literal(identifier.encode(), plus=True))


@pytest.mark.parametrize("identifier", ["nobody@example.org", "bob", "$team", "group=x", "1", "-2"])
def test_a_user_that_is_not_here_can_be_given_nothing(two: Sharing, identifier: str) -> None:
    two.ann.no(f"SETACL INBOX {identifier} lr", code="CANNOT")


def test_letter_case_of_an_address_does_not_matter(two: Sharing) -> None:
    two.ann.ok(f"SETACL INBOX {two.guest.upper()} lr")
    assert two.ann.ok("GETACL INBOX").one("ACL")[1][2:] == [two.guest, "lr"]
    two.ann.ok(f"DELETEACL INBOX {two.guest.title()}")
    assert two.ann.ok("GETACL INBOX").one("ACL")[1][2:] == []


def test_anyone_is_everybody(two: Sharing) -> None:
    two.share("lr", who="anyone")
    assert two.rights() == "lr"
    two.share("s")
    assert two.rights() == "lrs"


def test_negative_rights_are_taken_away(two: Sharing) -> None:
    two.share("lrswi")
    two.share("wi", who=f"-{two.guest}")
    assert two.rights() == "lrs"
    two.share("s", who="-anyone")
    assert two.rights() == "lr"
    two.ann.ok(f"DELETEACL INBOX {two.guest}")
    assert f"-{two.guest}" in two.ann.ok("GETACL INBOX").one("ACL")[1]
    two.bob.no(f"MYRIGHTS {two.name()}", code="NONEXISTENT")


def test_deleteacl_of_what_is_not_there_is_quiet(two: Sharing) -> None:
    two.ann.ok(f"DELETEACL INBOX {two.guest}")


def test_listrights_ties_nothing_together(two: Sharing) -> None:
    name, [identifier, required, *optional] = two.ann.ok(f"LISTRIGHTS INBOX {two.guest}").one("LISTRIGHTS")
    assert (name, identifier, required) == ("INBOX", two.guest, "")
    assert sorted(optional) == sorted(ALL)
    assert two.ann.ok(f"LISTRIGHTS INBOX {two.owner}").one("LISTRIGHTS")[1] == [two.owner, ALL]


def test_listrights_repeats_the_identifier_as_it_came(two: Sharing) -> None:
    spelling = two.guest.upper()
    assert two.ann.ok(f"LISTRIGHTS INBOX {spelling}").one("LISTRIGHTS")[1][0] == spelling


def test_who_may_administer_may_change_the_list(two: Sharing) -> None:
    two.share("lra")
    two.bob.ok(f"SETACL {two.name()} anyone lr")
    assert two.bob.ok(f"GETACL {two.name()}").one("ACL")[1] == [two.owner, ALL, two.guest, "lra", "anyone", "lr"]
    two.bob.ok(f"LISTRIGHTS {two.name()} anyone")
    two.bob.no(f"SETACL {two.name()} {two.owner} lr", code="CANNOT")
    two.bob.ok(f"DELETEACL {two.name()} anyone")


def test_others_may_not_even_read_the_list(two: Sharing) -> None:
    two.share("lrswipkxte")
    for command in (f"SETACL {two.name()} anyone lr", f"DELETEACL {two.name()} anyone", f"GETACL {two.name()}"):
        two.bob.no(command, code="NOPERM")
    two.bob.no(f"LISTRIGHTS {two.name()} anyone", code="NOPERM")


@pytest.mark.parametrize("right", list("lrikxa"))
def test_one_right_of_some_is_enough_for_myrights(two: Sharing, right: str) -> None:
    two.share(right)
    assert two.rights() == right


def test_setacl_and_myrights_may_be_pipelined(two: Sharing) -> None:
    setacl = two.ann.start(f"SETACL INBOX {two.guest} lr")
    getacl = two.ann.start("GETACL INBOX")
    assert two.ann.finish(setacl).kind == "OK"
    assert two.ann.finish(getacl).one("ACL")[1][2:] == [two.guest, "lr"]


# --- what may not be seen looks like what is not there

BY_NAME = (
    "SELECT {}",
    "EXAMINE {}",
    "STATUS {} (MESSAGES UIDNEXT)",
    "DELETE {}",
    "RENAME {} elsewhere",
    "GETACL {}",
    "SETACL {} anyone lr",
    "DELETEACL {} anyone",
    "LISTRIGHTS {} anyone",
    "MYRIGHTS {}",
    "GETQUOTAROOT {}",
    "RESETKEY {}",
    "ESEARCH IN (mailboxes {}) ALL",
    "ESEARCH IN (subtree {}) ALL",
    "NOTIFY SET STATUS (mailboxes {} (MessageNew MessageExpunge MailboxName))",
    'XLIST "" {}',
    'LIST (RECURSIVEMATCH SUBSCRIBED) "" {} RETURN (STATUS (MESSAGES) MYRIGHTS METADATA (/shared/comment))',
    "GETMETADATA {} /shared/comment",
    "SETMETADATA {} (/shared/comment NIL)",
    "COPY 1 {}",
    "UID COPY 1 {}",
    "MOVE 1 {}",
    "CREATE {}",
    'LIST "" {}',
    'LSUB "" {}',
    'LIST (SUBSCRIBED) "" {}',
)


@pytest.mark.parametrize("command", BY_NAME)
@pytest.mark.parametrize("rights", ["", "wp"], ids=["no rights", "rights that do not show it"])
def test_without_rights_a_mailbox_looks_like_none(two: Sharing, command: str, rights: str) -> None:
    two.share(rights, "Sent")
    two.bob.append("INBOX", simple_message(1))
    answers = []
    for name in (two.name("Sent"), two.name("Nowhere"), '"Other Users/nobody@example.org/Sent"'):
        two.bob.ok("SELECT INBOX")
        reply = two.bob.command(command.format(name))
        untagged = [r.raw.replace(name.encode(), b"") for r in reply.untagged if r.kind != "FLAGS"]
        answers.append((reply.kind, reply.code, reply.text, untagged))
    assert answers[0] == answers[1] == answers[2]


def test_append_to_what_may_not_be_seen_says_trycreate(two: Sharing) -> None:
    for name in (two.name("Sent"), two.name("Nowhere"), '"Other Users/nobody@example.org/Sent"'):
        two.bob.no(f"APPEND {name}", Literal(simple_message(1), plus=True), code="TRYCREATE")


def test_replace_into_what_may_not_be_seen_says_trycreate(two: Sharing) -> None:
    two.bob.append("INBOX", simple_message(1))
    two.bob.ok("SELECT INBOX")
    for name in (two.name("Sent"), two.name("Nowhere")):
        two.bob.no(f"REPLACE 1 {name}", Literal(simple_message(1), plus=True), code="TRYCREATE")


def test_a_url_leads_to_nothing_that_may_not_be_read(two: Sharing) -> None:
    uid = two.ann.append("Sent", simple_message(1))
    for mailbox in ("Sent", "Nowhere"):
        path = f"Other%20Users/{two.owner}/{mailbox}"
        reply = two.bob.no(f'APPEND INBOX CATENATE (URL "/{path}/;UID={uid}")')
        assert reply.code
        assert reply.code.name == "BADURL"


def test_names_of_one_s_own_in_the_tree_of_others_are_none(two: Sharing) -> None:
    two.share("lr", who="anyone")
    two.ann.no(f"SELECT {two.name()}", code="NONEXISTENT")
    assert two.ann.ok('LIST "" "Other Users/*"').listed() == {}


@pytest.mark.parametrize("name", ['"Other Users"', "Shared", '"Shared/x"', '"Other Users/x/y"'])
def test_nothing_can_be_made_in_the_trees_of_others(client: ImapClient, name: str) -> None:
    client.no(f"CREATE {name}", code="NOPERM")
    client.no(f"RENAME Archive {name}", code="CANNOT")
    client.no(f"SELECT {name}", code="NONEXISTENT")


# --- listing


def test_list_shows_what_one_may_look_up(two: Sharing) -> None:
    two.share("lr", "Sent")
    two.share("r", "Trash")
    listed = two.bob.ok('LIST "" "*"').listed()
    assert [name for name in listed if "/" in name] == [f"Other Users/{two.owner}/Sent"]
    assert "\\Sent" not in listed[f"Other Users/{two.owner}/Sent"].flags, "a client would take it for its own"
    assert two.bob.ok(f'LIST "" {two.name("*")}').listed().keys() == {f"Other Users/{two.owner}/Sent"}
    two.bob.ok(f"SELECT {two.name('Trash')}")


def test_levels_above_are_shown_to_who_goes_step_by_step(two: Sharing) -> None:
    two.ann.ok("CREATE a/b")
    two.share("lr", "a/b")
    above = [f"Other Users/{two.owner}"[: len("Other Users")], f"Other Users/{two.owner}", f"Other Users/{two.owner}/a"]
    for pattern, name in zip(["%", "Other Users/%", f"Other Users/{two.owner}/%"], above, strict=True):
        row = two.bob.ok(f'LIST "" "{pattern}"').listed()[name]
        assert {"\\Noselect", "\\HasChildren"} <= set(map(str, row.flags))
    listed = two.bob.ok('LIST "" "*"').listed()
    assert above[2] not in listed, "RFC 4314 §4: as if it did not exist"
    assert "\\HasNoChildren" in listed[f"Other Users/{two.owner}/a/b"].flags


def test_children_that_may_not_be_seen_are_not_betrayed(two: Sharing) -> None:
    two.ann.ok("CREATE a/b")
    two.ann.ok(f"DELETEACL a/b {two.guest}")
    two.share("lr", "a")
    row = two.bob.ok(f'LIST "" {two.name("a")} RETURN (CHILDREN)').listed()[f"Other Users/{two.owner}/a"]
    assert "\\HasNoChildren" in row.flags


def test_who_shares_nothing_is_not_listed(two: Sharing) -> None:
    two.share("lr")
    two.ann.ok(f"DELETEACL INBOX {two.guest}")
    assert two.bob.ok('LIST "" "Other Users/%"').listed() == {}


@pytest.mark.rfc("8440", "3")
def test_list_returns_rights(two: Sharing) -> None:
    two.share("lrs", "Sent")
    reply = two.bob.ok('LIST "" ("INBOX" "Other Users/*" "Other Users/%") RETURN (MYRIGHTS)')
    assert [row.data for row in reply.all("MYRIGHTS")] == [
        ("INBOX", [ALL]),
        (f"Other Users/{two.owner}/Sent", ["lrs"]),
    ]
    kinds = [row.kind for row in reply.untagged]
    assert kinds.index("MYRIGHTS") > kinds.index("LIST")


@pytest.mark.rfc("8440", "4")
def test_rights_are_returned_of_what_is_selected_itself(two: Sharing) -> None:
    two.ann.ok("CREATE foo/baz")
    two.ann.ok("UNSUBSCRIBE foo")
    reply = two.ann.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" ("INBOX" "foo") RETURN (MYRIGHTS)')
    assert [row.data[0] for row in reply.all("MYRIGHTS")] == ["INBOX"]
    assert "foo" in reply.listed()


def test_status_of_a_list_is_told_where_it_may_be_read(two: Sharing) -> None:
    two.share("l", "Sent")
    two.share("lr", "Trash")
    reply = two.bob.ok('LIST "" "Other Users/*" RETURN (STATUS (MESSAGES))')
    assert [row.data[0] for row in reply.all("STATUS")] == [f"Other Users/{two.owner}/Trash"]


def test_subscriptions_name_mailboxes_of_others(two: Sharing) -> None:
    two.share("lr", "Sent")
    two.bob.ok(f"SUBSCRIBE {two.name('Sent')}")
    assert f"Other Users/{two.owner}/Sent" in two.bob.ok('LSUB "" "*"').listed("LSUB")
    assert f"Other Users/{two.owner}/Sent" in two.bob.ok('LIST (SUBSCRIBED) "" "*"').listed()
    two.ann.ok(f"DELETEACL Sent {two.guest}")
    row = two.bob.ok('LIST (SUBSCRIBED) "" "Other Users/*"').listed()[f"Other Users/{two.owner}/Sent"]
    assert "\\NonExistent" in row.flags
    two.bob.ok(f"UNSUBSCRIBE {two.name('Sent')}")


# --- opening


@pytest.mark.rfc("4314", "5.2")
@pytest.mark.parametrize(
    ("rights", "code"),
    [("lr", "READ-ONLY"), ("lrpkxa", "READ-ONLY"), ("ri", "READ-WRITE"), ("lre", "READ-WRITE"), ("lrs", "READ-WRITE")],
)
def test_select_tells_whether_anything_may_be_changed(two: Sharing, rights: str, code: str) -> None:
    two.share(rights)
    reply = two.bob.ok(f"SELECT {two.name()}")
    assert reply.code
    assert reply.code.name == code


@pytest.mark.rfc("4314", "5.1.1")
@pytest.mark.parametrize(
    ("rights", "flags"),
    [
        ("lr", set()),
        ("lrs", {"\\Seen"}),
        ("lrt", {"\\Deleted"}),
        ("lrw", {"\\Answered", "\\Flagged", "\\Draft", KEYWORD, "\\*"}),
        ("lrswt", {"\\Seen", "\\Deleted", "\\Answered", "\\Flagged", "\\Draft", KEYWORD, "\\*"}),
    ],
)
def test_permanentflags_are_those_that_may_be_changed(filled: Sharing, rights: str, flags: set[str]) -> None:
    filled.share(rights)
    told = filled.bob.ok(f"SELECT {filled.name()}").codes()["PERMANENTFLAGS"]
    # keywords that other tests have left in the mailbox come and go with $Work
    known = {"\\Seen", "\\Deleted", "\\Answered", "\\Flagged", "\\Draft", KEYWORD, "\\*"}
    assert {str(flag) for flag in told} & known == flags


def test_select_needs_r_and_visible_mailboxes_say_so(two: Sharing) -> None:
    two.share("lswite")
    two.bob.no(f"SELECT {two.name()}", code="NOPERM")
    two.bob.no(f"STATUS {two.name()} (MESSAGES)", code="NOPERM")


def test_the_names_of_keywords_are_the_owner_s(filled: Sharing) -> None:
    filled.open("lr")
    assert KEYWORD in filled.bob.ok("FETCH 1 FLAGS").fetched[1]["FLAGS"]
    assert filled.bob.ok(f"SEARCH KEYWORD {KEYWORD}").found == [1]


def test_a_guest_takes_nothing_that_is_recent(filled: Sharing) -> None:
    filled.open("lrswipkxte")
    assert filled.ann.ok("SELECT INBOX").one("RECENT") == 2


# --- flags


@pytest.mark.parametrize("rights", ["lr", "lrw"])
def test_reading_sets_seen_only_with_the_right(filled: Sharing, rights: str) -> None:
    filled.open(rights)
    filled.bob.ok("FETCH 2 BODY[]")
    assert "\\Seen" not in filled.bob.ok("FETCH 2 FLAGS").fetched[2]["FLAGS"]
    filled.share("+s")
    filled.bob.ok("FETCH 2 BODY[]")
    assert "\\Seen" in filled.bob.ok("FETCH 2 FLAGS").fetched[2]["FLAGS"]


STORE = [
    ("lrs", "+FLAGS (\\Seen \\Deleted \\Flagged $B)", {"\\Seen"}),
    ("lrt", "+FLAGS (\\Seen \\Deleted \\Flagged $B)", {"\\Deleted"}),
    ("lrw", "+FLAGS (\\Seen \\Deleted \\Flagged $B)", {"\\Flagged", "$B"}),
    ("lrsw", "FLAGS (\\Seen \\Deleted $B)", {"\\Seen", "$B"}),
]


@pytest.mark.parametrize(("rights", "change", "after"), STORE)
def test_store_changes_what_it_may(filled: Sharing, rights: str, change: str, after: set[str]) -> None:
    filled.open(rights)
    filled.bob.ok(f"STORE 2 {change}")
    told = {str(flag) for flag in filled.bob.ok("FETCH 2 FLAGS").fetched[2]["FLAGS"]}
    assert told - {"\\Recent"} == after


@pytest.mark.parametrize(
    ("rights", "after"),
    [
        ("lrs", {"\\Flagged", "\\Deleted", KEYWORD}),
        ("lrt", {"\\Seen", "\\Flagged", KEYWORD}),
        ("lrw", {"\\Seen", "\\Deleted", "\\Answered", "$B"}),
        ("lrswt", {"\\Answered", "$B"}),
    ],
)
def test_store_replaces_only_what_it_may(filled: Sharing, rights: str, after: set[str]) -> None:
    filled.open(rights)
    filled.bob.ok("STORE 1 FLAGS (\\Answered $B)")
    assert {str(flag) for flag in filled.bob.ok("FETCH 1 FLAGS").fetched[1]["FLAGS"]} - {"\\Recent"} == after


@pytest.mark.parametrize("change", ["+FLAGS (\\Flagged)", "-FLAGS (\\Deleted $B)"])
def test_store_that_may_change_nothing_is_refused(filled: Sharing, change: str) -> None:
    filled.open("lrs")
    filled.bob.no(f"STORE 1 {change}", code="NOPERM")


def test_a_limited_replacement_heeds_unchangedsince(filled: Sharing) -> None:
    filled.open("lrs")
    old = filled.bob.ok("FETCH 1 MODSEQ").fetched[1]["MODSEQ"]
    filled.ann.ok("SELECT INBOX")
    filled.ann.ok("STORE 1 +FLAGS (\\Answered)")
    reply = filled.bob.ok(f"STORE 1 (UNCHANGEDSINCE {old}) FLAGS ()")
    assert reply.code
    assert reply.code.name == "MODIFIED"
    assert "\\Seen" in filled.ann.ok("FETCH 1 FLAGS").fetched[1]["FLAGS"]


# --- putting in


def test_append_needs_i_and_stores_the_flags_that_may_be_changed(two: Sharing) -> None:
    two.share("lr")
    two.bob.no(f"APPEND {two.name()}", Literal(simple_message(1), plus=True), code="NOPERM")
    two.share("lrisw")
    flags = "(\\Seen \\Deleted \\Flagged $B)"
    two.bob.ok(f"APPEND {two.name()}", flags, Literal(simple_message(1), plus=True))
    two.ann.ok("SELECT INBOX")
    told = {str(flag) for flag in two.ann.ok("FETCH 1 FLAGS").fetched[1]["FLAGS"]}
    assert told - {"\\Recent"} == {"\\Seen", "\\Flagged", "$B"}


@pytest.mark.parametrize(("rights", "after"), [("i", set()), ("it", {"\\Deleted"}), ("iw", {"\\Flagged", KEYWORD})])
@pytest.mark.parametrize("where", ["INBOX", "own"])
def test_copies_have_the_flags_that_may_be_changed(filled: Sharing, rights: str, after: set[str], where: str) -> None:
    """RFC 4314 §4, Copying: from one's own mailbox, and from another of the same owner."""
    filled.share("lr" + rights, "Archive")
    filled.open("lr")
    if where == "own":
        filled.bob.ok("COPY 1 Archive")
        filled.bob.ok("SELECT Archive")
    filled.bob.ok(f"COPY 1 {filled.name('Archive')}")
    filled.ann.ok("SELECT Archive")
    told = {str(flag) for flag in filled.ann.ok("FETCH 1 FLAGS").fetched[1]["FLAGS"]}
    assert told - {"\\Recent"} == after


@pytest.mark.rfc("8474", "5.1")
def test_a_copy_into_another_account_is_the_same_message(filled: Sharing) -> None:
    big = b"Subject: big\r\n\r\n" + b"x" * 70_000
    filled.ann.append("INBOX", big, '" 5-Jan-2024 10:00:00 +0000"')
    filled.open("lr")
    reply = filled.bob.ok("COPY 1,3 Archive")
    assert reply.code
    assert reply.code.name == "COPYUID"
    asked = "(EMAILID THREADID INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY.PEEK[])"
    before = filled.bob.ok(f"FETCH 1,3 {asked}").fetched
    filled.bob.ok("SELECT Archive")
    assert list(filled.bob.ok(f"FETCH 1:2 {asked}").fetched.values()) == [before[1], before[3]]
    assert filled.bob.ok("SEARCH SUBJECT big").found == [2]


def test_copies_count_against_the_quota_of_who_holds_them(two: Sharing) -> None:
    two.bob.append("INBOX", simple_message(1))
    two.share("lri", "Archive")
    two.bob.ok("SELECT INBOX")
    two.bob.ok(f"COPY 1 {two.name('Archive')}")
    assert two.ann.ok("STATUS Archive (MESSAGES)").one("STATUS")[1]["MESSAGES"] == 1


COPIED = [  # RFC 4314 §4: the rights on the target, and the flags of its three examples afterwards
    ("rwis", [{"\\Draft"}, {"\\Answered"}, {"$Forwarded", "\\Seen"}]),
    ("rsti", [{"\\Deleted"}, set(), {"\\Seen"}]),
]


@pytest.mark.parametrize(("rights", "after"), COPIED, ids=["rwis", "rsti"])
def test_the_example_of_copying_flags(two: Sharing, rights: str, after: list[set[str]]) -> None:
    for flags in ("(\\Draft \\Deleted)", "(\\Answered)", "($Forwarded \\Seen)"):
        two.bob.append("INBOX", simple_message(1), flags)
    two.share(rights, "Archive")
    two.bob.ok("SELECT INBOX")
    two.bob.ok(f"COPY 1:3 {two.name('Archive')}")
    two.bob.ok(f"SELECT {two.name('Archive')}")
    rows = two.bob.ok("FETCH 1:3 FLAGS").fetched
    assert [{str(flag) for flag in rows[n]["FLAGS"]} - {"\\Recent"} for n in (1, 2, 3)] == after


# --- taking out


def test_expunge_needs_e(filled: Sharing) -> None:
    filled.open("lrst")
    filled.bob.no("EXPUNGE", code="NOPERM")
    filled.bob.no("UID EXPUNGE 1:*", code="NOPERM")
    filled.bob.ok("CLOSE")
    assert filled.ann.ok("STATUS INBOX (MESSAGES)").one("STATUS")[1]["MESSAGES"] == 2
    filled.open("lre")
    assert filled.bob.ok("EXPUNGE").expunged == [1]


def test_close_expunges_with_the_right(filled: Sharing) -> None:
    filled.open("lre")
    filled.bob.ok("CLOSE")
    assert filled.ann.ok("STATUS INBOX (MESSAGES)").one("STATUS")[1]["MESSAGES"] == 1


@pytest.mark.rfc("6851", "4.2")
@pytest.mark.parametrize("rights", ["lre", "lrt", "lri"])
def test_move_needs_t_and_e_here(filled: Sharing, rights: str) -> None:
    filled.open(rights)
    filled.bob.no("MOVE 2 Archive", code="NOPERM")
    assert filled.bob.ok("STATUS Archive (MESSAGES)").one("STATUS")[1]["MESSAGES"] == 0


def test_move_into_another_account_and_back(filled: Sharing) -> None:
    filled.share("lrite", "Archive")
    filled.open("lrite")
    emailid = filled.bob.ok("FETCH 2 EMAILID").fetched[2]["EMAILID"]
    reply = filled.bob.ok("MOVE 2 Archive")
    assert reply.expunged == [2]
    assert "COPYUID" in reply.codes()
    filled.bob.ok("SELECT Archive")
    assert filled.bob.ok("FETCH 1 EMAILID").fetched[1]["EMAILID"] == emailid
    filled.bob.ok(f"MOVE 1 {filled.name('Archive')}")
    filled.ann.ok("SELECT Archive")
    assert filled.ann.ok("FETCH 1 EMAILID").fetched[1]["EMAILID"] == emailid


def test_move_within_the_account_of_another(filled: Sharing) -> None:
    filled.share("lri", "Archive")
    filled.open("lrte")
    reply = filled.bob.ok(f"MOVE 1 {filled.name('Archive')}")
    assert reply.expunged == [1]
    filled.ann.ok("SELECT Archive")
    assert {str(flag) for flag in filled.ann.ok("FETCH 1 FLAGS").fetched[1]["FLAGS"]} <= {"\\Recent"}


def test_replace_by_a_guest(filled: Sharing) -> None:
    filled.open("lri")
    filled.bob.no(f"REPLACE 2 {filled.name()}", Literal(simple_message(3), plus=True), code="NOPERM")
    filled.share("lrite")
    reply = filled.bob.ok(f"REPLACE 2 {filled.name()} (\\Flagged)", Literal(simple_message(3), plus=True))
    assert reply.expunged == [2]
    row = filled.bob.ok("FETCH 2 (FLAGS BODY.PEEK[])").fetched[2]
    assert row["BODY[]"] == simple_message(3)
    assert "\\Flagged" not in row["FLAGS"]


# --- the tree


def test_create_needs_k_above_and_inherits_the_list(two: Sharing) -> None:
    two.ann.ok("CREATE a")
    two.share("lrx", "a")
    two.bob.no(f"CREATE {two.name('a/b')}", code="NOPERM")
    two.bob.no(f"CREATE {two.name('c')}", code="NOPERM")
    two.share("+k", "a")
    two.bob.ok(f"CREATE {two.name('a/b/c')}")
    assert two.ann.ok("GETACL a/b/c").one("ACL")[1][2:] == [two.guest, "lrkxc"]
    assert f"Other Users/{two.owner}/a/b/c" in two.bob.ok('LSUB "" "*"').listed("LSUB")
    assert "a/b/c" in two.ann.ok('LSUB "" "*"').listed("LSUB")
    two.bob.no(f"CREATE {two.name('a/b/c')}", code="ALREADYEXISTS")
    two.bob.ok(f"UNSUBSCRIBE {two.name('a/b/c')}")


def test_the_owner_s_new_mailboxes_inherit_too(two: Sharing) -> None:
    two.ann.ok("CREATE a")
    two.share("lr", "a")
    two.ann.ok("CREATE a/b")
    assert two.rights("a/b") == "lr"


def test_delete_needs_x_and_forgets_the_list(two: Sharing) -> None:
    two.ann.ok("CREATE a")
    two.share("lrswipktea", "a")
    two.bob.no(f"DELETE {two.name('a')}", code="NOPERM")
    two.share("+x", "a")
    two.bob.ok(f"DELETE {two.name('a')}")
    two.ann.ok("CREATE a")
    assert two.ann.ok("GETACL a").one("ACL")[1] == [two.owner, ALL]


def test_rename_needs_x_here_and_k_there_and_keeps_the_list(two: Sharing) -> None:
    two.ann.ok("CREATE a/b")
    two.ann.ok("CREATE d")
    two.share("lrx", "a/b")
    two.share("lr", "d")
    two.bob.no(f"RENAME {two.name('a/b')} {two.name('d/e')}", code="NOPERM")
    two.share("lrk", "d")
    two.bob.ok(f"RENAME {two.name('a/b')} {two.name('d/e')}")
    assert two.rights("d/e") == "lrx"
    two.bob.no(f"RENAME {two.name('d/e')} mine", code="CANNOT")


# --- the table of RFC 4314 §4

NEEDED = [  # what is done with ann's mailbox "box", or in it once it is open, and the rights that it needs
    ("STATUS {box} (MESSAGES)", "lr"),
    ("EXAMINE {box}", "lr"),
    ("COPY 1 {box}", "li"),
    ("MOVE 1 {box}", "li"),
    ("CREATE {below}", "lk"),
    ("DELETE {box}", "lx"),
    ("GETACL {box}", "la"),
    ("SETACL {box} anyone +l", "la"),
    ("DELETEACL {box} anyone", "la"),
    ("LISTRIGHTS {box} anyone", "la"),
    ("STORE 1 +FLAGS (\\Seen)", "lrs"),
    ("STORE 1 -FLAGS (\\Deleted)", "lrt"),
    ("STORE 1 +FLAGS (\\Flagged)", "lrw"),
    ("STORE 1 +FLAGS ($Label)", "lrw"),
    ("EXPUNGE", "lre"),
    ("UID EXPUNGE 1:*", "lre"),
    ("MOVE 1 Archive", "lrte"),
]


def _carry_out(two: Sharing, command: str, rights: str) -> tuple[str, str]:
    """Kind and code of bob's answer when he has just these rights."""
    two.ann.command("DELETE box/below")
    two.ann.command("DELETE box")
    two.ann.ok("CREATE box")
    two.ann.append("box", simple_message(1), "(\\Deleted)")
    two.share(rights, "box")
    selected = "{" not in command
    two.bob.ok(f"SELECT {two.name('box')}" if selected else "SELECT INBOX")
    reply = two.bob.command(command.format(box=two.name("box"), below=two.name("box/below")))
    two.bob.ok("UNSELECT" if selected or not command.startswith("EXAMINE") or reply.kind == "OK" else "NOOP")
    two.bob.ok(f"UNSUBSCRIBE {two.name('box/below')}")
    return reply.kind, reply.code.name if reply.code else ""


@pytest.mark.parametrize(("command", "needed"), NEEDED, ids=[command for command, _ in NEEDED])
def test_each_command_needs_its_rights_and_no_others(two: Sharing, command: str, needed: str) -> None:
    two.bob.append("INBOX", simple_message(1))
    assert _carry_out(two, command, needed)[0] == "OK"
    everything = "lrswipkxtea"
    for right in needed:
        if right != "l" and not (right == "r" and "{" not in command):  # what is open has been read
            assert _carry_out(two, command, everything.replace(right, "")) == ("NO", "NOPERM")


# --- several sessions


def test_what_the_owner_does_is_told_to_a_guest_in_idle_and_the_other_way(filled: Sharing) -> None:
    filled.open("lrswite")
    filled.ann.ok("SELECT INBOX")
    tag = filled.bob.idle()
    filled.ann.append("INBOX", simple_message(3))
    filled.bob.until(lambda response: response.kind == "EXISTS" and response.number == 3)
    filled.ann.ok("STORE 2 +FLAGS (\\Answered)")
    filled.bob.until(lambda response: response.kind == "FETCH" and "\\Answered" in response.data["FLAGS"])
    filled.ann.ok("EXPUNGE")
    filled.bob.until(lambda response: response.kind == "EXPUNGE" and response.number == 1)
    filled.bob.done(tag)
    tag = filled.ann.idle()
    filled.bob.ok(f"APPEND {filled.name()}", Literal(simple_message(4), plus=True))
    filled.ann.until(lambda response: response.kind == "EXISTS")
    filled.bob.ok("STORE 1 +FLAGS (\\Flagged)")
    filled.ann.until(lambda response: response.kind == "FETCH" and "\\Flagged" in response.data["FLAGS"])
    filled.ann.done(tag)


def test_new_rights_count_in_an_open_session(filled: Sharing) -> None:
    filled.open("lr")
    filled.bob.no("STORE 2 +FLAGS (\\Seen)", code="NOPERM")
    filled.share("lrs")
    reply = filled.bob.ok("NOOP")
    assert [str(flag) for flag in reply.codes()["PERMANENTFLAGS"]] == ["\\Seen"]
    filled.bob.ok("STORE 2 +FLAGS (\\Seen)")
    filled.share("lr")
    filled.bob.no("STORE 2 -FLAGS (\\Seen)", code="NOPERM")


@pytest.mark.parametrize("command", ["FETCH 1 BODY.PEEK[]", "SEARCH ALL", "COPY 1 INBOX", "STORE 1 +FLAGS (\\Seen)"])
def test_who_may_no_longer_read_is_sent_away(filled: Sharing, command: str) -> None:
    filled.open("lrs")
    filled.ann.ok(f"DELETEACL INBOX {filled.guest}")
    reply = filled.bob.no(command)
    assert reply.fetched == {}
    assert filled.bob.read().kind == "BYE"


def test_who_may_no_longer_read_is_sent_away_from_idle(filled: Sharing) -> None:
    filled.open("lr")
    filled.bob.idle()
    filled.share("l")
    assert [r.kind for r in filled.bob.until(lambda response: response.kind == "BYE")] == ["BYE"]


def test_a_mailbox_that_is_deleted_is_empty_for_a_guest_too(two: Sharing) -> None:
    two.ann.ok("CREATE a")
    two.ann.append("a", simple_message(1))
    two.open("lr", "a")
    two.ann.ok("DELETE a")
    assert two.bob.ok("NOOP").expunged == [1]


def test_qresync_and_condstore_are_those_of_the_owner_s_mailbox(filled: Sharing) -> None:
    filled.share("lr")
    filled.bob.ok("ENABLE QRESYNC")
    codes = filled.bob.ok(f"SELECT {filled.name()}").codes()
    validity, modseq = codes["UIDVALIDITY"], codes["HIGHESTMODSEQ"]
    filled.bob.ok("UNSELECT")
    filled.ann.ok("SELECT INBOX")
    filled.ann.ok("EXPUNGE")
    filled.ann.ok("STORE 1 +FLAGS (\\Answered)")
    reply = filled.bob.ok(f"SELECT {filled.name()} (QRESYNC ({validity} {modseq}))")
    assert [row.data for row in reply.all("VANISHED")] == [(True, [codes["UIDNEXT"] - 2])]
    assert len(reply.fetched) == 1


def test_a_subscription_is_kept_as_lists_show_the_name(two: Sharing) -> None:
    two.share("lr")
    two.bob.ok(f'SUBSCRIBE "Other Users/{two.owner.upper()}/inbox"')
    assert f"Other Users/{two.owner}/INBOX" in two.bob.ok('LIST (SUBSCRIBED) "" "*"').listed()
    two.bob.ok(f'UNSUBSCRIBE "Other Users/{two.owner.title()}/Inbox"')
    assert f"Other Users/{two.owner}/INBOX" not in two.bob.ok('LSUB "" "*"').listed("LSUB")


def test_many_mailboxes_are_shared(two: Sharing) -> None:
    names = [f"many/{n}" for n in range(12)]
    for name in names:
        two.ann.ok(f"CREATE {name}")
        two.share("lr", name)
    listed = two.bob.ok(f'LIST "" {two.name("*")}').listed()
    assert set(listed) == {f"Other Users/{two.owner}/{name}" for name in names}


def test_names_beyond_ascii(two: Sharing) -> None:
    for client in (two.ann, two.bob):
        client.ok("ENABLE IMAP4rev2")
    name = Literal("Bücher".encode(), plus=True)
    two.ann.ok("CREATE", name)
    two.ann.ok("SETACL", name, two.guest, "lr")
    foreign = f"Other Users/{two.owner}/Bücher"
    assert foreign in two.bob.ok('LIST "" "Other Users/*"').listed()
    assert two.bob.ok("MYRIGHTS", Literal(foreign.encode(), plus=True)).one("MYRIGHTS") == (foreign, ["lr"])
    two.bob.ok("SELECT", Literal(foreign.encode(), plus=True))
