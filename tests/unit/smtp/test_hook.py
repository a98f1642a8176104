"""Hooks of the administrator, in real processes: what they decide, and what they do wrong."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.hook.frames import Said
from mailkeep.net.lane import Lane
from mailkeep.service.spool import Octets, Spool
from mailkeep.smtp.filters.fault import FilterFault, Tally, Terms
from mailkeep.smtp.filters.hook import PROCESSES, Hook, read_answer
from mailkeep.smtp.judging import Action, Arriving, Opinion
from mailkeep.smtp.wire.reply import Reply

MESSAGE = b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nbody\r\n"
DEFERRED = Opinion(Action.DEFER, Reply(451, "4.7.1", "The message cannot be checked now, try again later"))
HEAD = "from mailkeep.hook import *\n"

Judge = Callable[..., Awaitable[Opinion]]


def octets_of(message: bytes, directory: Path) -> Octets:
    if len(message) <= 1 << 20:
        return Octets(len(message), hashlib.sha256(message).digest(), message, None)
    spool = Spool(directory, 1 << 30)
    spool.write(message)
    return spool.finish()


@pytest.fixture
def with_hook(tmp_path: Path) -> Callable[..., None]:
    """``with_hook(source, test)``: the test gets a function that has messages judged, and the hook."""

    def run(source: str, test: Callable[[Judge, Hook], Awaitable[None]], patience_s: float = 20.0) -> None:
        path = tmp_path / "hook.py"
        path.write_text(HEAD + source)

        async def scenario() -> None:
            async with asyncio.timeout(30), asyncio.TaskGroup() as group:
                terms = Terms(patience_s=patience_s, defer=True, lane=Lane(group.create_task), tally=Tally())
                hook = Hook(path, terms)

                async def judge(message: bytes = MESSAGE, **changes: Any) -> Opinion:
                    values: dict[str, Any] = {
                        "peer": "192.0.2.7",
                        "peer_name": "mx.example.com",
                        "helo": "mx",
                        "tls": True,
                        "user": "",
                        "reverse_path": "joe@example.com",
                        "recipients": ("ann@example.org",),
                        "octets": octets_of(message, tmp_path),
                        "fields": b"Received-SPF: pass\r\n",
                        **changes,
                    }
                    return await hook.judge(Arriving(**values))

                try:
                    await test(judge, hook)
                finally:
                    hook.close()

        asyncio.run(scenario())

    return run


WithHook = Callable[..., None]


def decided(with_hook: WithHook, source: str, opinion: Opinion, message: bytes = MESSAGE) -> None:
    async def test(judge: Judge, _: Hook) -> None:
        assert await judge(message) == opinion

    with_hook(source, test)


@pytest.mark.parametrize(
    ("answer", "opinion"),
    [
        ("None", Opinion()),
        ("ACCEPT", Opinion()),
        ("JUNK", Opinion(Action.JUNK)),
        ("DISCARD", Opinion(Action.DISCARD)),
        ("reject('No, thank\\n you')", Opinion(Action.REJECT, Reply(550, "5.7.1", "No, thank you"))),
        ("defer('')", Opinion(Action.DEFER, Reply(451, "4.7.1", "Try again later"))),
        (
            "Decision(action='junk', headers=(('X-A', 'ö'), ('X-B', '1\\r\\n2')))",
            Opinion(Action.JUNK, fields="X-A: ö\r\nX-B: 1\r\n\t2\r\n".encode()),
        ),
    ],
    ids=repr,
)
def test_a_hook_decides(answer: str, opinion: Opinion, with_hook: WithHook) -> None:
    decided(with_hook, f"def on_delivery(message): return {answer}\n", opinion)


def test_a_hook_sees_the_envelope_and_the_message(with_hook: WithHook) -> None:
    source = """
def on_delivery(message):
    assert (message.peer, message.peer_name, message.helo) == ("192.0.2.7", "mx.example.com", "mx")
    assert (message.tls, message.sender, message.recipients) == (True, "joe@example.com", ("ann@example.org",))
    assert message.size == len(message.octets)
    assert message.email["Received-SPF"] == "pass"
    return reject(message.email["Subject"])
"""

    async def test(judge: Judge, _: Hook) -> None:
        assert await judge() == Opinion(Action.REJECT, Reply(550, "5.7.1", "Grüße"))

    with_hook(source, test)


def test_a_large_message_is_read_from_its_file(with_hook: WithHook) -> None:
    source = "def on_delivery(message): return reject(f'{len(message.octets)} {message.octets[-3:]} {message.data}')\n"
    decided(
        with_hook, source, Opinion(Action.REJECT, Reply(550, "5.7.1", "3000000 b'xyz' None")), b"x" * 2_999_997 + b"xyz"
    )


def test_a_hook_keeps_what_it_has_loaded_and_can_import_what_lies_beside_it(
    with_hook: WithHook, tmp_path: Path
) -> None:
    (tmp_path / "beside_the_hook.py").write_text("seen = []\n")
    source = """
import beside_the_hook
def on_delivery(message):
    beside_the_hook.seen.append(message)
    return reject(str(len(beside_the_hook.seen)))
"""

    async def test(judge: Judge, _: Hook) -> None:
        replies = [(await judge()).reply for _ in range(3)]
        assert [reply.text for reply in replies if reply is not None] == ["1", "2", "3"]

    with_hook(source, test)


DEF = "def on_delivery(message): "
NO_HEADER = "its decision has a header that is none"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (DEF + "raise KeyError('secret')", "KeyError in line 2"),
        (DEF + "return 'junk'", "on_delivery returned str, neither a Decision nor None"),
        (DEF + "return Decision(action='dance')", "ValueError"),
        (DEF + "return reject('\\udc80')", "the answer has text that is no Unicode"),
        (DEF + "return reject('x' * 100_000)", "the answer is too long"),
        (DEF + "return Decision(headers=(('A b', ''),))", NO_HEADER),
        (DEF + "return Decision(headers=(('A', 'b' * 1000),))", NO_HEADER),
        (DEF + "return Decision(headers=(('A', 'b'),) * 101)", "its decision has too many headers"),
        ("import nothing_of_this_name", "ModuleNotFoundError in line 2"),
        ("def on_delivery(message) return", "SyntaxError"),
        ("pass", "AttributeError"),
        (DEF + "raise SystemExit", "its process ended"),
        ("import os\n" + DEF + "os._exit(0)", "its process ended"),
    ],
    ids=repr,
)
def test_what_a_hook_does_wrong_is_a_fault_and_told_without_content_of_mail(
    source: str, reason: str, with_hook: WithHook, capsys: pytest.CaptureFixture[str]
) -> None:
    async def test(judge: Judge, _: Hook) -> None:
        assert await judge() == DEFERRED
        assert await judge() == DEFERRED

    with_hook(source, test)
    told = capsys.readouterr().out
    assert told.count(f"reason={reason!r}") + told.count(f"reason={reason}") == 2
    assert "secret" not in told


def test_a_hook_that_takes_too_long_is_killed_and_the_next_message_gets_another_one(with_hook: WithHook) -> None:
    source = """
import os
def on_delivery(message):
    if message.size > 100:
        while True: pass
    return reject(str(os.getpid()))
"""

    async def test(judge: Judge, hook: Hook) -> None:
        first = await judge()
        process = hook._pool._idle[0].process
        assert await judge(b"x" * 200) == DEFERRED
        assert await asyncio.to_thread(process.wait) == -9
        second = await judge()
        assert second.action is Action.REJECT
        assert second != first

    with_hook(source, test, patience_s=2.0)


def test_a_process_that_died_while_it_had_nothing_to_do_is_not_missed(with_hook: WithHook) -> None:
    async def test(judge: Judge, hook: Hook) -> None:
        assert await judge() == Opinion(Action.JUNK)
        process = hook._pool._idle[0].process
        process.kill()
        await asyncio.to_thread(process.wait)
        assert await judge() == Opinion(Action.JUNK)

    with_hook("def on_delivery(message): return JUNK\n", test)


def test_so_many_processes_run_at_once_and_no_more(with_hook: WithHook) -> None:
    source = "import os\ndef on_delivery(message): return reject(str(os.getpid()))\n"

    async def test(judge: Judge, hook: Hook) -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(judge()) for _ in range(20)]  # type: ignore[arg-type]
        assert len({task.result().reply for task in tasks}) <= PROCESSES
        assert len(hook._pool._idle) <= PROCESSES

    with_hook(source, test)


def test_with_the_hook_its_processes_end_those_at_work_when_they_are_done(with_hook: WithHook, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    source = f"def on_delivery(message): open({str(fifo)!r}, 'rb').read(); return JUNK\n"

    async def test(judge: Judge, hook: Hook) -> None:
        async with asyncio.TaskGroup() as group:
            judged = group.create_task(judge())  # type: ignore[arg-type]
            descriptor = await asyncio.to_thread(os.open, fifo, os.O_WRONLY)  # waits until the hook reads
            hook.close()
            os.close(descriptor)
        assert judged.result() == Opinion(Action.JUNK)
        assert hook._pool._idle == []

    with_hook(source, test)


@given(
    st.one_of(
        st.binary(max_size=40),
        st.builds(
            lambda *values: msgspec.msgpack.encode(Said(*values)),
            st.sampled_from([action.value for action in Action] + ["x"]),
            st.text(),
            st.lists(st.tuples(st.text(max_size=5), st.text(max_size=20)), max_size=3).map(tuple),
        ),
    )
)
def test_whatever_a_process_says_is_an_opinion_or_a_fault(frame: bytes) -> None:
    try:
        opinion = read_answer(frame)
    except FilterFault:
        return
    assert b"\n" not in opinion.fields.replace(b"\r\n", b"")
    assert b"\r\n\r\n" not in opinion.fields
