"""Undoing transfer encodings in pieces."""

from __future__ import annotations

import base64
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.formats.mime.encoding import UnknownEncoding, decode_pieces, decode_transfer

ENCODERS = {"base64": base64.encodebytes, "quoted-printable": quopri.encodestring, "8bit": bytes}


def cut(octets: bytes, size: int) -> list[bytes]:
    return [octets[start : start + size] for start in range(0, len(octets), size)]


@given(st.binary(max_size=500), st.sampled_from(sorted(ENCODERS)), st.integers(1, 90))
def test_pieces_give_what_the_whole_gives(octets: bytes, encoding: str, size: int) -> None:
    encoded = ENCODERS[encoding](octets).replace(b"\n", b"\r\n") if encoding != "8bit" else octets
    assert b"".join(decode_pieces(cut(encoded, size), encoding)) == decode_transfer(encoded, encoding)


@given(st.binary(max_size=500), st.sampled_from(["base64", "quoted-printable"]), st.integers(1, 90))
def test_damaged_octets_give_something(octets: bytes, encoding: str, size: int) -> None:
    assert len(b"".join(decode_pieces(cut(octets, size), encoding))) <= len(octets)


def test_base64_ends_at_its_padding() -> None:
    assert b"".join(decode_pieces([b"QUI=", b"QUI="], "base64")) == b"AB"
    assert b"".join(decode_pieces([b"QU!J", b"DRA"], "base64")) == b"ABCD"


def test_an_unknown_encoding_is_named() -> None:
    with pytest.raises(UnknownEncoding):
        decode_pieces([b"x"], "x-uuencode")
