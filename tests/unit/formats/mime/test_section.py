"""Sections by number, as RFC 9051 §6.4.5.1 numbers its example message, and the part map that answers them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.any_mail import MAIL, walk
from tests.corpus import ODD, messages

from mailkeep.formats.mime.encoding import UnknownEncoding
from mailkeep.formats.mime.partmap import decode_parts, encode_parts
from mailkeep.formats.mime.scan import scan
from mailkeep.formats.mime.section import Text, locate, read_binary, read_section


def part(header: str, body: bytes) -> bytes:
    return header.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body


def multipart(subtype: str, boundary: str, *parts: bytes) -> bytes:
    mark = boundary.encode()
    body = b"".join(b"--%b\r\n%b\r\n" % (mark, each) for each in parts) + b"--%b--" % mark
    return part(f"Content-Type: multipart/{subtype}; boundary={boundary}", body)


# The message of RFC 9051 §6.4.5.1, whose parts are numbered there.
INNER_3 = part("Subject: three", b"")[:-2] + multipart(
    "mixed", "i3", part("Content-Type: text/plain", b"3.1"), part("Content-Type: application/octet-stream", b"3.2")
)
INNER_42 = part("Subject: four two", b"")[:-2] + multipart(
    "mixed", "i42", part("Content-Type: text/plain", b"4.2.1"), multipart(
        "alternative", "alt",
        part("Content-Type: text/plain", b"4.2.2.1"), part("Content-Type: text/richtext", b"4.2.2.2"),
    )
)  # fmt: skip
EXAMPLE = part("Subject: top", b"")[:-2] + multipart(
    "mixed", "top",
    part("Content-Type: text/plain", b"1"),
    part("Content-Type: application/octet-stream", b"2"),
    part("Content-Type: message/rfc822\nX-Mime: 3", INNER_3),
    multipart(
        "mixed", "four",
        part("Content-Type: image/gif\nX-Mime: 4.1", b"4.1"), part("Content-Type: message/rfc822", INNER_42),
    ),
)  # fmt: skip

BODIES = ["1", "2", "3.1", "3.2", "4.1", "4.2.1", "4.2.2.1", "4.2.2.2"]


def numbers(path: str) -> tuple[int, ...]:
    return tuple(int(number) for number in path.split(".") if number)


def section(data: bytes, path: str, text: Text, *names: bytes) -> bytes | None:
    """Through a part map, as the server does it."""
    return read_section(data, decode_parts(encode_parts(scan(data))), numbers(path), text, frozenset(names))


@pytest.mark.rfc("9051", "6.4.5.1")
@pytest.mark.parametrize("path", BODIES)
def test_part_numbers_of_the_example_in_the_rfc(path: str) -> None:
    assert section(EXAMPLE, path, Text.ALL) == path.encode()


@pytest.mark.rfc("9051", "6.4.5.1")
def test_sections_of_a_message_inside() -> None:
    assert section(EXAMPLE, "3", Text.ALL) == INNER_3
    assert section(EXAMPLE, "3", Text.HEADER) == INNER_3[: INNER_3.index(b"\r\n\r\n") + 4]
    assert section(EXAMPLE, "3", Text.TEXT) == INNER_3[INNER_3.index(b"\r\n\r\n") + 4 :]
    assert section(EXAMPLE, "4.2", Text.FIELDS, b"subject") == b"Subject: four two\r\n\r\n"
    assert section(EXAMPLE, "3", Text.FIELDS_NOT, b"content-type") == b"Subject: three\r\n\r\n"
    assert section(EXAMPLE, "3", Text.MIME) == b"Content-Type: message/rfc822\r\nX-Mime: 3\r\n\r\n"
    assert section(EXAMPLE, "4.1", Text.MIME) == b"Content-Type: image/gif\r\nX-Mime: 4.1\r\n\r\n"


def test_sections_of_the_whole_message() -> None:
    header, body = EXAMPLE[: EXAMPLE.index(b"\r\n\r\n") + 4], EXAMPLE[EXAMPLE.index(b"\r\n\r\n") + 4 :]
    assert section(EXAMPLE, "", Text.ALL) == EXAMPLE
    assert section(EXAMPLE, "", Text.HEADER) == header
    assert section(EXAMPLE, "", Text.TEXT) == body
    assert section(EXAMPLE, "", Text.FIELDS, b"subject", b"to") == b"Subject: top\r\n\r\n"


NONE = [("5", Text.ALL), ("0", Text.ALL), ("1.1", Text.ALL), ("4.3", Text.ALL), ("3.3", Text.ALL), ("1", Text.HEADER),
        ("4", Text.TEXT), ("5", Text.MIME), ("2", Text.FIELDS), ("", Text.MIME)]  # fmt: skip


@pytest.mark.parametrize(("path", "text"), NONE, ids=[f"{path or 'none'}-{text.name}" for path, text in NONE])
def test_a_section_that_is_not_there_is_none(path: str, text: Text) -> None:
    assert section(EXAMPLE, path, text, b"subject") is None


def test_part_one_of_a_message_without_parts_is_its_body() -> None:
    assert section(b"Subject: x\r\n\r\nbody", "1", Text.ALL) == b"body"
    assert section(b"Subject: x\r\n\r\nbody", "1", Text.MIME) == b"Subject: x\r\n\r\n"
    assert section(b"Subject: x\r\n\r\nbody", "2", Text.ALL) is None


def test_part_one_of_a_message_inside_that_has_no_parts_is_its_body() -> None:
    data = ODD["message in a message"]
    assert section(data, "1", Text.HEADER) == b"Subject: inner\r\nFrom: i@example.org\r\n\r\n"
    assert section(data, "1.1", Text.ALL) == b"body\r\n"


def test_chosen_fields_stand_as_they_came_and_end_in_a_blank_line() -> None:
    data = b"To: a,\r\n\tb\r\nSubject: x\r\nto : c\r\njunk\r\nCc: d"
    assert section(data, "", Text.FIELDS, b"to") == b"To: a,\r\n\tb\r\nto : c\r\n\r\n"
    assert section(data, "", Text.FIELDS, b"cc") == b"Cc: d\r\n\r\n"
    assert section(data, "", Text.FIELDS, b"bcc") == b"\r\n"
    assert section(data, "", Text.FIELDS_NOT, b"to", b"cc") == b"Subject: x\r\n\r\n"


def test_binary_undoes_the_transfer_encoding() -> None:
    data = ODD["transfer encoding with a comment"]
    assert read_binary(data, scan(data), (1,)) == b"body"
    assert read_binary(data, scan(data), ()) == data
    assert read_binary(data, scan(data), (2,)) is None
    quoted = b"Content-Transfer-Encoding: quoted-printable\r\n\r\na=3Db=\r\nc\r\n"
    assert read_binary(quoted, scan(quoted), (1,)) == b"a=bc\r\n"


def test_binary_of_damaged_base64_gives_what_can_be_read() -> None:
    data = b"Content-Transfer-Encoding: base64\r\n\r\nYm9!keQ\r\n"
    assert read_binary(data, scan(data), (1,)) == b"body"


def test_binary_in_an_unknown_encoding_is_refused() -> None:
    data = ODD["unknown transfer encoding"]
    with pytest.raises(UnknownEncoding):
        read_binary(data, scan(data), (1,))


def test_binary_of_a_multipart_is_its_octets() -> None:
    root = scan(EXAMPLE)
    assert read_binary(EXAMPLE, root, (4,)) == section(EXAMPLE, "4", Text.ALL)


def same(data: bytes) -> None:
    first = scan(data)
    second = decode_parts(encode_parts(first))
    names = ("header_start", "body_start", "end", "lines", "maintype", "subtype", "encoding", "charset")
    assert [[getattr(part, name) for name in names] for part in walk(first)] == [
        [getattr(part, name) for name in names] for part in walk(second)
    ]


def test_a_part_map_keeps_all_but_the_fields() -> None:
    for data in [*ODD.values(), *messages(50)]:
        same(data)


@given(MAIL)
def test_a_part_map_of_any_octets_can_be_read_back(data: bytes) -> None:
    same(data)


@pytest.mark.parametrize(
    "data", [b"", b"1", b"0\n0 0 0 0 0 text/plain 7bit -", b"1\nx", b"1\n0 0 0 0 0 a/b c d\n0 0 0 0 0 a/b c d"]
)
def test_octets_that_are_no_part_map_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"part map|unpack"):
        decode_parts(data)


@given(MAIL, st.lists(st.integers(0, 4), max_size=4).map(tuple), st.sampled_from(Text))
def test_any_section_of_any_octets_lies_inside_the_message(data: bytes, path: tuple[int, ...], text: Text) -> None:
    span = locate(scan(data), path, text)
    assert span is None or 0 <= span[0] <= span[1] <= len(data)
    octets = read_section(data, scan(data), path, text, {b"subject"})
    if text in (Text.FIELDS, Text.FIELDS_NOT) and octets is not None:
        assert octets.endswith(b"\r\n")
