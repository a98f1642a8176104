"""What is sent of a message: doubled dots, the beginning that TOP wants, the CRLF at its end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailkeep.pop3.wire.stuffing import Stuffing, missing_end
from mailkeep.pop3.wire.top import Cutter

octets = st.lists(st.sampled_from([b"\r\n", b"\n", b"\r", b"a", b".", b".\r\n", b"\0", b"\xff"]), max_size=16).map(
    b"".join
)
cuts = st.lists(st.integers(0, 40), max_size=4)


def pieces(message: bytes, at: list[int]) -> list[bytes]:
    ends = sorted(min(cut, len(message)) for cut in at)
    return [message[start:end] for start, end in zip([0, *ends], [*ends, len(message)], strict=True)]


def sent(message: bytes, at: list[int]) -> bytes:
    stuffing = Stuffing()
    return b"".join([stuffing.add(piece) for piece in pieces(message, at)]) + stuffing.end()


def received(wire: bytes) -> tuple[bytes, bytes]:
    """What a client makes of it that reads lines by LF, as poplib does; and what is left for the next answer."""
    out: list[bytes] = []
    while wire:
        end = wire.index(b"\n") + 1
        line, wire = wire[:end], wire[end:]
        if line in (b".\r\n", b".\n"):
            return b"".join(out), wire
        out.append(line[1:] if line.startswith(b".") else line)
    raise AssertionError("no end")


@given(octets, cuts)
def test_a_client_gets_the_octets_that_are_kept_however_they_are_cut(message: bytes, at: list[int]) -> None:
    wire = sent(message, at)
    assert wire == sent(message, [])
    assert received(wire) == (message.replace(b"\0", b"\x80") + missing_end(message[-2:]), b"")


@given(octets, cuts)
def test_nothing_but_the_end_looks_like_the_end(message: bytes, at: list[int]) -> None:
    wire = sent(message, at)
    assert wire == b".\r\n" or wire.endswith(b"\r\n.\r\n")
    assert (b"\r\n" + wire).find(b"\r\n.\r\n") == len(wire) - 3


def top(message: bytes, lines: int, at: list[int]) -> bytes:
    cutter, out = Cutter(lines), b""
    for piece in pieces(message, at):
        out += cutter.take(piece)
        if cutter.done:
            break
    return out


@given(octets, st.integers(0, 4), cuts)
def test_top_cuts_at_the_same_place_however_a_message_comes(message: bytes, lines: int, at: list[int]) -> None:
    assert top(message, lines, at) == top(message, lines, [])
    assert message.startswith(top(message, lines, at))


def test_top_gives_header_blank_line_and_lines() -> None:
    message = b"A: b\r\nC: d\r\n\r\none\r\ntwo\r\nthree\r\n"
    assert top(message, 0, []) == b"A: b\r\nC: d\r\n\r\n"
    assert top(message, 2, [7, 13]) == b"A: b\r\nC: d\r\n\r\none\r\ntwo\r\n"
    assert top(message, 99, []) == message
    assert top(b"\r\nbody\r\nmore\r\n", 1, [1]) == b"\r\nbody\r\n"
    assert top(b"A: b\n\nbody\nmore\n", 1, []) == b"A: b\n\nbody\n"
    assert top(b"A: b\r\n", 1, []) == b"A: b\r\n"
