import pytest

from mailkeep.bench.answer import exists, fetched, messages_in_status, must_equal, responses, uids_found
from mailkeep.bench.connection import Wrong

LITERAL = b"* 1 FETCH (UID 7 BODY[] {12}\r\n* 2 EXISTS\r\n FLAGS (\\Seen))\r\na OK done\r\n"


def test_a_literal_belongs_to_its_response_whatever_it_holds() -> None:
    assert list(responses(LITERAL)) == [LITERAL[:-13], b"a OK done"]


def test_items_of_fetch_are_found_by_name() -> None:
    (row,) = fetched(LITERAL)
    assert (row.number, row.uid) == (1, 7)
    assert row.items == {b"UID": b"7", b"BODY[]": b"* 2 EXISTS\r\n", b"FLAGS": b"(\\Seen)"}


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b"NIL", b"NIL"),
        (b'"a \\"b\\" \\\\"', b'a "b" \\'),
        (b'("(" {2}\r\n)) (NIL))', b'("(" {2}\r\n)) (NIL))'),
        (b"{0}\r\n", b""),
        (b"()", b"()"),
    ],
    ids=["atom", "quoted string", "list with brackets in strings", "empty literal", "empty list"],
)
def test_a_value_ends_where_the_grammar_says(value: bytes, found: bytes) -> None:
    (row,) = fetched(b"* 3 FETCH (ENVELOPE " + value + b" UID 4)\r\n")
    assert row.items == {b"ENVELOPE": found, b"UID": b"4"}


def test_the_name_of_a_section_may_have_spaces() -> None:
    (row,) = fetched(b'* 3 FETCH (BODY[HEADER.FIELDS (From "To")] "x" UID 4)\r\n')
    assert list(row.items) == [b'BODY[HEADER.FIELDS (FROM "TO")]', b"UID"]


@pytest.mark.parametrize(
    "answer",
    [
        b"* 1 FETCH (UID 7",
        b"* 1 FETCH (UID)\r\n",
        b"* 1 FETCH (UID 7) x\r\n",
        b"* 1 FETCH (BODY[] {9}\r\nshort)\r\n",
        b"* 1 FETCH (ENVELOPE (()\r\n",
        b'* 1 FETCH (BODY[] "open)\r\n',
        b"* 1 FETCH (BODY[] {2}\r\nab",
    ],
)
def test_what_breaks_the_grammar_is_wrong(answer: bytes) -> None:
    with pytest.raises(Wrong):
        list(fetched(answer))


def test_untagged_numbers_are_read() -> None:
    assert uids_found(b"* SEARCH 2 5 11\r\na OK\r\n") == (2, 5, 11)
    assert uids_found(b"* SEARCH\r\na OK\r\n") == ()
    assert exists(b"* 3 EXISTS\r\n* OK [UIDNEXT 9] x\r\n* 4 EXISTS\r\na OK\r\n") == 4
    assert messages_in_status(b'* STATUS "a b" (MESSAGES 12 UNSEEN 3)\r\na OK\r\n') == 12


@pytest.mark.parametrize("read", [uids_found, exists, messages_in_status])
def test_a_response_that_is_not_there_is_wrong(read: object) -> None:
    assert callable(read)
    with pytest.raises(Wrong, match="there is no"):
        read(b"a OK done\r\n")


def test_a_difference_says_what_was_found_and_wanted() -> None:
    must_equal(3, 3, "answers")
    with pytest.raises(Wrong, match="answers: found 2, wanted 3"):
        must_equal(2, 3, "answers")
