"""What is found in the octets of a message, however they are cut."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.service.spool import Octets
from mailkeep.smtp.outbound.message import Facts, _inspect


@dataclass(frozen=True, slots=True)
class Cut(Octets):
    """Octets that come in pieces of one size."""

    step: int = 1

    def pieces(self) -> Iterator[bytes]:
        assert self.data is not None
        for at in range(0, len(self.data), self.step):
            yield self.data[at : at + self.step]


def facts(data: bytes, step: int = 1000) -> Facts:
    return _inspect(Cut(len(data), b"", data, None, step), is_binary=True)


@pytest.mark.rfc("8689", "4.1")
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"TLS-Required: No\r\n\r\n", True),
        (b"a: b\r\ntls-required:no \r\nc: d\r\n\r\n", True),
        (b"a: b\r\n\r\nTLS-Required: No\r\n", False),
        (b"TLS-Required: Nobody\r\n\r\n", False),
        (b"X-TLS-Required: No\r\n\r\n", False),
        (b"", False),
    ],
)
def test_the_header_can_say_that_tls_is_not_required(data: bytes, expected: bool) -> None:
    assert facts(data).tls_optional is expected
    assert facts(data, 1).tls_optional is expected


@given(
    st.lists(st.binary(max_size=8) | st.sampled_from([b"\r\n", b"\r", b"\n", b"\0", b"x" * 500])).map(b"".join),
    st.integers(1, 9),
)
def test_facts_do_not_depend_on_how_octets_are_cut(data: bytes, step: int) -> None:
    lines = data.split(b"\r\n")
    found = facts(data, step)
    assert found == facts(data)
    assert found.is_ascii is data.isascii()
    assert found.is_text is all(len(line) <= 998 and not set(line) & set(b"\r\n\0") for line in lines)


def test_a_file_is_looked_through_in_pieces(tmp_path: Path) -> None:
    file = tmp_path / "message"
    data = b"Subject: x\r\n\r\n" + b"line\r\n" * 300_000 + b"\xff"
    file.write_bytes(data)
    found = _inspect(Octets(len(data), b"", None, file), is_binary=True)
    assert (found.size, found.is_ascii, found.header_is_ascii, found.is_text) == (len(data), False, True, True)
