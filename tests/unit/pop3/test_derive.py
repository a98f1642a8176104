"""How what is sent of a message differs from what is kept, and that it is remembered."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailkeep.formats.mime.scan import scan
from mailkeep.pop3.derive import PLAIN, decode, encode
from mailkeep.pop3.maildrop import Octets
from mailkeep.service.messages import Blob

_words = st.sampled_from([b"Subject: ", b"X: ", b"\xc3\xa4", b"a", b"\r\n", b"\n", b".", b"\0"])


class Kept:
    """Octets that lie somewhere."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.size = len(octets)

    def read(self, offset: int = 0, length: int | None = None) -> bytes:
        return self.octets[offset : None if length is None else offset + length]


def sent(data: bytes, *, utf8: bool) -> bytes:
    blob: Blob = Kept(data)
    form = decode(encode(scan(data), data))
    octets = Octets(blob, form, utf8=utf8)
    whole = b"".join(octets.pieces())
    assert octets.size == len(whole) + form.end == form.size(len(data), utf8=utf8)
    return whole


@given(st.lists(_words, max_size=20).map(b"".join))
def test_sizes_are_those_of_what_is_sent(data: bytes) -> None:
    assert sent(data, utf8=True) == data
    header = scan(data).body_start
    if data[:header].isascii():
        assert sent(data, utf8=False) == data


def test_an_ordinary_message_takes_one_octet() -> None:
    data = b"Subject: a\r\n\r\nb\r\n"
    assert encode(scan(data), data) == b"\0"
    assert decode(b"\0") is PLAIN
    assert decode(encode(scan(data[:-2]), data[:-2])).end == 2


def test_a_large_message_is_read_in_pieces() -> None:
    data = b"Subject: \xc3\xa4\r\n\r\n" + b"x" * 200_000 + b"\r\n"
    pieces = [*Octets(Kept(data), decode(encode(scan(data), data)), utf8=False).pieces()]
    assert pieces[0] == b"Subject: =?utf-8?b?w6Q=?=\r\n\r\n"
    assert len(pieces) > 3
    assert b"".join(pieces[1:]) == data[data.index(b"xxx") :]
