"""The canonical forms of bodies, beside dkimpy's, which has them whole."""

from __future__ import annotations

import hashlib

import pytest
from dkim.canonicalization import Relaxed, Simple
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.formats.dkim_body import BodyHash, BodyHasher

PIECES = st.lists(st.sampled_from([b"a", b"bc", b" ", b"\t", b"  \t", b"\r\n", b"\r\n\r\n", b"\r", b"\n", b"."]))


def hashed(pieces: list[bytes], *, relaxed: bool) -> BodyHash:
    hasher = BodyHasher(relaxed=relaxed)
    for piece in pieces:
        hasher.write(piece)
    return hasher.finish()


@pytest.mark.rfc("6376", "3.4.3")
@given(PIECES)
def test_the_simple_form_is_that_of_dkimpy_however_it_is_cut(pieces: list[bytes]) -> None:
    canonical = Simple.canonicalize_body(b"".join(pieces))
    assert hashed(pieces, relaxed=False) == BodyHash(hashlib.sha256(canonical).digest(), len(canonical))


@pytest.mark.rfc("6376", "3.4.4")
@given(PIECES)
def test_the_relaxed_form_is_that_of_dkimpy_however_it_is_cut(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    if not whole.endswith(b"\r\n"):  # a line end that is missing: dkimpy adds it, but leaves the space before it
        whole = whole.rstrip(b" \t")
        if whole and not whole.endswith(b"\r\n"):
            whole += b"\r\n"
    canonical = Relaxed.canonicalize_body(whole)
    assert hashed(pieces, relaxed=True) == BodyHash(hashlib.sha256(canonical).digest(), len(canonical))


@pytest.mark.parametrize("relaxed", [True, False])
def test_line_ends_without_number_take_no_memory_and_count_only_before_text(relaxed: bool) -> None:
    many = [b"\r\n" * 30_000] * 20
    assert hashed([b"a\r\n", *many], relaxed=relaxed).size == 3
    assert hashed([b"a\r\n", *many, b"b\r\n"], relaxed=relaxed).size == 6 + 2 * 600_000
