"""The connection engine with peers that pipeline, dawdle, do not read, vanish, or talk nonsense; on real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import wraps
from typing import Any

import pytest
import uvloop

from mailkeep.certificates import ensure_self_signed
from mailkeep.net import connection as engine
from mailkeep.net.connection import HIGH_WATER, READ_AHEAD, Connection, Step
from mailkeep.net.limits import AddressLimit
from mailkeep.net.listener import Listener
from mailkeep.service.ledger import Ledger

DEADLINE_S = 20.0
CHUNK = 64 * 1024


class Lines:
    """A protocol for tests: a command is a line, and does what its name says."""

    def __init__(self, connection: Connection, world: World) -> None:
        self.connection, self.world = connection, world
        self.buffer = bytearray()
        self.lost_calls = 0
        self.produced = 0
        self.cancelled = False
        self.draining = False
        world.sessions.append(self)
        connection.write(b"hello\n")

    def feed(self, data: bytes) -> None:
        self.buffer += data

    def buffered(self) -> int:
        return len(self.buffer)

    def next(self) -> Step | None:
        if self.draining:
            self.connection.write(b"bye\n")
            self.connection.close()
            return None
        line, end, _ = self.buffer.partition(b"\n")
        if not end:
            return None
        del self.buffer[: len(line) + 1]
        name, _, argument = line.decode().partition(" ")
        step: Step = getattr(self, f"do_{name}")(argument)
        return step

    async def do_ping(self, argument: str) -> None:
        self.connection.write(f"pong {argument}\n".encode())

    async def do_wait(self, argument: str) -> None:
        self.world.waiting.set()
        try:
            await self.world.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            self.world.was_cancelled.set()
            raise
        self.connection.write(f"waited {argument}\n".encode())

    async def do_produce(self, argument: str) -> None:
        for _ in range(int(argument)):
            self.connection.write(b"x" * CHUNK)
            self.produced += 1
            await self.connection.drain()
        self.connection.write(b"\nproduced\n")

    async def do_flood(self, argument: str) -> None:
        self.connection.write(b"x" * int(argument))

    async def do_fail(self, _: str) -> None:
        raise ZeroDivisionError

    async def do_fail_later(self, _: str) -> None:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    async def do_work(self, argument: str) -> None:
        late = time.perf_counter() + float(argument)
        while time.perf_counter() < late:
            pass
        self.world.worked += 1

    async def do_quit(self, _: str) -> None:
        self.connection.write(b"bye\n")
        self.connection.close()

    async def do_deadline(self, argument: str) -> None:
        self.connection.set_deadline(float(argument))

    async def do_starttls(self, _: str) -> None:
        self.buffer.clear()
        self.connection.write(b"go ahead\n")
        await self.connection.start_tls(self.world.tls)

    def timed_out(self) -> None:
        self.connection.write(b"too slow\n")
        self.connection.close()

    def drain(self) -> None:
        self.draining = True
        if not self.connection.busy:
            self.connection.run_soon()

    def bug(self) -> None:
        self.connection.write(b"sorry\n")

    def lost(self) -> None:
        self.lost_calls += 1
        self.world.gone.set()


class World:
    """A listener, and what its sessions do."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self.tls = tls
        self.sessions: list[Lines] = []
        self.worked = 0
        self.waiting, self.go_on, self.gone, self.was_cancelled = (asyncio.Event() for _ in range(4))
        self.limit = AddressLimit(Ledger.alone(), 100)
        self.listener = Listener("test", self.open, limit=self.limit)
        self.tls_listener = Listener("tls", self.open, limit=self.limit, tls=tls)
        self.address: tuple[str, int]
        self.tls_address: tuple[str, int]

    def open(self, connection: Connection) -> Lines:
        return Lines(connection, self)

    async def connect_tls(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(*self.tls_address, ssl=trusting())
        assert await reader.readline() == b"hello\n"
        return reader, writer

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(*self.address)
        assert await reader.readline() == b"hello\n"
        return reader, writer

    def connect_deaf(self) -> socket.socket:
        """A peer that reads only when told to, and cannot hold much."""
        peer = socket.socket()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        peer.connect(self.address)
        peer.setblocking(False)
        return peer


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    files = ensure_self_signed(tmp_path_factory.mktemp("tls"), ("localhost",), dt.datetime.now(dt.UTC))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.certificate, files.key)
    return context


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def loop_factory(request: pytest.FixtureRequest) -> Callable[[], asyncio.AbstractEventLoop]:
    factory: Callable[[], asyncio.AbstractEventLoop] = request.param
    return factory


@contextlib.asynccontextmanager
async def world_of(tls: ssl.SSLContext) -> AsyncIterator[World]:
    async with asyncio.timeout(DEADLINE_S):
        world = World(tls)
        bound, tls_bound = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
        world.address, world.tls_address = bound.getsockname()[:2], tls_bound.getsockname()[:2]
        await world.listener.start([bound])
        await world.tls_listener.start([tls_bound])
        yield world
        for listener in (world.listener, world.tls_listener):
            listener.drain()
            listener.abort()
            await listener.closed()


def trusting() -> ssl.SSLContext:
    """A client's context that trusts anybody."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def on_both_loops(test: Callable[[World], Awaitable[None]]) -> Callable[..., None]:
    @wraps(test)
    def run(loop_factory: Callable[[], asyncio.AbstractEventLoop], tls: ssl.SSLContext) -> None:
        async def scenario() -> None:
            async with world_of(tls) as world:
                await test(world)

        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(scenario())

    del run.__wrapped__  # pytest looks through it, and would ask for a fixture "world"
    return run


async def spin(condition: Callable[[], Any]) -> None:
    """Let the loop turn until the condition holds; the world's deadline ends it otherwise."""
    while not condition():
        await asyncio.sleep(0)


async def settled(measure: Callable[[], int]) -> int:
    """The measure, once the loop has turned a thousand times without changing it."""
    last, turns = measure(), 0
    while turns < 1000:
        await asyncio.sleep(0)
        turns = turns + 1 if measure() == last else 0
        last = measure()
    return last


async def read_all(peer: socket.socket) -> bytes:
    """Everything until the end of the connection; a reset is an end too."""
    loop, read = asyncio.get_running_loop(), bytearray()
    with contextlib.suppress(ConnectionError):
        while data := await loop.sock_recv(peer, 1 << 20):
            read += data
    return bytes(read)


@on_both_loops
async def test_a_pipeline_is_answered_in_order(world: World) -> None:
    reader, writer = await world.connect()
    writer.write(b"".join(b"ping %d\n" % n for n in range(1000)))
    assert [await reader.readline() for _ in range(1000)] == [b"pong %d\n" % n for n in range(1000)]
    writer.close()


@on_both_loops
async def test_commands_wait_for_the_one_before_them_and_other_connections_do_not(world: World) -> None:
    reader, writer = await world.connect()
    writer.write(b"ping 1\nwait 2\nping 3\nwait 4\nping 5\n")
    assert await reader.readline() == b"pong 1\n"
    await world.waiting.wait()
    other_reader, other_writer = await world.connect()
    other_writer.write(b"ping\n")
    assert await other_reader.readline() == b"pong \n"
    world.go_on.set()
    assert [await reader.readline() for _ in range(4)] == [b"waited 2\n", b"pong 3\n", b"waited 4\n", b"pong 5\n"]
    writer.close()
    other_writer.close()


@on_both_loops
async def test_a_pipeline_of_commands_that_take_long_lets_others_have_their_turn_in_between(world: World) -> None:
    _, busy = await world.connect()
    reader, writer = await world.connect()
    busy.write(b"work 0.01\n" * 50)
    while not world.worked:
        await asyncio.sleep(0)
    writer.write(b"ping 1\n")
    assert await reader.readline() == b"pong 1\n"
    assert world.worked < 25
    busy.close()
    writer.close()


@on_both_loops
async def test_a_peer_that_does_not_read_stops_the_answer_and_gets_all_of_it_later(world: World) -> None:
    peer = world.connect_deaf()
    total = 400
    await asyncio.get_running_loop().sock_sendall(peer, b"produce %d\nquit\n" % total)
    await spin(lambda: world.sessions)
    [session] = world.sessions
    assert await settled(lambda: session.produced) < total / 2
    assert session.connection.transport.get_write_buffer_size() <= HIGH_WATER + CHUNK
    read = await read_all(peer)
    assert read == b"hello\n" + b"x" * CHUNK * total + b"\nproduced\nbye\n"
    peer.close()


@on_both_loops
async def test_an_endless_pipeline_of_a_peer_that_does_not_read_takes_bounded_memory(world: World) -> None:
    peer = world.connect_deaf()
    await spin(lambda: world.sessions)
    [session] = world.sessions
    sent = 0

    def send() -> int:
        nonlocal sent
        with contextlib.suppress(BlockingIOError):
            sent += peer.send(b"flood 100000\n" * 1000)
        return sent

    await settled(send)
    assert session.buffered() <= READ_AHEAD + (1 << 18)
    assert session.connection.transport.get_write_buffer_size() <= 2 * HIGH_WATER + 100_000
    peer.close()
    await world.gone.wait()


@on_both_loops
async def test_a_flood_while_a_command_waits_is_not_read_beyond_a_bound(world: World) -> None:
    _, writer = await world.connect()
    writer.write(b"wait\n")
    await world.waiting.wait()
    [session] = world.sessions
    writer.write(b"ping\n" * 4_000_000)
    assert await settled(session.buffered) <= READ_AHEAD + (1 << 18)
    writer.transport.abort()
    world.go_on.set()  # whoever is not read from is not seen to vanish, until the command is done
    await world.gone.wait()


@on_both_loops
async def test_a_flood_that_was_held_back_is_answered_whole_in_the_end(world: World) -> None:
    reader, writer = await world.connect()
    count = 300_000
    writer.write(b"wait\n" + b"ping\n" * count)
    await world.waiting.wait()
    await settled(world.sessions[0].buffered)
    world.go_on.set()
    assert await reader.readline() == b"waited \n"
    assert await reader.readexactly(len(b"pong \n") * count) == b"pong \n" * count
    writer.close()


@on_both_loops
async def test_under_tls_too_an_answer_stops_while_the_peer_does_not_read(world: World) -> None:
    reader, writer = await world.connect_tls()
    total = 400
    writer.write(b"produce %d\nquit\n" % total)
    [session] = world.sessions
    assert await settled(lambda: session.produced) < total / 2
    assert await reader.read() == b"x" * CHUNK * total + b"\nproduced\nbye\n"
    writer.close()


@on_both_loops
async def test_under_tls_too_a_flood_while_a_command_waits_is_held_back(world: World) -> None:
    reader, writer = await world.connect_tls()
    count = 300_000
    writer.write(b"wait\n" + b"ping\n" * count)
    await world.waiting.wait()
    assert await settled(world.sessions[0].buffered) <= READ_AHEAD + (1 << 19)
    world.go_on.set()
    assert await reader.readline() == b"waited \n"
    assert await reader.readexactly(len(b"pong \n") * count) == b"pong \n" * count
    writer.close()


@on_both_loops
async def test_a_vanished_peer_ends_the_command_that_waits(world: World) -> None:
    _, writer = await world.connect()
    writer.write(b"wait\n")
    await world.waiting.wait()
    writer.transport.abort()
    await world.was_cancelled.wait()
    await world.listener.closed()
    assert world.sessions[0].lost_calls == 1


@on_both_loops
async def test_a_session_that_fails_to_let_go_is_not_counted_for_ever(world: World) -> None:
    _, writer = await world.connect()

    def fail() -> None:
        raise ZeroDivisionError

    world.sessions[0].lost = fail  # type: ignore[method-assign]
    writer.close()
    world.listener.drain()
    await world.listener.closed()


@on_both_loops
async def test_a_peer_that_left_while_it_was_held_back_is_let_go_when_the_server_closes(world: World) -> None:
    _, writer = await world.connect_tls()
    writer.write(b"wait x\nquit\n" + b"ping x\n" * (READ_AHEAD // 4))
    await world.waiting.wait()
    [session] = world.sessions
    await spin(lambda: session.connection._reading_paused)
    writer.transport.abort()
    await settled(session.buffered)
    world.go_on.set()
    await world.gone.wait()


@on_both_loops
async def test_a_vanished_peer_ends_an_answer_that_waits_for_it_to_read(world: World) -> None:
    peer = world.connect_deaf()
    await asyncio.get_running_loop().sock_sendall(peer, b"produce 1000\n")
    await spin(lambda: world.sessions and world.sessions[0].produced)
    await settled(lambda: world.sessions[0].produced)
    peer.close()
    await world.listener.closed()
    assert world.sessions[0].lost_calls == 1


@pytest.mark.parametrize("command", [b"fail\n", b"fail_later\n"])
def test_a_bug_ends_its_connection_with_last_words_and_no_other(
    command: bytes, loop_factory: Callable[[], asyncio.AbstractEventLoop], tls: ssl.SSLContext
) -> None:
    @on_both_loops
    async def scenario(world: World) -> None:
        reader, writer = await world.connect()
        other_reader, other_writer = await world.connect()
        writer.write(b"ping\n" + command + b"ping\n")
        assert await reader.read() == b"pong \nsorry\n"
        other_writer.write(b"ping\n")
        assert await other_reader.readline() == b"pong \n"
        writer.close()
        other_writer.close()

    scenario(loop_factory, tls)


@on_both_loops
async def test_silence_beyond_the_deadline_is_noticed_and_a_later_deadline_counts(world: World) -> None:
    reader, writer = await world.connect()
    writer.write(b"deadline 0.02\ndeadline 600\ndeadline 0.03\n")
    assert await reader.read() == b"too slow\n"
    writer.close()


@pytest.fixture
def _short_linger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "LINGER_S", 0.05)


@pytest.mark.usefixtures("_short_linger")
@pytest.mark.parametrize("octets", [HIGH_WATER // 2, 20 * HIGH_WATER], ids=["little", "much"])
def test_closing_does_not_wait_for_ever_for_a_peer_that_does_not_read(
    octets: int, loop_factory: Callable[[], asyncio.AbstractEventLoop], tls: ssl.SSLContext
) -> None:
    @on_both_loops
    async def scenario(world: World) -> None:
        peer = world.connect_deaf()
        # Fill what the kernel takes first, so that something is left to write when the connection closes.
        await asyncio.get_running_loop().sock_sendall(peer, b"produce 1000\n")
        await spin(lambda: world.sessions and world.sessions[0].produced)
        await settled(lambda: world.sessions[0].produced)
        world.sessions[0].connection.write(b"x" * octets)
        world.sessions[0].connection.close()
        await world.listener.closed()
        peer.close()

    scenario(loop_factory, tls)


@pytest.mark.parametrize("under_tls", [False, True], ids=["clear", "tls"])
def test_a_peer_that_reads_slowly_gets_the_last_words(
    under_tls: bool,
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
    tls: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mailkeep.net.listener.SHUTDOWN_S", 0.001)
    read_now = threading.Event()

    def slow_peer(address: tuple[str, int]) -> int:
        with socket.create_connection(address, timeout=DEADLINE_S) as clear:
            peer = trusting().wrap_socket(clear) if under_tls else clear
            peer.sendall(b"produce 1000\n")
            read_now.wait(DEADLINE_S)
            size, end = 0, b""
            while data := peer.recv(CHUNK):
                size, end = size + len(data), (end + data)[-10:]
            peer.close()
            assert end == b"last words"
            return size

    @on_both_loops
    async def scenario(world: World) -> None:
        address = world.tls_address if under_tls else world.address
        peer = asyncio.get_running_loop().run_in_executor(None, slow_peer, address)
        await spin(lambda: world.sessions and world.sessions[0].produced)
        [session] = world.sessions
        produced = await settled(lambda: session.produced)
        session.connection.write(b"last words")
        session.connection.close()
        await settled(lambda: session.produced)
        read_now.set()
        assert await peer == len(b"hello\n") + produced * CHUNK + len(b"last words")

    scenario(loop_factory, tls)


@on_both_loops
async def test_a_draining_server_lets_the_command_under_way_finish(world: World) -> None:
    reader, writer = await world.connect()
    idle_reader, idle_writer = await world.connect()
    writer.write(b"wait\nping\n")
    await world.waiting.wait()
    world.listener.drain()
    assert await idle_reader.read() == b"bye\n"
    world.go_on.set()
    assert await reader.read() == b"waited \nbye\n"
    await world.listener.closed()
    writer.close()
    idle_writer.close()


@on_both_loops
async def test_starttls_goes_on_under_tls_and_forgets_what_came_before(world: World) -> None:
    reader, writer = await world.connect()
    writer.write(b"starttls\nping injected\n")
    assert await reader.readline() == b"go ahead\n"
    await writer.start_tls(trusting())
    writer.write(b"ping inside\n")
    assert await reader.readline() == b"pong inside\n"
    assert world.sessions[0].connection.tls
    writer.close()
    await world.listener.closed()


@pytest.mark.parametrize("nonsense", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02"], ids=repr)
def test_a_handshake_that_fails_leaves_no_connection_behind(
    nonsense: bytes, loop_factory: Callable[[], asyncio.AbstractEventLoop], tls: ssl.SSLContext
) -> None:
    @on_both_loops
    async def scenario(world: World) -> None:
        reader, writer = await world.connect()
        writer.write(b"starttls\n")
        assert await reader.readline() == b"go ahead\n"
        writer.write(nonsense)
        await writer.drain()
        writer.write_eof()
        await reader.read()
        writer.transport.abort()
        await world.listener.closed()
        assert world.sessions[0].lost_calls == 1

    scenario(loop_factory, tls)


@on_both_loops
async def test_a_peer_that_vanishes_instead_of_shaking_hands_leaves_no_connection_behind(world: World) -> None:
    reader, writer = await world.connect()
    writer.write(b"starttls\n")
    assert await reader.readline() == b"go ahead\n"
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset
    writer.transport.abort()
    await world.listener.closed()
    assert world.sessions[0].lost_calls == 1


@on_both_loops
async def test_an_address_with_too_many_connections_is_turned_away_until_one_has_gone(world: World) -> None:
    world.limit.enter = lambda peer: not world.sessions  # type: ignore[method-assign]  # loopback is exempt
    _, writer = await world.connect()
    reader, refused = await asyncio.open_connection(*world.address)
    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b""
    assert len(world.sessions) == 1
    for one in (writer, refused):
        one.close()
    await world.listener.closed()
