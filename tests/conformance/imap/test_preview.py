"""PREVIEW (RFC 8970)."""

from __future__ import annotations

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient

pytestmark = pytest.mark.rfc("8970", "3")

ENCRYPTED = b"Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\n\r\nVersion: 1\r\n--b--\r\n"


@pytest.fixture
def four(inbox: ImapClient, ours: None) -> ImapClient:
    inbox.append("INBOX", simple_message(1, text="Preview text!"))
    inbox.append("INBOX", ENCRYPTED)
    inbox.append("INBOX", simple_message(3, text="Zażółć gęślą jaźń"))
    inbox.append("INBOX", simple_message(4, text="Words " * 60_000))
    inbox.ok("NOOP")
    return inbox


def previews(client: ImapClient, numbers: str, modifier: str = "") -> dict[int, bytes | None]:
    fetched = client.ok(f"FETCH {numbers} (PREVIEW{modifier})").fetched
    return {number: row["PREVIEW"] for number, row in fetched.items()}


def test_it_is_offered(client: ImapClient, ours: None) -> None:
    assert "PREVIEW" in client.ok("CAPABILITY").one("CAPABILITY")


def test_the_text_of_each_message_in_utf8(four: ImapClient) -> None:
    """Example 1 of RFC 8970 §5"""
    words = previews(four, "1:4")
    assert words[1] == b"Preview text!"
    assert words[2] == b""
    assert words[3] == "Zażółć gęślą jaźń".encode()
    assert words[4] == (b"Words " * 40)[:200]


def test_it_goes_with_other_items(four: ImapClient) -> None:
    row = four.ok("FETCH 1 (RFC822.SIZE PREVIEW FLAGS BODY.PEEK[TEXT])").fetched[1]
    assert row["PREVIEW"] == b"Preview text!"
    assert row["RFC822.SIZE"]


def test_lazy_tells_what_is_there_and_nil_for_the_rest(four: ImapClient) -> None:
    """Example 2 of RFC 8970 §5"""
    previews(four, "1:2")
    four.ok("STORE 4 +FLAGS (\\Flagged)")  # what has been made is kept with the next write
    lazy = four.ok("FETCH 1:4 (ENVELOPE PREVIEW (LAZY))").fetched
    assert [lazy[number]["PREVIEW"] for number in (1, 2)] == [b"Preview text!", b""]
    assert all(lazy[number]["PREVIEW"] in (None, previews(four, str(number))[number]) for number in (3, 4))
    assert None not in previews(four, "3:4").values()


def test_lazy_and_not_lazy_may_be_asked_for_together(four: ImapClient) -> None:
    assert four.ok("FETCH 1 (PREVIEW (LAZY) PREVIEW)").fetched[1]["PREVIEW"] == b"Preview text!"
    assert four.ok("FETCH 1 (UID PREVIEW (LAZY) BODY.PEEK[HEADER.FIELDS (X-None)])").fetched[1]


def test_of_found_messages(four: ImapClient) -> None:
    """Example 3 of RFC 8970 §5"""
    four.ok("SEARCH RETURN (SAVE) BODY preview")
    assert [row["PREVIEW"] for row in four.ok("FETCH $ (UID PREVIEW)").fetched.values()] == [b"Preview text!"]


def test_seen_is_not_set(four: ImapClient) -> None:
    previews(four, "1")
    assert "\\Seen" not in four.ok("FETCH 1 FLAGS").fetched[1]["FLAGS"]


def test_with_utf8_accept_it_is_quoted(four: ImapClient) -> None:
    four.ok("ENABLE UTF8=ACCEPT")
    assert '"Zażółć gęślą jaźń"'.encode() in four.ok("FETCH 3 PREVIEW").raw


def test_a_copy_has_it_too(four: ImapClient) -> None:
    four.ok("CREATE box")
    four.ok("COPY 1 box")
    four.ok("SELECT box")
    assert previews(four, "1") == {1: b"Preview text!"}


def test_an_expunged_message_that_is_not_told_yet_has_it(four: ImapClient, second: ImapClient) -> None:
    second.ok("SELECT INBOX")
    second.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    second.ok("EXPUNGE")
    assert previews(four, "1:2")[1] in (None, b"Preview text!")


@pytest.mark.parametrize("words", ["PREVIEW ()", "(PREVIEW (LAZY FUZZY))", "(PREVIEW (EAGER))", "(PREVIEW LAZY)"])
def test_other_modifiers_are_bad(inbox: ImapClient, words: str, ours: None) -> None:
    inbox.bad(f"FETCH 1 {words}")
