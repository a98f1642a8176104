"""What submitted messages get and lose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.formats.submitted import (
    MAX_AUTHORS,
    MAX_FIELDS,
    MAX_FROM,
    MAX_HEADER,
    Head,
    Malformed,
    Missing,
    authors,
    complete,
    kept_header,
    read_head,
    sent_header,
    without_results,
)

MISSING = Missing(date=b"Tue, 14 Nov 2023 22:13:20 +0000", message_id=b"<1@example.org>", author=b"ann@example.org")
GOOD = b"Date: Mon, 13 Nov 2023 10:00:00 +0100\r\nFrom: Ann <ann@example.org>\r\nMessage-ID: <2@example.org>\r\n"


def head(message: bytes) -> Head:
    return read_head(message, whole=True)


def sent(message: bytes, sender: bytes | None = None) -> bytes:
    """The whole message as it travels."""
    read = head(message)
    return sent_header(complete(read, MISSING, sender=sender)) + message[read.body_at :]


def test_a_good_message_travels_as_it_came() -> None:
    message = GOOD + b"Subject: a\r\n  folded\r\n one\r\n\r\nbody\r\n"
    assert sent(message) == message


def test_missing_date_message_id_and_author_are_added() -> None:
    assert sent(b"Subject: x\r\n\r\nbody") == (
        b"Subject: x\r\nMessage-ID: <1@example.org>\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
        b"From: ann@example.org\r\n\r\nbody"
    )


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        (b"Message-ID: none", b"Message-ID: <1@example.org>"),
        (b"Date: yesterday", b"Date: Tue, 14 Nov 2023 22:13:20 +0000"),
        (b"From:", b"From: ann@example.org"),
    ],
)
def test_what_nobody_can_read_is_replaced(bad: bytes, good: bytes) -> None:
    name = bad.partition(b":")[0]
    rest = b"".join(line + b"\r\n" for line in GOOD.splitlines() if not line.startswith(name))
    result = sent(bad + b"\r\n" + rest + b"\r\n")
    assert good + b"\r\n" in result
    assert bad + b"\r\n" not in result


@pytest.mark.parametrize("name", [b"Bcc", b"bcc", b"BCC ", b"Resent-Bcc", b"Return-Path"])
def test_blind_copies_do_not_travel(name: bytes) -> None:
    assert sent(GOOD + name + b": zoe@example.com,\r\n\tyan@example.com\r\nSubject: x\r\n\r\n") == (
        GOOD + b"Subject: x\r\n\r\n"
    )


def test_the_senders_own_copy_keeps_bcc() -> None:
    read = head(GOOD + b"Bcc: zoe@example.com\r\nReturn-Path: <x@example.com>\r\n\r\n")
    assert kept_header(read.fields) == GOOD + b"Bcc: zoe@example.com\r\n\r\n"


def test_the_senders_own_copy_names_readers_that_no_field_names() -> None:
    named = GOOD + b"To: Bob <bob@example.net>\r\nCc: cy@example.net\r\n"
    to = ["Bob@Example.net", "cy@example.net", "dan@example.net", "eve@example.net"]
    fields = head(named + b"\r\n").fields
    assert kept_header(fields, to) == named + b"Bcc: dan@example.net,\r\n eve@example.net\r\n\r\n"
    assert kept_header(fields, to[:2]) == named + b"\r\n"
    hidden = named + b"Bcc: zoe@example.com\r\n\r\n"
    assert kept_header(head(hidden).fields, to) == hidden


def test_the_copy_of_a_message_sent_on_names_nobody_else() -> None:
    read = head(b"Resent-From: ann@example.org\r\n" + GOOD + b"\r\n")
    assert b"Bcc" not in kept_header(read.fields, ["dan@example.net"])


def test_a_message_without_a_header_gets_one() -> None:
    assert sent(b"Hello there!\r\nBye\r\n").endswith(b"From: ann@example.org\r\n\r\nHello there!\r\nBye\r\n")


def test_a_line_that_cannot_be_a_field_ends_the_header() -> None:
    read = head(GOOD + b"no field\r\nSubject: x\r\n\r\n")
    assert read.body_at == len(GOOD)
    assert [name for name, _ in read.fields] == [b"date", b"from", b"message-id"]


def test_a_line_of_an_mbox_file_is_dropped() -> None:
    assert sent(b"From ann Mon Nov 13\r\n" + GOOD + b"\r\nbody") == GOOD + b"\r\nbody"


def test_a_header_without_an_end_is_all_there_is() -> None:
    assert sent(GOOD.rstrip()) == GOOD + b"\r\n"


def test_lines_of_the_header_end_with_crlf_whatever_they_ended_with() -> None:
    message = GOOD.replace(b"\r\n", b"\n") + b"\nbo\ndy"
    assert sent(message) == GOOD + b"\r\nbo\ndy"


def test_a_sender_is_added_replaced_or_removed() -> None:
    assert b"\r\nSender: ann@example.org\r\n" in sent(GOOD + b"\r\n", b"ann@example.org")
    assert b"Sender" not in sent(GOOD + b"Sender: bob@example.org\r\n\r\n", b"")


@pytest.mark.parametrize(
    ("value", "stays"),
    [
        (b"mx.example.org; spf=pass", False),
        (b"(hi) MX.example.org 1 ; dkim=pass", False),
        (b'\r\n "mx.example.org";\r\n\tarc=pass', False),
        (b"mx.example.org", False),
        (b"mx.example.org\t1; dmarc=pass", False),
        (b'"mx\\.example.org" ; dmarc=pass', False),
        (b"mx.example.org.; dmarc=pass", False),
        (b"; dmarc=pass", False),
        (b"(" * 2000 + b")" * 2000 + b"mx.example.org; dmarc=pass", False),
        (b"mx.example.net; spf=pass", True),
    ],
)
def test_nobody_speaks_of_checks_in_the_name_of_this_server(value: bytes, stays: bool) -> None:
    fields = head(GOOD + b"Authentication-Results: " + value + b"\r\n\r\n").fields
    assert (without_results(fields, b"mx.Example.org") == list(fields)) is stays


def test_who_has_written_it() -> None:
    message = b"From: Ann <ann@example.org>, =?utf-8?q?B=C3=B6b?= <bob@example.org>,\r\n cy@example.org\r\n\r\n"
    assert authors(head(message)) == ("ann@example.org", "bob@example.org", "cy@example.org")


@pytest.mark.parametrize(
    "value",
    [
        b"<ann@example.org> eve@example.com",
        b"ann@example.org <eve@example.com>",
        b"eve@example.com <ann@example.org>",
        b"Eve <ann@example.org> <eve@example.com>",
        b"eve@example.com ann@example.org",
        b"ann@example.org@eve@example.com",
    ],
)
def test_whatever_looks_like_an_author_is_one(value: bytes) -> None:
    assert any("eve" in author for author in authors(head(b"From: " + value + b"\r\n\r\n")))


@pytest.mark.parametrize(
    "value",
    [
        b'"eve@example.com" <ann@example.org>',
        b"ann@example.org (eve@example.com)",
        b"ann@example.org <ann@example.org>",
    ],
)
def test_names_and_comments_are_no_authors(value: bytes) -> None:
    assert authors(head(b"From: " + value + b"\r\n\r\n")) == ("ann@example.org",)


def test_members_of_a_group_have_written_it() -> None:
    assert authors(head(b"From: All: ann@example.org, bob@example.org;\r\n\r\n")) == (
        "ann@example.org",
        "bob@example.org",
    )


def test_an_author_without_a_domain_has_no_address() -> None:
    [author] = authors(head(b"From: ann\r\n\r\n"))
    assert author == "ann@MISSING_DOMAIN"


@pytest.mark.parametrize(
    "fields",
    [
        b"From: ann@example.org\r\nFrom: bob@example.org\r\n",
        b"From: ann@example.org\r\nFROM : bob@example.org\r\n",
        b'From: "ann@example.org <eve@example.com>\r\n',
        b"From: %b\r\n" % b", ".join(b"a%d@b.c" % number for number in range(MAX_AUTHORS + 1)),
        b"From: " + b"ann@example.org, " * (MAX_FROM // 16) + b"bob@example.org\r\n",
    ],
)
def test_a_from_that_readers_may_understand_in_two_ways_is_refused(fields: bytes) -> None:
    with pytest.raises(Malformed):
        authors(head(fields + b"\r\n"))


@pytest.mark.rfc("5322", "2.2")
def test_a_cr_alone_in_the_header_is_refused() -> None:
    for start in (b"From: ann@example.org\r\nX: y\rFrom: bob@example.org\r\n\r\n", b"X: y\r\r\n\r\n"):
        with pytest.raises(Malformed):
            read_head(start, whole=True)
    assert read_head(b"X: y\r\n\r\nbody\r", whole=True).body_at == 8


def test_a_header_has_its_bounds() -> None:
    field = b"X: " + b"y" * 995 + b"\r\n"
    assert len(read_head(field * (MAX_HEADER // 1000) + b"\r\nbody", whole=True).fields) == MAX_HEADER // 1000
    with pytest.raises(Malformed):
        read_head(field * (MAX_HEADER // 1000 + 1) + b"\r\nbody", whole=True)
    with pytest.raises(Malformed):
        read_head(b"X:\r\n" * (MAX_FIELDS + 1) + b"\r\nbody", whole=True)


def test_a_header_whose_end_is_not_in_sight_is_refused() -> None:
    with pytest.raises(Malformed):
        read_head(b"Subject: x\r\n", whole=False)


LINES = st.sampled_from(
    [b"Bcc: x", b"bcc :y", b" folded", b"\tmore", b"From: a@b", b"From a", b"", b"Date: 1 Jan 2020", b"?", b"\xff: x"]
)


@given(st.lists(LINES, max_size=12), st.sampled_from([b"\r\n", b"\n"]))
def test_no_blind_copy_is_left_in_any_header(lines: list[bytes], end: bytes) -> None:
    message = end.join(lines)
    read = head(message)
    header = sent_header(read.fields)
    assert header.endswith(b"\n\r\n") or header == b"\r\n"
    again = head(header + message[read.body_at :])
    assert again.body_at == len(header)
    assert not {b"bcc", b"resent-bcc", b"return-path"} & {name for name, _ in again.fields}


@given(st.binary(max_size=300))
def test_any_octets_are_read(message: bytes) -> None:
    read = head(message)
    try:
        authors(read)
    except Malformed:
        return
    fields = complete(read, MISSING)
    result = sent_header(fields)
    assert authors(head(result)) == authors(read) or not authors(read)
    assert head(result).count(b"date") >= 1
