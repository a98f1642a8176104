from __future__ import annotations

import pytest
from tests.unit.imap.wire.feeding import parse

from mailkeep.imap.wire.fetch import MAX_ITEMS, Binary, BinarySize, Fetch, FetchItem, Item, Section, Text
from mailkeep.imap.wire.lexer import ParseError
from mailkeep.imap.wire.sequence_set import STAR, SequenceSet


def items(text: bytes) -> tuple[FetchItem, ...]:
    command = parse(b"FETCH 1 " + text)
    assert isinstance(command, Fetch)
    return command.items


def test_the_whole_command() -> None:
    assert parse(b"FETCH 2:4,* (FLAGS UID)") == Fetch(
        numbers=SequenceSet(((2, 4), (STAR, STAR))), items=(Item.FLAGS, Item.UID), uid=False
    )


@pytest.mark.parametrize("item", list(Item), ids=str)
def test_every_plain_item_alone_in_a_list_and_in_any_case(item: Item) -> None:
    assert items(item.value) == items(b"(%b)" % item.value.lower()) == (item,)


FAST = (Item.FLAGS, Item.INTERNALDATE, Item.SIZE)


@pytest.mark.parametrize(
    ("macro", "expected"),
    [(b"FAST", FAST), (b"all", (*FAST, Item.ENVELOPE)), (b"Full", (*FAST, Item.ENVELOPE, Item.BODY))],
)
def test_macros_are_expanded(macro: bytes, expected: tuple[FetchItem, ...]) -> None:
    assert items(macro) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"BODY[]", Section(label=b"BODY[]")),
        (b"BODY.PEEK[]", Section(label=b"BODY[]", peek=True)),
        (b"body.peek[text]", Section(label=b"BODY[text]", text=Text.TEXT, peek=True)),
        (b"BODY[HEADER]", Section(label=b"BODY[HEADER]", text=Text.HEADER)),
        (b"BODY[1.2.3]", Section(label=b"BODY[1.2.3]", part=(1, 2, 3))),
        (b"BODY[1.MIME]", Section(label=b"BODY[1.MIME]", part=(1,), text=Text.MIME)),
        (b"BODY[4.1.HEADER]", Section(label=b"BODY[4.1.HEADER]", part=(4, 1), text=Text.HEADER)),
        (b"BODY[]<0.2048>", Section(label=b"BODY[]<0>", partial=(0, 2048))),
        (
            b"BODY.PEEK[1]<9223372036854775807.1>",
            Section(label=b"BODY[1]<9223372036854775807>", part=(1,), partial=(2**63 - 1, 1), peek=True),
        ),
        (
            b"BODY[HEADER.FIELDS (DATE From)]",
            Section(label=b"BODY[HEADER.FIELDS (DATE From)]", text=Text.FIELDS, fields=("DATE", "From")),
        ),
        (
            b'BODY[2.header.fields.not ("Subject")]<1.2>',
            Section(
                label=b'BODY[2.header.fields.not ("Subject")]<1>',
                part=(2,),
                text=Text.FIELDS_NOT,
                fields=("Subject",),
                partial=(1, 2),
            ),
        ),
        (b"RFC822", Section(label=b"RFC822")),
        (b"rfc822.header", Section(label=b"RFC822.HEADER", text=Text.HEADER, peek=True)),
        (b"RFC822.TEXT", Section(label=b"RFC822.TEXT", text=Text.TEXT)),
        (b"BINARY[1.2]", Binary(label=b"BINARY[1.2]", part=(1, 2))),
        (b"BINARY[]", Binary(label=b"BINARY[]", part=())),
        (
            b"binary.peek[1]<5.6>",
            Binary(label=b"BINARY[1]<5>", part=(1,), partial=(5, 6), peek=True),
        ),
        (b"BINARY.SIZE[2]", BinarySize(label=b"BINARY.SIZE[2]", part=(2,))),
    ],
)
def test_sections_are_read_and_keep_what_to_echo(text: bytes, expected: FetchItem) -> None:
    assert items(text) == items(b"(%b)" % text) == (expected,)


def test_field_names_sent_as_literals_are_echoed_without_literals() -> None:
    (item,) = items(b"BODY[HEADER.FIELDS ({4+}\r\nDate {3+}\r\na b)]")
    assert item == Section(label=b'BODY[HEADER.FIELDS (Date "a b")]', text=Text.FIELDS, fields=("Date", "a b"))


def test_an_item_asked_for_twice_is_one() -> None:
    assert items(b"(FLAGS UID flags BODY[] BODY[])") == (Item.FLAGS, Item.UID, Section(label=b"BODY[]"))


def test_the_uid_form_and_its_modifiers() -> None:
    assert parse(b"UID FETCH 300:500 (FLAGS) (CHANGEDSINCE 12345 VANISHED)") == Fetch(
        numbers=SequenceSet(((300, 500),)), items=(Item.FLAGS,), uid=True, changed_since=12345, vanished=True
    )


def test_changedsince_0_is_accepted() -> None:
    assert parse(b"FETCH 1 FLAGS (CHANGEDSINCE 0)").changed_since == 0


@pytest.mark.parametrize(
    "line",
    [
        b"FETCH",
        b"FETCH 1",
        b"FETCH 0 FLAGS",
        b"FETCH x FLAGS",
        b"FETCH 1 ()",
        b"FETCH 1 (FLAGS",
        b"FETCH 1 (FLAGS ALL)",
        b"FETCH 1 FLAGS UID",
        b"FETCH 1 FLAGSX",
        b"FETCH 1 BODY.PEEK",
        b"FETCH 1 BINARY",
        b"FETCH 1 FLAGS[]",
        b"FETCH 1 BODY[MIME]",
        b"FETCH 1 BODY[1.]",
        b"FETCH 1 BODY[0]",
        b"FETCH 1 BODY[1.0]",
        b"FETCH 1 BODY[1..2]",
        b"FETCH 1 BODY[1 ]",
        b"FETCH 1 BODY[HEADERS]",
        b"FETCH 1 BODY[HEADER.FIELDS]",
        b"FETCH 1 BODY[HEADER.FIELDS ()]",
        b"FETCH 1 BODY[HEADER.FIELDS (a]",
        b"FETCH 1 BODY[",
        b"FETCH 1 BODY[]<1>",
        b"FETCH 1 BODY[]<1.0>",
        b"FETCH 1 BODY[]<-1.5>",
        b"FETCH 1 BINARY[TEXT]",
        b"FETCH 1 BINARY[1.MIME]",
        b"FETCH 1 BINARY.SIZE[1]<0.5>",
        b"FETCH 1 FLAGS ()",
        b"FETCH 1 FLAGS (CHANGEDSINCE)",
        b"FETCH 1 FLAGS (CHANGEDSINCE 1 CHANGEDSINCE 1)",
        b"FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)",
        b"UID FETCH 1 FLAGS (VANISHED)",
        b"UID FETCH 1 FLAGS (XMOD 1)",
    ],
)
def test_what_is_no_fetch_is_refused(line: bytes) -> None:
    with pytest.raises(ParseError):
        parse(line)


def test_items_and_the_depth_of_parts_are_bounded() -> None:
    def many(count: int) -> bytes:
        return b"(%b)" % b" ".join(b"BODY[%d]" % i for i in range(1, count + 1))

    assert len(items(many(MAX_ITEMS))) == MAX_ITEMS
    with pytest.raises(ParseError):
        items(many(MAX_ITEMS + 1))
    deep = b".".join([b"1"] * 100)
    assert len(items(b"BODY[%b]" % deep)) == 1
    with pytest.raises(ParseError):
        items(b"BODY[%b.1]" % deep)
