"""The scanner: what it finds in messages, well-formed or not, and where its limits are."""

from __future__ import annotations

import mmap
import pathlib
from typing import Any

import pytest
from hypothesis import given
from tests.any_mail import MAIL, walk
from tests.corpus import ODD, many_parts, messages, nested, nested_messages

from mailkeep.formats.mime.scan import MAX_DEPTH, MAX_HEADER, MAX_PARTS, Part, scan, scan_simple


def outline(part: Part) -> Any:
    """A tree as nested tuples: (type, (children…)), or the type alone."""
    kind = f"{part.maintype}/{part.subtype}"
    return (kind, [outline(child) for child in part.children]) if part.children else kind


def bodies(data: bytes) -> list[bytes]:
    """The bodies of all leaves, in order."""
    out: list[bytes] = []
    stack = [scan(data)]
    while stack:
        part = stack.pop()
        if part.children:
            stack.extend(reversed(part.children))
        else:
            out.append(data[part.body_start : part.end])
    return out


PLAIN, HTML = "text/plain", "text/html"

OUTLINES = [
    ("empty message", PLAIN),
    ("header without body", PLAIN),
    ("multipart without boundary parameter", "multipart/mixed"),
    ("multipart whose boundary never comes", "multipart/mixed"),
    ("multipart with an empty body", "multipart/mixed"),
    ("multipart with terminator only", "multipart/mixed"),
    ("multipart without terminator", ("multipart/mixed", [PLAIN, PLAIN])),
    ("multipart that ends in a boundary", ("multipart/mixed", [PLAIN, PLAIN])),
    ("multipart that ends in a boundary without line end", ("multipart/mixed", [PLAIN])),
    ("boundaries with nothing between", ("multipart/mixed", [PLAIN, PLAIN])),
    ("preamble and epilogue", ("multipart/mixed", [PLAIN, HTML])),
    ("boundary with trailing white space", ("multipart/mixed", [PLAIN, HTML])),
    (
        "outer boundary is a prefix of the inner",
        ("multipart/mixed", [("multipart/alternative", [PLAIN, PLAIN]), PLAIN]),
    ),
    ("inner boundary is a prefix of the outer", ("multipart/mixed", [("multipart/alternative", [PLAIN]), PLAIN])),
    ("inner and outer boundary are the same", ("multipart/mixed", [("multipart/alternative", [PLAIN]), PLAIN])),
    ("inner terminator missing", ("multipart/mixed", [("multipart/alternative", [PLAIN]), PLAIN])),
    ("boundary parameter twice", ("multipart/mixed", [PLAIN, HTML])),
    ("content type twice", HTML),
    ("message in a message", ("message/rfc822", [PLAIN])),
    ("message in base64", ("message/rfc822", [PLAIN])),
    ("digest", ("multipart/digest", [("message/rfc822", [PLAIN]), PLAIN, ("message/rfc822", [PLAIN])])),
    ("bare line feeds", ("multipart/mixed", [PLAIN, HTML])),
    ("mixed line ends", ("multipart/mixed", [PLAIN, HTML])),
    ("type that is nonsense", PLAIN),
    ("message/global", ("message/global", [PLAIN])),
]


@pytest.mark.parametrize(("name", "expected"), OUTLINES, ids=[name for name, _ in OUTLINES])
def test_structure_of_odd_messages(name: str, expected: Any) -> None:
    assert outline(scan(ODD[name])) == expected


@pytest.mark.parametrize("data", [ODD["preamble and epilogue"], ODD["bare line feeds"], ODD["mixed line ends"]])
def test_the_line_break_before_a_boundary_is_not_part_of_the_body(data: bytes) -> None:
    assert bodies(data) == [b"one", b"two"]


def test_a_boundary_of_an_outer_level_ends_all_inner_ones() -> None:
    assert bodies(ODD["inner terminator missing"]) == [b"one", b"two"]


def test_inner_boundaries_are_found_beyond_a_line_that_only_looked_like_an_outer_one() -> None:
    data = (
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
        b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n"
        b"--y\r\nContent-Type: multipart/mixed; boundary=xz\r\n\r\n"
        b"--xz\r\n\r\none\r\n--xz--\r\n--y\r\n\r\ntwo\r\n--y--\r\n--x\r\n\r\nthree\r\n--x--\r\n"
    )
    assert bodies(data) == [b"one", b"two", b"three"]


def test_a_blank_line_right_before_a_boundary_stays_in_the_header() -> None:
    root = scan(ODD["multipart that ends in a boundary"].replace(b"one", b"") + b"--b--")
    first = root.children[0]
    assert first.size == 0
    assert first.body_start - first.header_start == 2


def test_lines_are_counted_by_their_line_feeds() -> None:
    assert scan(b"\r\none\r\ntwo\r\nthree").lines == 2
    assert scan(b"\none\ntwo\n").lines == 2


def test_lines_of_nested_messages_are_those_between_their_offsets() -> None:
    data = nested_messages(20)
    for part in walk(scan(data)):
        if part.maintype == "message":
            assert part.lines == data[part.body_start : part.end].count(b"\n")


def test_charset_and_encoding_are_lower_case_words() -> None:
    part = scan(b'Content-Type: TEXT/Plain; Charset="UTF-8"\r\nContent-Transfer-Encoding: Base64 \r\n\r\n')
    assert (part.charset, part.encoding) == ("utf-8", "base64")


def test_a_map_of_a_file_is_scanned_like_its_octets(tmp_path: pathlib.Path) -> None:
    data = ODD["multipart message in a multipart"]
    path = tmp_path / "m"
    path.write_bytes(data)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        offsets = [(p.header_start, p.body_start, p.end, p.lines) for p in walk(scan(mapped))]
    assert offsets == [(p.header_start, p.body_start, p.end, p.lines) for p in walk(scan(data))]


def test_depth_is_kept_up_to_the_limit_and_cut_beyond() -> None:
    assert len(walk(scan(nested(MAX_DEPTH)))) == MAX_DEPTH + 1
    deep = walk(scan(nested(10_000)))
    assert len(deep) == MAX_DEPTH + 1
    assert deep[-1].maintype == "multipart"
    assert len(walk(scan(nested_messages(10_000)))) == MAX_DEPTH + 1


def test_parts_are_kept_up_to_the_limit_and_the_rest_belongs_to_the_last() -> None:
    assert len(scan(many_parts(MAX_PARTS - 1)).children) == MAX_PARTS - 1
    data = many_parts(100_000)
    root = scan(data)
    assert len(walk(root)) == MAX_PARTS
    assert root.children[-1].end == len(data)


def test_fields_beyond_the_header_limit_are_not_looked_at_but_lie_in_the_header() -> None:
    data = b"X: " + b"y" * MAX_HEADER + b"\r\nSubject: late\r\n\r\nbody"
    root = scan(data)
    assert root.find_field(b"subject") is None
    assert data[root.body_start :] == b"body"


def check_offsets(data: bytes) -> None:
    root = scan(data)
    assert (root.header_start, root.end) == (0, len(data))
    for part in walk(root):
        assert part.header_start <= part.body_start <= part.end
        assert part.size == part.end - part.body_start
        at = part.body_start
        for child in part.children:
            assert at <= child.header_start
            assert child.end <= part.end
            at = child.end
        if part.maintype == "text":
            assert part.lines == data[part.body_start : part.end].count(b"\n")


@pytest.mark.parametrize("name", ODD)
def test_offsets_of_odd_messages_lie_in_one_another(name: str) -> None:
    check_offsets(ODD[name])


def test_offsets_of_ordinary_messages_lie_in_one_another() -> None:
    for data in messages(100, seed=3):
        check_offsets(data)


@given(MAIL)
def test_offsets_of_any_octets_lie_in_one_another(data: bytes) -> None:
    check_offsets(data)


@pytest.mark.parametrize(
    "data",
    [
        b"Subject: plain\r\n\r\n" + b"text\r\n" * 80_000,
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--b\r\n\r\ntext\r\n" * 18 + b"--b--\r\n",
        b"",
    ],
)
def test_a_simple_message_has_the_same_structure_when_it_is_looked_through_as_such(data: bytes) -> None:
    simple = scan_simple(data)
    assert simple is not None
    whole = scan(data)
    assert [(p.header_start, p.body_start, p.end, p.lines) for p in (simple, *simple.children)] == [
        (p.header_start, p.body_start, p.end, p.lines) for p in (whole, *whole.children)
    ]


@pytest.mark.parametrize(
    "data",
    [
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--b\r\n\r\ntext\r\n" * 20 + b"--b--\r\n",
        b"A: b\r\n" * 6_000 + b"\r\n",
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n' + b"A: b\r\n" * 6_000 + b"\r\n",
    ],
)
def test_a_message_of_many_parts_or_of_long_headers_is_not_simple(data: bytes) -> None:
    assert scan_simple(data) is None
