"""The first words of a message."""

from __future__ import annotations

import base64
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.any_mail import MAIL
from tests.corpus import ODD

from mailkeep.formats.mime.preview import LENGTH, preview
from mailkeep.formats.mime.scan import scan


def of(data: bytes) -> str:
    return preview(scan(data), data)


def plain(text: str) -> str:
    return of(b"Subject: s\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + text.replace("\n", "\r\n").encode())


def html(text: str) -> str:
    return of(b"Subject: s\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + text.encode())


def multi(kind: str, *parts: str) -> str:
    body = "".join(f"\r\n--b\r\n{part}" for part in parts)
    return of(f"Content-Type: multipart/{kind}; boundary=b\r\n\r\npreamble{body}\r\n--b--\r\n".encode())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello,\n\n  world \t again\n", "Hello, world again"),
        ("On Monday, Ann wrote:\n> old\n>> older\n\nNew words.\n", "New words."),
        ("Yes.\n\nAm Montag schrieb Ann:\n> old\n\n-- \nBob\n", "Yes."),
        ("> only\n> quoted\n", "only quoted"),
        ("-- \nBob\n", "-- Bob"),
        ("Hi.\n-- \nBob, Ltd.\n", "Hi."),
        ("See below.\n\n-----Original Message-----\nFrom: Ann\nSubject: x\n\nold\n", "See below."),
        ("---------- Forwarded message ---------\nFrom: Ann <a@b>\nDate: today\n\nThe news.\n", "The news."),
        ("==========\nTitle\n----------\ntext\n", "Title text"),
        ("-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n", ""),
        (
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nSigned words.\n-----BEGIN PGP SIGNATURE-----\n\niQ\n",
            "Signed words.",
        ),
        ("Note: this is\nno header\n", "Note: this is no header"),
        ("a\u00ad\u200b\u034f\ufeffb \u200c \u200c c\x00\x07d", "ab c d"),
        ("می‌خواهم", "می‌خواهم"),
        ("", ""),
        (" \n\t\n", ""),
    ],
)
def test_plain_text_says_what_its_writer_says(text: str, expected: str) -> None:
    assert plain(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<html><head><title>T</title><style>p {}</style></head><body><p>One</p><p>t<b>w</b>o</p></body>", "One two"),
        ("<p>New &amp; good</p><blockquote>old<blockquote>older</blockquote>old</blockquote><p>end", "New & good end"),
        ("<blockquote>all is quoted</blockquote>", "all is quoted"),
        ("<!-- x --><script>alert(1)</script>A<br>B&nbsp;C", "A B C"),
        ("<header>Kept</header>", "Kept"),
        ("<title>never closed", ""),
    ],
)
def test_html_is_read(text: str, expected: str) -> None:
    assert html(text) == expected


def test_charset_and_encoding_are_undone() -> None:
    text = "Zażółć gęślą jaźń"
    head = b"Content-Type: text/plain; charset=iso-8859-2\r\nContent-Transfer-Encoding: "
    octets = text.encode("iso-8859-2")
    assert of(head + b"base64\r\n\r\n" + base64.encodebytes(octets)) == text
    assert of(head + b"quoted-printable\r\n\r\n" + quopri.encodestring(octets)) == text


def test_of_alternatives_the_plain_one_speaks() -> None:
    assert multi("alternative", "Content-Type: text/html\r\n\r\n<p>H", "Content-Type: text/plain\r\n\r\nP") == "P"
    assert multi("alternative", "Content-Type: text/plain\r\n\r\n \r\n", "Content-Type: text/html\r\n\r\n<p>H") == "H"


def test_attachments_say_nothing() -> None:
    attached = "Content-Type: text/plain\r\nContent-Disposition: attachment; filename=x\r\n\r\nsecret"
    assert multi("mixed", attached) == ""
    assert multi("mixed", attached, "Content-Type: text/plain\r\n\r\nP") == "P"
    assert multi("mixed", "Content-Type: image/png\r\n\r\nx", "Content-Type: message/rfc822\r\n\r\nA: b\r\n\r\nx") == ""
    assert of(b"Content-Type: application/pdf\r\n\r\n%PDF") == ""


@pytest.mark.parametrize(
    "data",
    [
        b"Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\n\r\nVersion: 1\r\n--b--\r\n",
        b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\nMII",
    ],
)
def test_what_is_encrypted_has_none(data: bytes) -> None:
    assert of(data) == ""


def test_of_something_signed_the_first_part_speaks() -> None:
    assert multi("signed", "\r\nwords", "Content-Type: application/pgp-signature\r\n\r\nsig") == "words"


def test_it_is_cut_between_characters() -> None:
    assert plain("x" * 500) == "x" * LENGTH
    assert plain("x" * (LENGTH - 1) + "e\u0301" + "y" * 99) == "x" * (LENGTH - 1)
    assert plain("x" * (LENGTH - 1) + "👩\u200d💻" + "y" * 99) == "x" * (LENGTH - 1)


def test_a_part_too_large_is_cut_between_words() -> None:
    assert plain("> q ä\n" * 30_000 + "never seen").startswith("q ä q ä")


@pytest.mark.parametrize("name", sorted(ODD))
def test_odd_messages_have_one_line(name: str) -> None:
    assert of(ODD[name]).isprintable()


@given(MAIL | st.binary(max_size=2000))
def test_any_octets_have_a_short_line(data: bytes) -> None:
    words = of(data)
    assert len(words) <= LENGTH
    assert "\n" not in words
    assert words == words.strip()


@pytest.mark.parametrize(
    "text",
    ["<" * 200_000, "<head" * 40_000, "<blockquote>" * 20_000, "&#" * 100_000, "<!--" * 50_000, "-" * 200_000],
    ids=["tags", "heads", "quotes", "entities", "comments", "dashes"],
)
def test_bombs_cost_no_more_than_their_size(text: str) -> None:
    html(text)
    plain(text)


def test_answers_to_many_quotes_do_not_hide_what_is_written_below() -> None:
    quotes = b"".join(b"On Monday, Ann wrote:\r\n> what %d\r\n" % number for number in range(300))
    long = b"It begins here. " + b"x" * 100
    text = b"Subject: x\r\n\r\n" + long + b"\r\n" + quotes + b"The end.\r\n"
    assert preview(scan(text), text) == f"{long.decode()} The end."
