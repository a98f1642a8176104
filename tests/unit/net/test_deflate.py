import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.net.deflate import PIECE, Broken, Deflate


def unpacked(deflate: Deflate) -> bytes:
    out = b""
    while piece := deflate.unpack():
        assert len(piece) <= PIECE
        out += piece
    return out


@given(st.lists(st.binary(max_size=300), max_size=20), st.integers(1, 50))
def test_what_is_packed_can_be_read_at_once_however_it_is_cut(parts: list[bytes], cut: int) -> None:
    here, there = Deflate(), Deflate()
    for part in parts:
        sent = here.pack(part)
        received = b""
        for start in range(0, len(sent), cut):
            there.take(sent[start : start + cut])
            received += unpacked(there)
        assert received == part


@given(st.binary(min_size=1, max_size=300))
def test_any_octets_are_inflated_or_refused(octets: bytes) -> None:
    deflate = Deflate()
    deflate.take(octets)
    try:
        unpacked(deflate)
    except Broken:
        return
    assert not deflate.waiting


def test_a_small_input_that_stands_for_much_comes_in_pieces() -> None:
    deflate = Deflate()
    deflate.take(Deflate().pack(b"x" * (10 << 20)))
    first = deflate.unpack()
    assert len(first) == PIECE
    assert deflate.waiting
    assert len(first) + len(unpacked(deflate)) == 10 << 20
    assert not deflate.waiting


def test_the_end_of_the_stream_is_told_after_its_octets() -> None:
    compressor = zlib.compressobj(wbits=-15)
    deflate = Deflate()
    deflate.take(compressor.compress(b"last") + compressor.flush())
    assert deflate.unpack() == b"last"
    with pytest.raises(Broken):
        deflate.unpack()
