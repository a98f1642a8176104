"""Whether lines end with CRLF, however a message is cut."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from mailkeep.smtp.wire.lines import LineCheck

octets = st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"a", b"."]), max_size=12).map(b"".join)


def is_bare(pieces: list[bytes]) -> bool:
    check = LineCheck()
    for piece in pieces:
        check.look(piece)
    check.end()
    return check.bare


@given(octets, st.lists(st.integers(0, 12)))
def test_any_cut_gives_what_an_expression_finds_in_the_whole(message: bytes, cuts: list[int]) -> None:
    expected = re.search(rb"\r(?!\n)|(?<!\r)\n", message) is not None
    ends = sorted(min(cut, len(message)) for cut in cuts)
    pieces = [message[start:end] for start, end in zip([0, *ends], [*ends, len(message)], strict=True)]
    assert is_bare(pieces) is expected
    assert is_bare([message[i : i + 1] for i in range(len(message))]) is expected
