"""FILTERS: named searches kept in the metadata of the server (RFC 5466)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient
from tests.live import OWN, Service

from mailkeep.config import Imap

pytestmark = [pytest.mark.rfc("5466", "3"), pytest.mark.usefixtures("ours")]


def put(client: ImapClient, name: str, criteria: str | None) -> str:
    """Store a filter, None to remove it; the word of the answer."""
    octets = (criteria or "").encode()
    value = b"NIL" if criteria is None else b"{%d+}\r\n%b" % (len(octets), octets)
    client.send(b'put SETMETADATA "" (/private/filters/values/%b %b)\r\n' % (name.encode(), value))
    return client.finish("put").kind


@pytest.fixture
def three(client: ImapClient) -> ImapClient:
    client.ok("CREATE box")
    for number, flag in ((1, "(\\Seen)"), (2, "(\\Flagged)"), (3, "(\\Seen \\Flagged)")):
        client.append("box", simple_message(number, text=f"word{number} größe"), flag)
    client.ok("SELECT box")
    return client


def test_a_filter_is_searched_for_by_its_name(three: ImapClient) -> None:
    """§3.2, §3.1: the example"""
    three.ok('SETMETADATA "" ("/private/filters/values/on-the-road" "OR SMALLER 50 BODY \\"word2\\"")')
    assert three.ok('SEARCH UID 1:900 FILTER on-the-road SINCE "3-Dec-2002"').found == [2]
    assert three.ok("SEARCH NOT FILTER On-The-Road").found == [1, 3]
    assert three.ok("UID SEARCH RETURN (COUNT) OR FILTER on-the-road SEEN").one("ESEARCH")["COUNT"] == 3


def test_a_filter_of_several_keys_is_all_of_them(three: ImapClient) -> None:
    put(three, "done", "SEEN FLAGGED")
    assert three.ok("SEARCH FILTER done").found == [3]
    assert three.ok("SEARCH NOT FILTER done").found == [1, 2]


def test_criteria_are_utf8(three: ImapClient) -> None:
    put(three, "big", 'BODY "GRÖSSE"')
    assert three.ok("SEARCH FILTER big").found == [1, 2, 3]
    three.ok("SEARCH CHARSET US-ASCII FILTER big")
    reply = three.bad("SEARCH CHARSET KOI8-R FILTER big")
    assert reply.code
    assert reply.code.name == "BADCHARSET"


def test_filters_may_name_others(three: ImapClient) -> None:
    put(three, "a", "SEEN")
    put(three, "b", "FILTER a FLAGGED")
    put(three, "c", "OR FILTER b FILTER a")
    put(three, "d", "NOT FILTER c")
    assert three.ok("SEARCH FILTER d").found == [2]


def test_what_is_no_filter_is_undefined_and_the_name_is_told(three: ImapClient) -> None:
    reply = three.no("SEARCH SEEN FILTER Missing", code="UNDEFINED-FILTER")
    assert reply.code
    assert reply.code.args == "Missing"
    put(three, "gone", "SEEN")
    put(three, "gone", None)
    three.no("SEARCH FILTER gone", code="UNDEFINED-FILTER")


def test_a_loop_is_undefined(three: ImapClient) -> None:
    put(three, "a", "FILTER b")
    put(three, "b", "OR SEEN FILTER a")
    put(three, "self", "FILTER self")
    three.no("SEARCH FILTER a", code="UNDEFINED-FILTER")
    three.no("SEARCH FILTER self", code="UNDEFINED-FILTER")


def test_filters_that_multiply_each_other_are_refused(three: ImapClient) -> None:
    put(three, "a", " ".join(["SEEN"] * 100))
    put(three, "b", " ".join(["FILTER a"] * 100))
    three.no("SEARCH FILTER b", code="LIMIT")
    put(three, "c", "NOT (SEEN " * 40 + "SEEN" + ")" * 40)
    put(three, "d", "NOT (SEEN " * 40 + "FILTER c" + ")" * 40)
    three.no("SEARCH FILTER d", code="LIMIT")
    three.ok("NOOP")


@pytest.mark.parametrize("criteria", ["OR SMALLER", "", "BOGUS", "SEEN)", "RETURN (ALL) SEEN"])
def test_what_are_no_criteria_is_not_stored(three: ImapClient, criteria: str) -> None:
    assert put(three, "x", criteria) == "NO"
    three.no("SEARCH FILTER x", code="UNDEFINED-FILTER")


@pytest.mark.parametrize("line", ["SEARCH FILTER", "SEARCH FILTER a/b", 'SEARCH FILTER "a"', "SEARCH FILTER (SEEN)"])
def test_malformed_keys_are_refused(three: ImapClient, line: str) -> None:
    three.bad(line)


def test_a_modseq_in_a_filter_counts(three: ImapClient) -> None:
    put(three, "new", "MODSEQ 1")
    assert "MODSEQ" in three.ok("SEARCH FILTER new").one("SEARCH")


def test_several_mailboxes_are_searched_by_filter(three: ImapClient) -> None:
    put(three, "seen", "SEEN")
    assert three.ok("ESEARCH IN (personal) FILTER seen").one("ESEARCH")["ALL"] == [1, 3]


def test_sort_and_thread_take_filters_too(three: ImapClient) -> None:
    put(three, "seen", "SEEN")
    three.send(b"a1 SORT (ARRIVAL) UTF-8 FILTER seen\r\n")
    assert three.read_raw() == b"* SORT 1 3\r\n"
    three.finish("a1")
    three.ok("THREAD REFERENCES UTF-8 FILTER seen")


def test_a_filter_of_another_user_is_not_there(three: ImapClient, server: Service, other_account: object) -> None:
    put(three, "mine", "SEEN")
    stranger = server.connect(other_account)  # type: ignore[arg-type]  # the account of that fixture
    stranger.ok("SELECT INBOX")
    stranger.no("SEARCH FILTER mine", code="UNDEFINED-FILTER")


def test_the_administrator_has_filters_for_all(configured: Callable[..., Service]) -> None:
    client = configured(imap=Imap(filters=("Urgent FLAGGED UNSEEN",))).connect(OWN)
    assert client.ok('GETMETADATA "" /shared/filters/values/urgent').one("METADATA") == (
        "",
        {"/shared/filters/values/urgent": b"FLAGGED UNSEEN"},
    )
    client.append("INBOX", simple_message(1), "(\\Flagged)")
    client.append("INBOX", simple_message(2), "(\\Seen)")
    client.ok("SELECT INBOX")
    assert client.ok("SEARCH FILTER urgent").found == [1]
    put(client, "urgent", "SEEN")
    assert client.ok("SEARCH FILTER urgent").found == [2]
