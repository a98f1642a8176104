"""What proxies say of the connections that they pass on; and connections that come so, in the clear and with TLS."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import uvloop
from hypothesis import example, given
from hypothesis import strategies as st

from mailkeep.certificates import ensure_self_signed
from mailkeep.net import listener as listening
from mailkeep.net.connection import Connection, Step
from mailkeep.net.lane import Lane
from mailkeep.net.limits import AddressLimit
from mailkeep.net.listener import Listener, Proxies
from mailkeep.net.proxy_protocol import MAX_LINE, MAX_REST, BadHeader, read_header
from mailkeep.service.ledger import Ledger

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V4 = bytes(map(int, "192.0.2.7 198.51.100.1".replace(" ", ".").split("."))) + struct.pack("!HH", 40000, 25)
V6 = ipaddress.ip_address("2001:db8::7").packed + ipaddress.ip_address("2001:db8::1").packed + b"\x9c\x40\0\x19"


def binary(command: int, family: int, rest: bytes) -> bytes:
    return SIGNATURE + bytes((command, family)) + struct.pack("!H", len(rest)) + rest


def read(octets: bytes) -> tuple[str | None, bytes]:
    """What a header says, and what was left of the octets."""
    left = bytearray(octets)

    async def receive(size: int) -> bytes:
        piece = bytes(left[:size])
        del left[:size]
        return piece

    peer = asyncio.run(read_header(receive))
    return peer, bytes(left)


@pytest.mark.parametrize(
    ("header", "peer"),
    [
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\r\n", "192.0.2.7"),
        (b"PROXY TCP6 2001:DB8::7 2001:db8::1 0 65535\r\n", "2001:db8::7"),
        (b"PROXY TCP6 ::ffff:192.0.2.7 ::1 1 25\r\n", "192.0.2.7"),
        (b"PROXY UNKNOWN\r\n", None),
        (b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", None),
        (binary(0x21, 0x11, V4), "192.0.2.7"),
        (binary(0x21, 0x21, V6), "2001:db8::7"),
        (binary(0x21, 0x11, V4 + b"\x04\0\x01x"), "192.0.2.7"),
        (binary(0x20, 0x11, V4), None),
        (binary(0x20, 0x00, b""), None),
        (binary(0x21, 0x00, b""), None),
        (binary(0x21, 0x31, b"x" * 216), None),
        (binary(0x21, 0x11, V4 + b"x" * (MAX_REST - 12)), "192.0.2.7"),
    ],
    ids=repr,
)
def test_a_header_names_the_client_and_what_follows_is_left(header: bytes, peer: str | None) -> None:
    assert read(header + b"EHLO x\r\n") == (peer, b"EHLO x\r\n")


@pytest.mark.parametrize(
    "octets",
    [
        b"EHLO mx.example.com\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 40000\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 25 \r\n",
        b"PROXY  TCP4 192.0.2.7 198.51.100.1 40000 25\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\n",
        b"PROXY TCP4 192.0.2.700 198.51.100.1 40000 25\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 65536 25\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 01 25\r\n",
        b"PROXY TCP4 2001:db8::7 198.51.100.1 1 25\r\n",
        b"PROXY TCP6 192.0.2.7 198.51.100.1 1 25\r\n",
        b"PROXY UDP4 192.0.2.7 198.51.100.1 1 25\r\n",
        b"PROXY UNKNOWN" + b" " * MAX_LINE + b"\r\n",
        b"PROXY TCP4 192.0.2.7",
        binary(0x21, 0x11, V4)[:-1],
        binary(0x21, 0x11, V4[:-1]),
        binary(0x21, 0x21, V4),
        binary(0x11, 0x11, V4),
        binary(0x22, 0x11, V4),
        binary(0x21, 0x11, V4 + b"x" * (MAX_REST - 11)),
        SIGNATURE[:5] + b"x" * 20,
    ],
    ids=repr,
)
def test_what_is_no_header_is_refused(octets: bytes) -> None:
    with pytest.raises(BadHeader):
        read(octets)


def test_who_only_looks_whether_we_are_there_is_no_mistake() -> None:
    with pytest.raises(ConnectionResetError):
        read(b"")


@given(
    st.one_of(
        st.binary(max_size=200),
        st.binary(max_size=100).map(lambda rest: b"PROXY TCP4 " + rest),
        st.binary(max_size=100).map(lambda rest: SIGNATURE + rest),
    )
)
@example(b"PROXY TCP6 ::%1 ::1 1 1\r\n")
def test_whatever_comes_is_an_address_or_no_header(octets: bytes) -> None:
    try:
        peer, left = read(octets)
    except (BadHeader, ConnectionResetError):
        return
    assert octets.endswith(left)
    assert peer is None or ipaddress.ip_address(peer)


# ---- connections that come through a proxy


class Says:
    """A protocol that tells each client who he is, in answer to a line."""

    def __init__(self, connection: Connection) -> None:
        self.connection, self.buffer = connection, bytearray()

    def feed(self, data: bytes) -> None:
        self.buffer += data

    def buffered(self) -> int:
        return len(self.buffer)

    def next(self) -> Step | None:
        line, end, rest = self.buffer.partition(b"\n")
        self.buffer = rest if end else self.buffer
        return self.tell(bytes(line)) if end else None

    async def tell(self, line: bytes) -> None:
        self.connection.write(self.connection.peer.encode() + b" " + line + b"\n")

    def timed_out(self) -> None: ...

    def drain(self) -> None: ...

    def bug(self) -> None: ...

    def lost(self) -> None: ...


HEADER = b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\r\n"

Port = tuple[str, int]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def through_proxy(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., None]:
    """Runs a test with the address of a listener in the clear, of one with TLS, and the limit that both share."""

    def run(test: Callable[[Port, Port, AddressLimit], Awaitable[None]], networks: str = "127.0.0.0/8") -> None:
        files = ensure_self_signed(tmp_path, ("localhost",), dt.datetime.now(dt.UTC))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(files.certificate, files.key)

        async def scenario() -> None:
            async with asyncio.timeout(20), asyncio.TaskGroup() as group:
                limit = AddressLimit(Ledger.alone(), 1)
                proxies = Proxies((ipaddress.ip_network(networks),), group.create_task)
                listeners = [Listener("test", Says, limit=limit, proxies=proxies, tls=tls) for tls in (None, context)]
                ports = []
                for each in listeners:
                    bound = socket.create_server(("127.0.0.1", 0))
                    ports.append(bound.getsockname()[:2])
                    await each.start([bound])
                try:
                    await test(*ports, limit)
                finally:
                    for each in listeners:
                        each.drain()
                        each.abort()
                        await each.closed()

        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(scenario())

    return run


async def ask(port: Port, octets: bytes) -> bytes:
    """All that is answered to the octets, up to the end of a line, or of the connection, which may be a reset."""
    reader, writer = await asyncio.open_connection(*port)
    writer.write(octets)
    try:
        return await reader.readline()
    except ConnectionError:
        return b""
    finally:
        writer.transport.abort()


def test_a_connection_counts_as_that_of_the_client(through_proxy: Callable[..., None]) -> None:
    async def test(port: Port, _: Port, limit: AddressLimit) -> None:
        reader, writer = await asyncio.open_connection(*port)
        writer.write(HEADER + b"hello\n")
        assert await reader.readline() == b"192.0.2.7 hello\n"
        assert await ask(port, HEADER + b"too many\n") == b""
        assert await ask(port, HEADER.replace(b".7", b".8") + b"hello\n") == b"192.0.2.8 hello\n"
        writer.transport.abort()

    through_proxy(test)


def test_a_header_may_come_in_pieces_and_the_client_may_wait(through_proxy: Callable[..., None]) -> None:
    async def test(port: Port, _: Port, limit: AddressLimit) -> None:
        reader, writer = await asyncio.open_connection(*port)
        for octet in binary(0x21, 0x21, V6):
            writer.write(bytes((octet,)))
            await asyncio.sleep(0)
        writer.write(b"hello\n")
        assert await reader.readline() == b"2001:db8::7 hello\n"
        writer.transport.abort()

    through_proxy(test)


def test_tls_begins_behind_the_header_although_both_come_together(through_proxy: Callable[..., None]) -> None:
    async def test(_: Port, tls_port: Port, limit: AddressLimit) -> None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = context.wrap_bio(incoming, outgoing)
        reader, writer = await asyncio.open_connection(*tls_port)

        async def until(step: Callable[[], object]) -> object:
            while True:
                with contextlib.suppress(ssl.SSLWantReadError):
                    result = step()
                    writer.write(outgoing.read())
                    return result
                writer.write(outgoing.read())
                data = await reader.read(65536)
                assert data
                incoming.write(data)

        with contextlib.suppress(ssl.SSLWantReadError):
            client.do_handshake()
        writer.write(HEADER + outgoing.read())  # one segment
        await until(client.do_handshake)
        await until(lambda: client.write(b"hello\n"))
        assert await until(lambda: client.read(100)) == b"192.0.2.7 hello\n"
        writer.transport.abort()

    through_proxy(test)


def test_a_proxy_that_speaks_for_itself_keeps_its_own_address(through_proxy: Callable[..., None]) -> None:
    async def test(port: Port, _: Port, limit: AddressLimit) -> None:
        assert await ask(port, binary(0x20, 0, b"") + b"health\n") == b"127.0.0.1 health\n"
        assert await ask(port, b"PROXY UNKNOWN\r\nhealth\n") == b"127.0.0.1 health\n"

    through_proxy(test)


def test_a_proxy_that_says_nothing_of_the_kind_is_cut_off(
    through_proxy: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "HEADER_S", 0.05)

    async def test(port: Port, _: Port, limit: AddressLimit) -> None:
        assert await ask(port, b"EHLO mx.example.com\r\n") == b""
        assert await ask(port, b"PROXY TCP4 192.0") == b""
        assert await ask(port, b"") == b""

    through_proxy(test)


def test_who_is_no_proxy_is_served_as_always_and_cannot_say_he_were_one(through_proxy: Callable[..., None]) -> None:
    async def test(port: Port, _: Port, limit: AddressLimit) -> None:
        assert await ask(port, b"hello\n") == b"127.0.0.1 hello\n"
        assert await ask(port, HEADER) == b"127.0.0.1 " + HEADER[:-1] + b"\n"

    through_proxy(test, networks="192.0.2.0/24")


def test_work_in_the_lane_has_a_task_and_its_end_is_told_to_who_waits() -> None:
    async def fails() -> None:
        raise LookupError

    async def scenario() -> None:
        async with asyncio.TaskGroup() as group:
            lane = Lane(group.create_task)

            async def timed() -> str:
                async with asyncio.timeout(5):
                    await asyncio.sleep(0)
                return "done"

            def step_by_hand() -> asyncio.Future[str]:
                step = lane.run(timed())
                waits: asyncio.Future[str] = step.send(None)
                waits._asyncio_future_blocking = False
                step.close()
                return waits

            assert await step_by_hand() == "done"
            assert await lane.run(timed()) == "done"
            with pytest.raises(LookupError):
                await lane.run(fails())

    asyncio.run(scenario())


def test_work_in_the_lane_is_given_up_with_who_waits() -> None:
    async def scenario() -> None:
        began, ended = asyncio.Event(), asyncio.Event()

        async def work() -> None:
            began.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            waiting = group.create_task(Lane(group.create_task).run(work()))
            await began.wait()
            waiting.cancel()
            await ended.wait()

    asyncio.run(scenario())
