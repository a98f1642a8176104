"""Frames between processes."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from mailkeep.model.change import Hint
from mailkeep.model.errors import NoSpace, NotFound, Unavailable
from mailkeep.model.ids import AccountId, MailboxId, ModSeq
from mailkeep.workers.peers import Done, Doubt, Failed, Flush, Message, News, Write, _Asking, _Served


class Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written = b""
        self.aborted = False

    def write(self, octets: bytes) -> None:
        self.written += octets

    def abort(self) -> None:
        self.aborted = True

    def set_write_buffer_limits(self, high: int) -> None:
        pass

    def messages(self) -> list[Message]:
        found, octets = [], self.written
        while octets:
            (length,) = struct.unpack_from("!I", octets)
            found.append(msgspec.msgpack.decode(octets[4 : 4 + length], type=Message))
            octets = octets[4 + length :]
        self.written = b""
        return found


def frame(*messages: Message) -> bytes:
    encoded = [msgspec.msgpack.encode(message) for message in messages]
    return b"".join(struct.pack("!I", len(one)) + one for one in encoded)


class Owner:
    def __init__(self) -> None:
        self.heard: list[object] = []

    async def write(self, request: Write) -> bytes:
        self.heard.append(request)
        return b"result"

    def write_later(self, request: Write) -> None:
        self.heard.append(request)

    def hint(self, hint: Hint) -> None:
        self.heard.append(hint)

    def doubt(self) -> None:
        self.heard.append("doubt")


def served(owner: Owner) -> tuple[_Served, Wire]:
    def spawn(step: Any) -> Any:
        with pytest.raises(StopIteration):
            step.send(None)

    connection, wire = _Served(owner, spawn, set()), Wire()
    connection.connection_made(wire)  # type: ignore[arg-type]
    return connection, wire


NEWS = News(7, (1, 2), 99, True)
WRITE = Write(3, 1, "expunge", 1, 7, b"\x93\x01\xc0\x01")
LATER = Write(0, 1, "claim_recent", 1, 7, b"\x91\x01")


@pytest.mark.parametrize("size", [1, 3, 10_000], ids=["octet by octet", "in threes", "at once"])
def test_what_comes_in_pieces_is_heard_whole_and_in_order(size: int) -> None:
    owner = Owner()
    connection, wire = served(owner)
    octets = frame(Doubt(), NEWS, WRITE, LATER)
    for at in range(0, len(octets), size):
        connection.data_received(octets[at : at + size])
    hint = Hint(AccountId(7), frozenset({MailboxId(1), MailboxId(2)}), ModSeq(99), tree=True)
    assert owner.heard == ["doubt", hint, WRITE, LATER]
    assert wire.messages() == [Done(3, b"result")]


@pytest.mark.parametrize(
    "octets",
    [b"\xff\xff\xff\xff", b"\0\0\0\1\xc1", b"\0\0\0\0", frame(Done(1, b""))],
    ids=["long", "bad", "empty", "odd"],
)
def test_what_is_not_understood_ends_the_connection(octets: bytes) -> None:
    connection, wire = served(Owner())
    connection.data_received(octets)
    assert wire.aborted


def asking() -> tuple[_Asking, Wire]:
    return asking_with(lambda _: None)


def asking_with(unheard: Callable[[AccountId], None]) -> tuple[_Asking, Wire]:
    connection, wire = _Asking(unheard), Wire()
    connection.connection_made(wire)  # type: ignore[arg-type]
    return connection, wire


def test_the_first_word_on_a_connection_is_that_hints_may_have_got_lost() -> None:
    _, wire = asking()
    assert wire.messages() == [Doubt()]


def test_answers_find_their_questions_and_errors_keep_their_kind() -> None:
    async def main() -> None:
        connection, _ = asking()
        asked = [connection.ask(lambda n: Write(n, 1, "expunge", 1, 7, b"")) for _ in range(4)]
        connection.data_received(
            frame(Done(2, b"two"), Failed(1, "NotFound", "No"), Failed(3, "NoSpace", "Full"), Failed(4, "Odd", "?"))
        )
        assert await asked[1] == b"two"
        for number, kind in ((0, NotFound), (2, NoSpace), (3, Unavailable)):
            with pytest.raises(kind):
                await asked[number]

    asyncio.run(main())


def test_a_lost_connection_answers_everybody_that_the_outcome_is_unknown() -> None:
    async def main() -> None:
        connection, _ = asking()
        asked = connection.ask(lambda n: Write(n, 1, "expunge", 1, 7, b""))
        connection.connection_lost(None)
        for question in (asked, connection.ask(lambda n: Write(n, 1, "expunge", 1, 7, b""))):
            with pytest.raises(Unavailable):
                await question

    asyncio.run(main())


def test_what_was_done_or_may_have_been_for_somebody_who_has_gone_is_told_of() -> None:
    async def main() -> None:
        unheard: list[int] = []
        connection, _ = asking_with(unheard.append)
        asked = [connection.ask(lambda n, a=a: Write(n, 1, "expunge", 1, a, b"")) for a in (7, 8, 9)]  # type: ignore[misc]
        connection.ask(Flush).cancel()
        for question in asked[:2]:
            question.cancel()
        connection.data_received(frame(Done(1, b"one"), Failed(2, "NotFound", "No")))
        assert unheard == [7]
        connection.connection_lost(None)
        assert unheard == [7, 9]
        with pytest.raises(Unavailable):
            await asked[2]

    asyncio.run(main())


def test_a_peer_that_does_not_read_gets_no_hints_but_a_doubt_when_it_reads_again() -> None:
    connection, wire = asking()
    wire.messages()
    connection.tell(NEWS)
    connection.pause_writing()
    connection.tell(NEWS)
    connection.tell(NEWS)
    connection.resume_writing()
    connection.tell(NEWS)
    assert wire.messages() == [NEWS, Doubt(), NEWS]
