"""STORE and UID STORE (RFC 9051 §6.4.6, RFC 7162 §3.1.3)."""

from __future__ import annotations

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient
from tests.imap_grammar import flags
from tests.live import Account, Service

pytestmark = pytest.mark.rfc("9051", "6.4.6")


@pytest.fixture
def three(inbox: ImapClient) -> ImapClient:
    for number in range(3):
        inbox.append("INBOX", simple_message(number))
    inbox.ok("NOOP")
    inbox.ok("FETCH 1:* UID")
    return inbox


def of(client: ImapClient, number: int) -> set[object]:
    return set(client.ok(f"FETCH {number} FLAGS").fetched[number]["FLAGS"]) - flags("\\Recent")


def test_add_remove_and_replace(three: ImapClient) -> None:
    three.ok("STORE 1 +FLAGS (\\Seen $A)")
    assert of(three, 1) == flags("\\Seen $A")
    three.ok("STORE 1 -FLAGS (\\Seen)")
    assert of(three, 1) == flags("$A")
    three.ok("STORE 1 FLAGS (\\Flagged B)")
    assert of(three, 1) == flags("\\Flagged B")
    three.ok("STORE 1 FLAGS ()")
    assert of(three, 1) == set()


def test_what_is_told_has_all_flags(three: ImapClient) -> None:
    three.ok("STORE 1 +FLAGS ($A \\Seen)")
    assert set(three.ok("STORE 1 -FLAGS (\\Seen)").fetched[1]["FLAGS"]) - flags("\\Recent") == flags("$A")


@pytest.mark.parametrize("form", ["\\Seen", "(\\Seen)", "\\Seen $A"])
def test_parentheses_are_optional(three: ImapClient, form: str) -> None:
    three.ok(f"STORE 1 +FLAGS {form}")
    assert flags("\\Seen") <= of(three, 1)


def test_letter_case_does_not_matter(three: ImapClient) -> None:
    three.ok("STORE 1 +Flags (\\SEEN \\dElEtEd)")
    assert of(three, 1) == flags("\\Seen \\Deleted")


def test_a_flag_already_set_is_answered_all_the_same(three: ImapClient) -> None:
    """trap 24"""
    three.ok("STORE 1 +FLAGS (\\Seen)")
    assert "\\Seen" in three.ok("STORE 1 +FLAGS (\\Seen)").fetched[1]["FLAGS"]


def test_silent_is_silent_for_this_session_only(three: ImapClient, second: ImapClient) -> None:
    """trap 24"""
    second.ok("SELECT INBOX")
    assert three.ok("STORE 1 +FLAGS.SILENT (\\Seen)").fetched == {}
    assert three.ok("NOOP").fetched == {}
    assert "\\Seen" in second.ok("NOOP").fetched[1]["FLAGS"]


def test_silent_removal_is_silent_with_keywords_about(three: ImapClient) -> None:
    """trap 24"""
    three.ok("STORE 1 +FLAGS.SILENT (\\Seen $A)")
    assert three.ok("STORE 1 -FLAGS.SILENT (\\Seen)").fetched == {}


def test_silent_still_tells_what_others_did(three: ImapClient, second: ImapClient) -> None:
    second.ok("SELECT INBOX")
    second.ok("STORE 2 +FLAGS (\\Flagged)")
    told = three.ok("STORE 1 +FLAGS.SILENT (\\Seen)").fetched or three.ok("NOOP").fetched
    assert "\\Flagged" in told[2]["FLAGS"]


@pytest.mark.parametrize("same", [True, False], ids=["a flag that is set already", "another flag"])
def test_silence_hides_no_change_of_the_same_message_by_others(
    three: ImapClient, second: ImapClient, *, same: bool
) -> None:
    """A client that obeys itself believes its own flags; what another set before, untold, must be told."""
    second.ok("SELECT INBOX")
    second.ok("STORE 1 +FLAGS.SILENT (\\Flagged)")
    flag = "\\Flagged" if same else "\\Seen"
    told = three.ok(f"STORE 1 +FLAGS.SILENT ({flag})").fetched
    assert "\\Flagged" in told[1]["FLAGS"]
    assert three.ok("NOOP").fetched == {}


def test_uid_store_tells_uids(three: ImapClient) -> None:
    reply = three.ok(f"UID STORE {three.uids[1]} +FLAGS (\\Seen)")
    assert reply.fetched[2]["UID"] == three.uids[1]


def test_uids_that_do_not_exist_are_passed_over(three: ImapClient) -> None:
    """trap 27"""
    assert three.ok("UID STORE 4000000000 +FLAGS (\\Seen)").fetched == {}


class TestKeywords:
    """trap 23"""

    @pytest.mark.parametrize(
        "word",
        [
            "$Junk",
            "Junk",
            "$NotJunk",
            "NonJunk",
            "$Forwarded",
            "Forwarded",
            "$MDNSent",
            "$label1",
            "a-b_c.d",
            "x" * 255,
            "+1",
            "a/b",
            "a'b",
        ],
    )
    def test_the_clients_words_are_kept_as_spelled(self, three: ImapClient, word: str) -> None:
        three.ok(f"STORE 1 +FLAGS ({word})")
        kept = list(of(three, 1))
        assert len(kept) == 1
        assert str(kept[0]).casefold() == word.casefold()

    def test_the_first_spelling_is_kept(self, three: ImapClient, ours: None) -> None:
        three.ok("STORE 1 +FLAGS (MixedCase)")
        three.ok("STORE 2 +FLAGS (mixedcase)")
        assert b"MixedCase" in three.ok("FETCH 2 FLAGS").raw
        three.ok("STORE 2 -FLAGS (MIXEDCASE)")
        assert of(three, 2) == set()

    @pytest.mark.parametrize("word", ["a(b", "a%b", "a*b", 'a"b', "a]b", "caf\xe9", "a{b", "", "\\", "a\\b"])
    def test_impossible_words_are_refused(self, three: ImapClient, word: str) -> None:
        assert three.command(b"STORE 1 +FLAGS (" + word.encode("latin-1") + b")").kind in ("BAD", "NO") or not word
        three.ok("NOOP")

    def test_two_hundred_in_a_mailbox(
        self, three: ImapClient, fresh_account: Account, server: Service, ours: None
    ) -> None:
        client = server.connect(fresh_account)
        client.append("INBOX", simple_message(1))
        client.ok("SELECT INBOX")
        words = [f"key{n}" for n in range(200)]
        for at in range(0, 200, 20):
            client.ok(f"STORE 1 +FLAGS ({' '.join(words[at : at + 20])})")
        assert of(client, 1) == flags(" ".join(words))
        client.ok("STORE 1 -FLAGS (key199 key3)")
        assert of(client, 1) == flags(" ".join(words)) - flags("key199 key3")
        assert client.ok("SEARCH KEYWORD key198").found == [1]
        assert client.ok("SEARCH KEYWORD key199").found == []

    def test_beyond_a_thousand_of_an_account_is_limit(
        self, fresh_account: Account, server: Service, ours: None
    ) -> None:
        client = server.connect(fresh_account)
        client.append("INBOX", simple_message(1))
        client.ok("SELECT INBOX")
        for at in range(0, 1000, 100):
            client.ok(f"STORE 1 +FLAGS.SILENT ({' '.join(f'k{n}' for n in range(at, at + 100))})")
        client.no("STORE 1 +FLAGS (one-more)", code="LIMIT")
        client.ok("STORE 1 +FLAGS (k5)")

    def test_they_are_kept_through_copy_and_move(self, three: ImapClient) -> None:
        three.ok("CREATE box")
        three.ok("STORE 1:2 +FLAGS (\\Flagged $Forwarded Custom)")
        three.ok("COPY 1 box")
        three.ok("MOVE 2 box")
        three.ok("SELECT box")
        assert of(three, 1) == of(three, 2) == flags("\\Flagged $Forwarded Custom")

    def test_a_new_one_is_told_in_flags_before_it_is_used(
        self, three: ImapClient, second: ImapClient, ours: None
    ) -> None:
        """RFC 9051 §7.3.5"""
        second.ok("SELECT INBOX")
        three.ok("STORE 1 +FLAGS ($BrandNew)")
        reply = second.ok("NOOP")
        kinds = [r.kind for r in reply.untagged]
        assert kinds.index("FLAGS") < kinds.index("FETCH")
        assert "$BrandNew" in reply.one("FLAGS")

    def test_another_account_does_not_see_them(
        self, three: ImapClient, server: Service, other_account: Account, ours: None
    ) -> None:
        three.ok("STORE 1 +FLAGS ($MineAlone)")
        assert "$MineAlone" not in server.connect(other_account).ok("SELECT INBOX").one("FLAGS")


class TestConditional:
    """RFC 7162 §3.1.3; trap 24"""

    pytestmark = pytest.mark.rfc("7162", "3.1.3")

    def test_what_changed_since_is_modified_and_left_alone(self, three: ImapClient, second: ImapClient) -> None:
        since = max(row["MODSEQ"] for row in three.ok("FETCH 1:* (MODSEQ)").fetched.values())
        second.ok("SELECT INBOX")
        second.ok("STORE 2 +FLAGS (\\Flagged)")
        reply = three.ok(f"STORE 1:3 (UNCHANGEDSINCE {since}) +FLAGS (\\Seen)")
        assert reply.code
        assert (reply.code.name, reply.code.args) == ("MODIFIED", [2])
        assert not flags("\\Seen") & of(three, 2)
        assert flags("\\Seen") <= of(three, 3)

    def test_uid_store_names_uids(self, three: ImapClient) -> None:
        reply = three.ok(f"UID STORE {three.uids[2]} (UNCHANGEDSINCE 0) +FLAGS (\\Seen)")
        assert reply.code
        assert (reply.code.name, reply.code.args) == ("MODIFIED", [three.uids[2]])

    def test_silent_still_tells_modseq(self, three: ImapClient) -> None:
        since = max(row["MODSEQ"] for row in three.ok("FETCH 1:* (MODSEQ)").fetched.values())
        row = three.ok(f"STORE 1 (UNCHANGEDSINCE {since}) +FLAGS.SILENT (\\Seen)").fetched[1]
        assert row["MODSEQ"] > since
        assert "FLAGS" not in row

    def test_a_message_named_twice_is_changed_once(self, three: ImapClient) -> None:
        since = max(row["MODSEQ"] for row in three.ok("FETCH 1:* (MODSEQ)").fetched.values())
        reply = three.ok(f"STORE 2,1:3 (UNCHANGEDSINCE {since}) +FLAGS.SILENT (\\Deleted)")
        assert reply.code is None
        assert set(reply.fetched) == {1, 2, 3}

    def test_modified_may_come_with_expunged_messages(self, three: ImapClient, second: ImapClient, ours: None) -> None:
        """Example 11"""
        since = max(row["MODSEQ"] for row in three.ok("FETCH 1:* (MODSEQ)").fetched.values())
        second.ok("SELECT INBOX")
        second.ok("STORE 2 +FLAGS (\\Answered)")
        second.ok("STORE 3 +FLAGS (\\Deleted)")
        second.ok("EXPUNGE")
        reply = three.no(f"STORE 1:3 (UNCHANGEDSINCE {since}) +FLAGS (\\Seen)")
        assert 1 in reply.fetched
        assert reply.code is None or reply.code.name in ("MODIFIED", "EXPUNGEISSUED")

    @pytest.mark.parametrize(
        "line",
        [
            "STORE 1 (UNCHANGEDSINCE) +FLAGS (\\Seen)",
            "STORE 1 (UNCHANGEDSINCE x) +FLAGS (\\Seen)",
            "STORE 1 (BOGUS 1) +FLAGS (\\Seen)",
            "STORE 1 () +FLAGS (\\Seen)",
        ],
    )
    def test_malformed_modifiers_are_refused(self, three: ImapClient, line: str) -> None:
        three.bad(line)


@pytest.mark.parametrize(
    "line",
    [
        "STORE",
        "STORE 1",
        "STORE 1 +FLAGS",
        "STORE 1 BOGUS (\\Seen)",
        "STORE 0 +FLAGS (\\Seen)",
        "STORE 1 +FLAGS (\\Seen",
        "STORE 1 +FLAGS (\\*)",
        "STORE 1 FLAGS.LOUD (\\Seen)",
    ],
)
def test_malformed_commands_are_refused(three: ImapClient, line: str) -> None:
    assert three.command(line).kind in ("BAD", "NO")
    three.ok("NOOP")
