"""Every command that stands in an example of RFC 9051 and RFC 7162 is read, however its octets arrive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.imap.wire.feeding import PARSERS, octet_by_octet, outcome
from tests.unit.imap.wire.rfc_examples import COMMANDS, WITH_LITERALS

from mailkeep.imap.wire import command
from mailkeep.imap.wire.framing import Raw
from mailkeep.imap.wire.lexer import ParseError


def read(raw: Raw) -> object:
    head = command.parse(raw)
    return PARSERS[head.name](head.args)


@pytest.mark.parametrize("octets", COMMANDS + WITH_LITERALS, ids=str)
def test_an_example_is_read_whole_octet_by_octet_and_with_data_after_it(octets: bytes) -> None:
    (whole,) = outcome([octets])
    assert isinstance(whole, Raw)
    value = read(whole)
    assert outcome(octet_by_octet(octets)) == [whole]
    first, *_ = outcome([octets + b"b LOGIN {3}\r\n"])
    assert isinstance(first, Raw)
    assert read(first) == value


@pytest.mark.parametrize("octets", COMMANDS, ids=str)
def test_a_word_too_many_is_refused(octets: bytes) -> None:
    raw = Raw(octets.removesuffix(b"\r\n") + b" (x")
    with pytest.raises(ParseError):
        read(raw)


def test_an_unknown_charset_of_the_examples_is_told() -> None:
    (raw,) = outcome([b"B283 SEARCH RETURN (SAVE) CHARSET KOI8-R (OR $ 1,3000:3021) TEXT {4}\r\nXXXX\r\n"])
    assert isinstance(raw, Raw)
    assert not read(raw).charset_known


@given(st.lists(st.sampled_from(COMMANDS + WITH_LITERALS), min_size=1, max_size=5), st.data())
def test_pipelined_examples_are_the_same_wherever_they_are_cut(chosen: list[bytes], data: st.DataObject) -> None:
    octets = b"".join(chosen)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(octets)), max_size=12)))
    pieces = [octets[start:end] for start, end in zip([0, *cuts], [*cuts, len(octets)], strict=True)]
    assert outcome(pieces) == [event for one in chosen for event in outcome([one])]
