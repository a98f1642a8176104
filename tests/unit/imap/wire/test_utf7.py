from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.imap.wire import utf7


@pytest.mark.parametrize(
    ("name", "octets"),
    [
        ("INBOX", b"INBOX"),
        ("a b~", b"a b~"),
        ("&", b"&-"),
        ("a&b&", b"a&-b&-"),
        ("~peter/mail/台北/日本語", b"~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
        ("Entwürfe", b"Entw&APw-rfe"),
        ("😀", b"&2D3eAA-"),
        ("ü&ü", b"&APw-&-&APw-"),
        ("a\x00\t", b"a&AAAACQ-"),
        ("", b""),
    ],
)
def test_names_are_spelled_as_the_rfc_says(name: str, octets: bytes) -> None:
    assert utf7.encode(name) == octets
    assert utf7.decode(octets) == name


@pytest.mark.parametrize(
    "octets",
    [
        b"&",
        b"a&b",
        b"&Jjo!",
        b"&Jjo",
        b"&U,BTFw",
        b"&U/BTFw-",  # "/" is not in this base64
        b"&AAA=-",
        b"&A-",
        b"&AGE-",  # "a" stands for itself
        b"&ACY-",  # "&" is &-
        b"&U,BTFw-&ZeVnLIqe-",  # one run is one piece
        b"&AP-",  # half a character
        b"&2D0-",  # half a pair
        b"&3gDYPQ-",  # the pair reversed
        b"&AP1-",  # bits left over
        b"Entw\xc3\xbcrfe",
        b"a\x00",
        b"a\x7f",
        b"\t",
    ],
)
def test_what_is_no_name_is_refused(octets: bytes) -> None:
    with pytest.raises(utf7.InvalidName):
        utf7.decode(octets)


def test_a_lone_surrogate_has_no_spelling() -> None:
    with pytest.raises(utf7.InvalidName):
        utf7.encode("\ud800")


@given(st.text())
def test_every_name_survives_the_round_trip(name: str) -> None:
    octets = utf7.encode(name)
    assert octets.isascii()
    assert utf7.decode(octets) == name


@given(st.binary() | st.text("&-,+/=AaBCD6U\xfc").map(lambda text: text.encode("latin-1")))
def test_octets_have_at_most_one_reading_and_names_one_spelling(octets: bytes) -> None:
    try:
        name = utf7.decode(octets)
    except utf7.InvalidName:
        return
    assert utf7.encode(name) == octets
