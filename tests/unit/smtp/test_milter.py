"""The milter protocol with a small milter that can be told what to wish, to answer and to change."""

from __future__ import annotations

import asyncio
import hashlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.net.lane import Lane
from mailkeep.service.spool import Octets, Spool
from mailkeep.smtp.filters.fault import Tally, Terms
from mailkeep.smtp.filters.milter import MAX_CHANGES, Milter, Room
from mailkeep.smtp.judging import Action, Arriving, Opinion
from mailkeep.smtp.wire import milter as wire
from mailkeep.smtp.wire.milter import BadFrame, Wish
from mailkeep.smtp.wire.reply import Reply

MESSAGE = b"Subject: x\r\nTo: ann,\r\n\tbob\r\nSubject:y\r\n\r\nbody\r\nmore\r\n"
FIELDS = b"Received-SPF: pass\r\n"
DEFERRED = Opinion(Action.DEFER, Reply(451, "4.7.1", "The message cannot be checked now, try again later"))


@dataclass
class Script:
    """What the milter wishes, what it answers to which letter, and what it says at the end before its answer."""

    wishes: int = 0
    answers: Mapping[bytes, bytes] = field(default_factory=dict)
    changes: Sequence[bytes] = ()
    options: bytes | None = None
    seen: list[tuple[bytes, bytes]] = field(default_factory=list)
    open: int = 0
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    def silent(self, letter: bytes) -> bool:
        by_letter = {
            b"C": Wish.SILENT_CONNECT, b"H": Wish.SILENT_HELO, b"M": Wish.SILENT_MAIL, b"R": Wish.SILENT_RCPT,
            b"T": Wish.SILENT_DATA, b"L": Wish.SILENT_FIELD, b"N": Wish.SILENT_END_OF_HEADER, b"B": Wish.SILENT_BODY,
        }  # fmt: skip
        return letter == b"D" or bool(by_letter.get(letter, 0) & self.wishes)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.gone.clear()
        try:
            while True:
                (size,) = struct.unpack("!I", await reader.readexactly(4))
                payload = await reader.readexactly(size)
                letter, data = payload[:1], payload[1:]
                self.seen.append((letter, data))
                if letter == b"O":
                    options = struct.pack("!III", 6, 0x33, self.wishes) if self.options is None else self.options
                    writer.write(wire.frame(b"O", options))
                elif letter == b"E":
                    writer.write(b"".join(self.changes) + self.answers.get(b"E", wire.frame(b"c")))
                elif not self.silent(letter):
                    writer.write(self.answers.get(letter, wire.frame(b"c")))
        except (EOFError, ConnectionError):
            writer.transport.abort()
            self.open -= 1
            if not self.open:
                self.gone.set()

    def letters(self) -> str:
        return b"".join(letter for letter, _ in self.seen if letter not in (b"D", b"Q")).decode()

    def of(self, letter: bytes) -> list[bytes]:
        return [data for seen, data in self.seen if seen == letter]


def judged(
    script: Script, tmp_path: Path, message: bytes = MESSAGE, *, patience_s: float = 5.0, **changes: Any
) -> tuple[Opinion, bytes]:
    """The milter's opinion, and the message as it would be stored."""

    async def main() -> tuple[Opinion, bytes]:
        server = await asyncio.start_unix_server(script.serve, tmp_path / "milter")
        octets = Octets(len(message), hashlib.sha256(message).digest(), message, None)
        if len(message) > 1 << 20:
            spool = Spool(tmp_path, 1 << 30)
            spool.write(message)
            octets = spool.finish()
        values: dict[str, Any] = {
            "peer": "192.0.2.7",
            "peer_name": "mx.example.com",
            "helo": "mx",
            "tls": False,
            "user": "",
            "reverse_path": "joe@example.com",
            "recipients": ("ann@example.org", "bob@example.org"),
            "octets": octets,
            "fields": FIELDS,
            **changes,
        }
        async with server, asyncio.timeout(20), asyncio.TaskGroup() as group:
            terms = Terms(patience_s=patience_s, defer=True, lane=Lane(group.create_task), tally=Tally())
            room = Room(directory=tmp_path, max_message=1 << 24, hostname="mail.example.org")
            opinion = await Milter(tmp_path / "milter", terms, room).judge(Arriving(**values))
            if script.open:
                await script.gone.wait()
        whole = b"".join((opinion.octets or octets).pieces())
        if opinion.octets is not None:
            opinion.octets.discard()
        octets.discard()
        assert list(tmp_path.glob("incoming-*")) == []
        return opinion, opinion.fields + FIELDS + whole

    return asyncio.run(main())


def test_a_milter_hears_the_dialogue_and_the_message(tmp_path: Path) -> None:
    script = Script()
    assert judged(script, tmp_path) == (Opinion(), FIELDS + MESSAGE)
    assert script.letters() == "OCHMRRTLLLLNBE"
    assert script.of(b"O") == [struct.pack("!III", 6, 0x33, 0x1FFFFF)]
    assert script.of(b"C") == [b"mx.example.com\x004\0\x00192.0.2.7\0"]
    assert script.of(b"H") == [b"mx\0"]
    assert script.of(b"M") == [b"<joe@example.com>\0"]
    assert script.of(b"R") == [b"<ann@example.org>\0", b"<bob@example.org>\0"]
    assert script.of(b"L") == [
        b"Received-SPF\0pass\0",
        b"Subject\0x\0",
        b"To\0ann,\n\tbob\0",
        b"Subject\0y\0",
    ]
    assert script.of(b"B") == [b"body\r\nmore\r\n"]
    macros = dict(pair for data in script.of(b"D") for pair in zip(*[iter(data[1:].split(b"\0"))] * 2, strict=False))
    assert macros[b"j"] == b"mail.example.org"
    assert macros[b"{mail_addr}"] == b"joe@example.com"
    assert macros[b"{rcpt_addr}"] == b"bob@example.org"
    assert len(macros[b"i"]) == 16


def test_connections_of_ipv6_and_of_unix_sockets_are_told_as_such(tmp_path: Path) -> None:
    told = ((b"[2001:db8::1]\x006\0\x002001:db8::1\0", "2001:db8::1"), (b"localhost\0U", ""))
    for number, (connection, peer) in enumerate(told):
        script = Script()
        (tmp_path / str(number)).mkdir()
        judged(script, tmp_path / str(number), peer=peer, peer_name="")
        assert script.of(b"C") == [connection]


def test_what_a_milter_does_not_want_it_is_not_told_or_need_not_answer(tmp_path: Path) -> None:
    script = Script(wishes=Wish.NO_CONNECT | Wish.NO_HELO | Wish.NO_BODY | Wish.NO_DATA | Wish.SILENT_FIELD)
    assert judged(script, tmp_path)[0] == Opinion()
    assert script.letters() == "OMRRLLLLNE"
    script = Script(wishes=0x1FFFFF & ~0x7FF & ~Wish.NO_DATA)
    assert judged(script, tmp_path)[0] == Opinion()
    assert script.letters() == "OCHMRRTLLLLNBE"


def test_a_milter_of_an_earlier_version_is_not_told_of_data(tmp_path: Path) -> None:
    script = Script(options=struct.pack("!III", 2, 0x1, 0))
    assert judged(script, tmp_path)[0] == Opinion()
    assert script.letters() == "OCHMRRLLLLNBE"


def test_with_the_leading_space_values_come_and_go_as_they_are(tmp_path: Path) -> None:
    script = Script(
        wishes=Wish.LEADING_SPACE, changes=[wire.frame(b"h", b"X-A\0  1\0"), wire.frame(b"h", b"X-B\x002\0")]
    )
    _, stored = judged(script, tmp_path)
    assert script.of(b"L")[1::2] == [b"Subject\0 x\0", b"Subject\0y\0"]
    assert b"Subject:y\r\nX-A:  1\r\nX-B: 2\r\n\r\n" in stored


def test_a_large_message_comes_in_pieces_until_the_milter_has_seen_enough(tmp_path: Path) -> None:
    message = MESSAGE + b"x" * 3_000_000
    script = Script()
    assert judged(script, tmp_path, message)[0] == Opinion()
    pieces = script.of(b"B")
    assert max(map(len, pieces)) <= wire.CHUNK
    assert b"".join(pieces) == message.partition(b"\r\n\r\n")[2]
    script = Script(answers={b"B": wire.frame(b"s")})
    assert judged(script, tmp_path, message)[0] == Opinion()
    assert len(script.of(b"B")) == 1


@pytest.mark.parametrize("letter", [b"C", b"H", b"M", b"R", b"T", b"L", b"N", b"B", b"E"])
@pytest.mark.parametrize(
    ("answer", "opinion"),
    [
        (wire.frame(b"a"), Opinion()),
        (wire.frame(b"r"), Opinion(Action.REJECT, Reply(550, "5.7.1", "Message refused"))),
        (wire.frame(b"t"), Opinion(Action.DEFER, Reply(451, "4.7.1", "Try again later"))),
        (wire.frame(b"d"), Opinion(Action.DISCARD)),
        (wire.frame(b"p") * 3 + wire.frame(b"y", b"554 5.6.0 No\0"), Opinion(Action.REJECT, Reply(554, "5.6.0", "No"))),
        (wire.frame(b"y", b"421 Go\r\n421 away\0"), Opinion(Action.DEFER, Reply(451, "4.7.1", "Go away"))),
    ],
    ids=repr,
)
def test_an_answer_to_anything_counts_for_the_message(
    letter: bytes, answer: bytes, opinion: Opinion, tmp_path: Path
) -> None:
    script = Script(answers={letter: answer})
    assert judged(script, tmp_path)[0] == opinion
    assert script.letters().endswith(letter.decode())


def changed(tmp_path: Path, *changes: bytes, message: bytes = MESSAGE) -> bytes:
    return judged(Script(changes=changes), tmp_path, message)[1]


def indexed(letter: bytes, index: int, data: bytes) -> bytes:
    return wire.frame(letter, struct.pack("!I", index) + data)


def test_fields_are_added_at_the_end_or_in_front(tmp_path: Path) -> None:
    assert changed(tmp_path, wire.frame(b"h", b"X-A\x001\0")) == FIELDS + MESSAGE.replace(
        b":y\r\n", b":y\r\nX-A: 1\r\n"
    )
    assert (
        changed(tmp_path, indexed(b"i", 0, b"X-A\x001\0"), indexed(b"i", 1, b"X-B\x002\n 3\0"))
        == b"X-B: 2\r\n 3\r\nX-A: 1\r\n" + FIELDS + MESSAGE
    )
    assert changed(tmp_path, indexed(b"i", 3, b"X-A\x001\0")) == FIELDS + MESSAGE.replace(b"To:", b"X-A: 1\r\nTo:")


def test_fields_are_changed_and_removed_by_their_number_among_those_of_the_name(tmp_path: Path) -> None:
    assert changed(tmp_path, indexed(b"m", 2, b"subject\0z\0")) == FIELDS + MESSAGE.replace(b"Subject:y", b"subject: z")
    assert changed(tmp_path, indexed(b"m", 1, b"To\0\0")) == FIELDS + MESSAGE.replace(b"To: ann,\r\n\tbob\r\n", b"")
    assert changed(tmp_path, indexed(b"m", 3, b"Subject\0z\0")) == FIELDS + MESSAGE.replace(
        b":y\r\n", b":y\r\nSubject: z\r\n"
    )
    assert changed(tmp_path, indexed(b"m", 9, b"Subject\0\0")) == FIELDS + MESSAGE


def test_what_other_judges_have_said_stays(tmp_path: Path) -> None:
    assert changed(tmp_path, indexed(b"m", 1, b"Received-SPF\0fail\0")) == FIELDS + MESSAGE


def test_a_value_cannot_bring_fields_of_its_own(tmp_path: Path) -> None:
    stored = changed(tmp_path, wire.frame(b"h", b"X-A\x001\r\nX-B: 2\r\n\r\nbody\0"))
    assert stored == FIELDS + MESSAGE.replace(b":y\r\n", b":y\r\nX-A: 1\r\n\tX-B: 2\r\n\tbody\r\n")


def test_a_body_is_replaced_whatever_its_size(tmp_path: Path) -> None:
    pieces = [wire.frame(b"b", b"n" * 60_000) for _ in range(40)]
    stored = changed(tmp_path, *pieces, wire.frame(b"h", b"X-A\x001\0"))
    assert stored == FIELDS + MESSAGE.partition(b"\r\n\r\n")[0] + b"\r\nX-A: 1\r\n\r\n" + b"n" * 2_400_000


def test_a_message_without_header_or_without_body_can_be_changed_too(tmp_path: Path) -> None:
    add = wire.frame(b"h", b"X-A\x001\0")
    assert changed(tmp_path, add, message=b"\r\nbody\r\n") == FIELDS + b"X-A: 1\r\n\r\nbody\r\n"
    assert changed(tmp_path, add, message=b"A: b\r\n") == FIELDS + b"A: b\r\nX-A: 1\r\n\r\n"
    assert changed(tmp_path, add, message=b"") == FIELDS + b"X-A: 1\r\n\r\n"


def test_a_message_to_be_held_goes_to_junk(tmp_path: Path) -> None:
    assert judged(Script(changes=[wire.frame(b"q", b"why\0")]), tmp_path)[0] == Opinion(Action.JUNK)


@pytest.mark.parametrize(
    "script",
    [
        Script(options=b""),
        Script(options=struct.pack("!III", 1, 0, 0)),
        Script(options=struct.pack("!III", 6, 0, 1 << 30)),
        Script(answers={b"H": wire.frame(b"z")}),
        Script(answers={b"H": wire.frame(b"h", b"X-A\x001\0")}),
        Script(answers={b"H": b"\xff\xff\xff\xff"}),
        Script(answers={b"H": b"\0\0\0\0"}),
        Script(answers={b"H": wire.frame(b"s")}),
        Script(answers={b"H": wire.frame(b"y", b"250 2.0.0 fine\0")}),
        Script(changes=[wire.frame(b"h", b"X A\x001\0")]),
        Script(changes=[wire.frame(b"h", b"X-A\x001")]),
        Script(changes=[wire.frame(b"m", b"\0\0")]),
        Script(changes=[wire.frame(b"+", b"<eve@example.net>\0")]),
        Script(changes=[wire.frame(b"h", b"X-A\x001\0")] * (MAX_CHANGES + 1)),
        Script(changes=[wire.frame(b"b", b"x" * 1_000_000)] * 17),
        Script(changes=[wire.frame(b"h", b"X-A\0" + b"x" * 500_000 + b"\0")] * 3),
    ],
    ids=lambda script: repr(script)[:60],
)
def test_a_milter_that_talks_nonsense_is_at_fault(script: Script, tmp_path: Path) -> None:
    assert judged(script, tmp_path)[0] == DEFERRED


def test_a_milter_that_does_not_answer_or_is_not_there_is_at_fault(tmp_path: Path) -> None:
    assert judged(Script(answers={b"H": b""}), tmp_path, patience_s=0.1)[0] == DEFERRED

    async def main() -> Opinion:
        octets = Octets(0, b"", b"", None)
        async with asyncio.TaskGroup() as group:
            terms = Terms(patience_s=5.0, defer=True, lane=Lane(group.create_task), tally=Tally())
            room = Room(directory=tmp_path, max_message=1, hostname="x")
            arriving = Arriving(
                peer="", peer_name="", helo="", tls=False, user="", reverse_path="", recipients=(), octets=octets
            )
            return await Milter(("127.0.0.1", 1), terms, room).judge(arriving)

    assert asyncio.run(main()) == DEFERRED


def test_a_header_without_end_is_no_way_to_fill_memory(tmp_path: Path) -> None:
    assert judged(Script(), tmp_path, b"X: y\r\n" * 300_000)[0] == DEFERRED


@given(st.binary(min_size=1, max_size=60))
def test_whatever_a_milter_says_is_an_answer_or_nonsense(payload: bytes) -> None:
    try:
        answer = wire.parse(payload)
    except BadFrame:
        return
    match answer:
        case wire.AddField(name, value) | wire.ChangeField(name, value):
            line = wire.render(name, value, leading_space=False)
            assert len(wire.split_header(line)) == 1
            assert line.endswith(b"\r\n")
            assert b"\0" not in line
        case wire.Verdict(b"y", code, enhanced):
            assert 400 <= code <= 599
            assert enhanced[0] == str(code)[0]
        case _:
            pass


@given(st.lists(st.sampled_from([b"A: b", b" c", b"\t", b"x", b"\r", b":", b"\r\n", b"\n"]), max_size=12).map(b"".join))
def test_the_fields_of_a_header_are_the_header(header: bytes) -> None:
    whole = header + b"\r\n" if header else b""
    assert b"".join(wire.split_header(whole)).replace(b"\n", b"") == whole.replace(b"\n", b"")
