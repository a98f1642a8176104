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


@pytest.mark.parametrize("mode", [zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH, zlib.Z_FINISH])
@pytest.mark.parametrize("cut", [1, 2, 3, 4, 5, 100])
def test_what_comes_behind_the_last_words_is_given_back(mode: int, cut: int) -> None:
    compressor = zlib.compressobj(wbits=-15)
    sent = compressor.compress(b"last") + compressor.flush(mode) + b"in the clear"
    deflate = Deflate()
    received = b""
    while received != b"last":
        deflate.take(sent[:cut])
        sent = sent[cut:]
        received += deflate.unpack()
    while mode != zlib.Z_FINISH and not (deflate.rest() + sent).startswith(b"in the clear"):
        deflate.take(sent[:cut])  # the flush was not whole yet
        sent = sent[cut:]
        assert deflate.unpack() == b""
    assert (deflate.rest() + sent).endswith(b"in the clear")


def test_the_end_of_the_stream_is_told_after_its_octets() -> None:
    compressor = zlib.compressobj(wbits=-15)
    deflate = Deflate()
    deflate.take(compressor.compress(b"last") + compressor.flush())
    assert deflate.unpack() == b"last"
    with pytest.raises(Broken):
        deflate.unpack()
