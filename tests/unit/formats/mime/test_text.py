"""The text of messages for searching."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.any_mail import MAIL

from mailkeep.formats.collation import collation_key
from mailkeep.formats.mime.scan import scan
from mailkeep.formats.mime.text import body_texts, field_texts, fold, matches, search_texts

BASE64 = (
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\n"
)
MIXED = (
    b"Subject: outer\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n"
    b"--b\r\nContent-Type: text/plain; charset=koi8-r\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"=F0=D2=C9=D7=C5=D4\r\n"
    b"--b\r\nContent-Type: text/html\r\n\r\n<b>bold</b>\r\n"
    b"--b\r\nContent-Type: image/png; name=secret.png\r\n\r\npixels\r\n"
    b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner words\r\n\r\ninner body\r\n--b--\r\nepilogue\r\n"
)


def found(needle: str, data: bytes, *, body: bool = False) -> bool:
    texts = body_texts if body else search_texts
    return matches(fold(needle), texts(scan(data), data))


def test_text_is_decoded_before_it_is_compared() -> None:
    assert found("grüsse", BASE64 + b"w7xiZXI=")
    assert found("ÜBER", BASE64 + b"w7xiZXI=", body=True)
    assert found("привет", MIXED)


@pytest.mark.parametrize("needle", ["привет", "<b>bold", "inner words", "inner body", "secret.png", ""])
def test_bodies_hold_texts_html_inner_headers_and_file_names(needle: str) -> None:
    assert found(needle, MIXED, body=True)


@pytest.mark.parametrize("needle", ["outer", "pixels", "preamble", "epilogue", "--b"])
def test_bodies_do_not_hold_the_header_nor_what_is_no_text(needle: str) -> None:
    assert not found(needle, MIXED, body=True)


def test_fields_of_one_name_are_decoded_each() -> None:
    data = b"X-A: one\r\nX-B: two\r\nx-a: =?utf-8?q?=C3=BC?=\r\n\r\n"
    assert field_texts(scan(data), data, b"x-a") == ["one", "ü"]
    assert field_texts(scan(data), data, b"x-c") == []


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("ﬁx", "fix"),
        ("Ａ", "a"),
        ("Å", "a\u030a"),
        ("é", "e\u0301"),
        ("ı", "i"),
    ],
)
def test_folding_takes_out_case_and_compatibility(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.rfc("5051", "2")
@given(st.text(), st.text())
def test_what_is_equal_or_within_by_unicode_casemap_is_so_when_folded(text: str, other: str) -> None:
    for one in (other, text[:2], text[-1:].upper(), text.swapcase()):
        if collation_key(one) in collation_key(text):
            assert fold(one) in fold(text)


@given(MAIL)
def test_any_octets_have_some_text(data: bytes) -> None:
    assert matches("", search_texts(scan(data), data))
    assert "".join(search_texts(scan(data), data)) is not None


AWKWARD = [
    "a",
    " ",
    "é",
    "e\u0301",
    "한",
    "한글",
    "\u1100\u1161\u11a8",
    "\u0915\u093c",
    "ﬁ",
    "ｶ\uff9e",
    "\u0b47\u0b3e",
    "ΑΣ",
]


@given(st.lists(st.sampled_from(AWKWARD), min_size=1, max_size=40), st.integers(1, 60))
def test_a_long_text_is_folded_as_if_it_were_in_one_piece(words: list[str], times: int) -> None:
    text = "".join(words) * times
    whole = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    assert fold(text) == (whole if not text.isascii() else text.lower())


def test_an_endless_run_of_combining_marks_is_folded_in_time_that_grows_with_its_length() -> None:
    started = time.process_time()
    assert len(fold("q" + "\u0315\u0300" * 250_000)) == 500_001
    assert time.process_time() - started < 10.0  # else two minutes
