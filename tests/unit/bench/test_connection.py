import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from time import perf_counter

import pytest

from mailkeep.bench.connection import Connection, Script, Wrong, drive, must_be_ok, open_connection
from mailkeep.bench.target import Target

Answer = Callable[[bytes], list[bytes]]
PATIENCE_S = 0.2


class Peer:
    """A server on loopback: for each line, what `answer` gives is sent, one piece at a time."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.target = Target(host="127.0.0.1", port=self.listener.getsockname()[1], users=1, patience_s=PATIENCE_S)
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self) -> None:
        connection, _ = self.listener.accept()
        with contextlib.suppress(ConnectionError), connection, connection.makefile("rb") as lines:
            connection.sendall(b"* OK ready\r\n")
            for line in lines:
                for piece in self.answer(line):
                    connection.sendall(piece)


@pytest.fixture
def peer() -> Iterator[Callable[[Answer], Connection]]:
    opened: list[tuple[Peer, Connection]] = []

    def start(answer: Answer) -> Connection:
        peer = Peer(answer)
        opened.append((peer, Connection(peer.target, None)))
        assert opened[-1][1].wait(b"* ") == b"* OK ready\r\n"
        return opened[-1][1]

    yield start
    for one, connection in opened:
        connection.close()
        one.thread.join()
        one.listener.close()


def ok(line: bytes) -> bytes:
    return line.split()[0] + b" OK done\r\n"


def test_an_answer_is_whole_when_its_last_line_has_the_tag(peer: Callable[[Answer], Connection]) -> None:
    connection = peer(lambda line: [b"* 1 FETCH (BODY[] {8}\r\n", b"x OK y\r\n)\r\n", ok(line)[:5], ok(line)[5:]])
    assert connection.command(b"NOOP").startswith(b"* 1 FETCH (BODY[] {8}\r\nx OK y\r\n)\r\nzq")


def test_a_tag_within_a_line_ends_nothing(peer: Callable[[Answer], Connection]) -> None:
    connection = peer(lambda line: [b"* OK not " + ok(line), ok(line)])
    assert connection.command(b"NOOP").count(b"\r\n") == 2


def test_no_is_wrong_where_ok_is_wanted(peer: Callable[[Answer], Connection]) -> None:
    connection = peer(lambda line: [line.split()[0] + b" NO never\r\n"])
    with pytest.raises(Wrong, match=r"NOOP was answered b'zq.* NO never"):
        connection.command(b"NOOP")
    assert b" NO never" in connection.try_command(b"NOOP")


def test_a_server_that_hangs_up_or_says_nothing_is_wrong(peer: Callable[[Answer], Connection]) -> None:
    silent = peer(lambda _: [])
    with pytest.raises(TimeoutError):
        silent.command(b"NOOP")

    def endless() -> Script:
        yield b"x\r\n", b"x "

    with pytest.raises(Wrong, match="no answer within"):
        drive([(silent, endless())], PATIENCE_S)


def test_a_greeting_that_is_not_ok_is_wrong() -> None:
    def refuse(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"* BYE busy\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        target = Target(host="127.0.0.1", port=listener.getsockname()[1])
        thread = threading.Thread(target=refuse, args=(listener,))
        thread.start()
        with pytest.raises(Wrong, match=r"the greeting is b'\* BYE busy"):
            open_connection(target, 1, None)
        thread.join()


def test_scripts_run_side_by_side_and_may_rest(peer: Callable[[Answer], Connection]) -> None:
    done: list[str] = []

    def script(connection: Connection, name: str, rest_s: float) -> Script:
        for _ in range(2):
            yield rest_s
            tag = connection.tag()
            must_be_ok((yield tag + b" NOOP\r\n", tag + b" "), tag, b"NOOP")
            done.append(name)

    start = perf_counter()
    one, two = peer(lambda line: [ok(line)]), peer(lambda line: [ok(line)])
    drive([(one, script(one, "slow", 0.1)), (two, script(two, "quick", 0.0))], 5)
    assert sorted(done) == ["quick", "quick", "slow", "slow"]
    assert done[0] == "quick"
    assert perf_counter() - start >= 0.2


def test_what_is_wrong_in_one_script_ends_all(peer: Callable[[Answer], Connection]) -> None:
    one, two = peer(lambda line: [ok(line)]), peer(lambda line: [b"z BAD\r\n"])
    closed: list[bool] = []

    def good() -> Script:
        try:
            while True:
                tag = one.tag()
                yield tag + b" NOOP\r\n", tag + b" "
        finally:
            closed.append(True)

    def bad() -> Script:
        answer = yield b"a NOOP\r\n", (b"a ", b"z ")
        must_be_ok(answer, b"a", b"NOOP")

    with pytest.raises(Wrong, match="z BAD"):
        drive([(one, good()), (two, bad())], 5)
    assert closed == [True]


def test_users_beyond_the_last_begin_again() -> None:
    target = Target(host="h", port=1, user="u%d@x", users=3)
    assert [target.name(number) for number in (1, 3, 4, 7)] == ["u1@x", "u3@x", "u1@x", "u1@x"]
