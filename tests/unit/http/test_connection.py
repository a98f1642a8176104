"""HTTP/1.1 on connections: requests of every shape, peers that dally or vanish, and applications that fail."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from mailkeep.http.body import Bounded
from mailkeep.http.connection import HttpConnection, Options
from mailkeep.net.lane import Lane
from mailkeep.net.limits import AddressLimit
from mailkeep.net.listener import Listener
from mailkeep.service.ledger import Ledger
from mailkeep.service.tally import Tally

GET = b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"
PATIENT = Options()


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with method, path and body."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message["more_body"]
    said = b"%s %s [%s]" % (scope["method"].encode(), scope["path"].encode(), body)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(said))]})
    await send({"type": "http.response.body", "body": said})


@dataclass
class Place:
    port: int
    listener: Listener
    tally: Tally

    async def say(self, *octets: bytes) -> bytes:
        """Everything that is answered until the server closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        for piece in octets:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        answer = await reader.read()
        writer.close()
        return answer

    @asynccontextmanager
    async def client(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        yield reader, writer
        writer.close()


@asynccontextmanager
async def place(app: Any = echo, options: Options = PATIENT) -> AsyncIterator[Place]:
    tally = Tally()
    async with asyncio.TaskGroup() as group:
        lane = Lane(group.create_task)
        listener = Listener(
            "http",
            lambda connection: HttpConnection(connection, app, lane, options, tally),
            limit=AddressLimit(Ledger.alone(), 10_000),
        )
        bound = socket.create_server(("127.0.0.1", 0))
        bound.setblocking(False)
        await listener.start([bound])
        try:
            yield Place(bound.getsockname()[1], listener, tally)
        finally:
            listener.drain()
            listener.abort()
            await listener.closed()


def run(test: Callable[[Place], Awaitable[None]], app: Any = echo, options: Options = PATIENT) -> None:
    async def main() -> None:
        async with asyncio.timeout(20), place(app, options) as here:
            await test(here)

    asyncio.run(main())


def statuses(answer: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


LAST = b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def test_requests_that_come_together_are_answered_in_order() -> None:
    async def test(here: Place) -> None:
        posted = b"POST /%C3%A4 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
        answer = await here.say(GET + posted + LAST)
        assert statuses(answer) == [200, 200, 200]
        assert re.findall(rb"\w+ /\S* \[.*?\]", answer) == [b"GET / []", "POST /ä [abc]".encode(), b"GET /last []"]

    run(test)


def test_requests_may_come_octet_by_octet() -> None:
    async def test(here: Place) -> None:
        chunked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n"
        octets = [bytes([octet]) for octet in chunked + LAST]
        answer = await here.say(*octets)
        assert statuses(answer) == [200, 200]
        assert b"POST / [abc]" in answer

    run(test)


def test_a_connection_is_kept_unless_the_client_wants_otherwise() -> None:
    async def test(here: Place) -> None:
        for last in (LAST, b"GET / HTTP/1.0\r\n\r\n"):
            assert statuses(await here.say(GET + last + GET)) == [200, 200]

    run(test)


@pytest.mark.rfc("9112", "2.2")
def test_an_empty_line_before_a_request_is_let_pass() -> None:
    async def test(here: Place) -> None:
        assert statuses(await here.say(b"\r\n" + GET + b"\r\n" + LAST)) == [200, 200]
        assert statuses(await here.say(b"\r", b"\n", LAST)) == [200]

    run(test)


def test_the_answer_to_head_has_a_length_and_no_body() -> None:
    async def test(here: Place) -> None:
        answer = await here.say(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + LAST)
        first, _, rest = answer.partition(b"\r\n\r\n")
        assert b"content-length: 9" in first.lower()
        assert rest.startswith(b"HTTP/1.1 200")

    run(test)


def test_an_answer_without_a_length_comes_in_chunks() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for number in range(3):
            await send({"type": "http.response.body", "body": b"%d" % number, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def test(here: Place) -> None:
        answer = await here.say(LAST)
        assert answer.endswith(b"1\r\n0\r\n1\r\n1\r\n1\r\n2\r\n0\r\n\r\n")

    run(test, app)


def test_the_absolute_form_of_a_target_counts_before_host() -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)
        await echo(scope, receive, send)

    async def test(here: Place) -> None:
        request = b"GET HTTP://Example.org:80/a?b=c HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n"
        assert statuses(await here.say(request)) == [200]
        assert dict(seen[0]["headers"])[b"host"] == b"Example.org:80"
        assert (seen[0]["path"], seen[0]["query_string"]) == ("/a", b"b=c")

    run(test, app)


BAD = {
    "no request": b"EHLO localhost\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "length and chunks": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0",
    "negative length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "space before the colon": b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    "a relative target": b"GET a HTTP/1.1\r\nHost: a\r\n\r\n",
    "a fragment": b"GET /#a HTTP/1.1\r\nHost: a\r\n\r\n",
    "a target with a user": b"GET http://a@b/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "CONNECT": b"CONNECT a:25 HTTP/1.1\r\nHost: a:25\r\n\r\n",
    "a path that is not UTF-8": b"GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n",
    "NUL": b"GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n",
    "a chunk without a size": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
}


@pytest.mark.parametrize("request_", BAD.values(), ids=BAD)
def test_what_cannot_be_understood_is_answered_with_400_and_a_reason(request_: bytes) -> None:
    async def test(here: Place) -> None:
        answer = await here.say(request_)
        assert statuses(answer) == [400]
        assert len(answer.partition(b"\r\n\r\n")[2]) > 10
        assert here.tally.refused["?", "400"] == 1

    run(test)


def test_a_head_of_more_than_32_kb_is_refused() -> None:
    async def test(here: Place) -> None:
        for long in (b"GET /" + b"a" * 40_000, b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"a" * 40_000):
            answer = await here.say(long)
            assert statuses(answer) == [431]
        most = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nA: " + b"a" * 32_000 + b"\r\n\r\n"
        assert statuses(await here.say(most)) == [200]

    run(test)


def test_transfer_codings_other_than_chunked_are_refused() -> None:
    async def test(here: Place) -> None:
        request = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
        assert statuses(await here.say(request)) == [501]

    run(test)


# --- bodies


@pytest.mark.rfc("9110", "10.1.1")
def test_a_client_that_asks_first_is_told_to_go_on() -> None:
    async def test(here: Place) -> None:
        async with here.client() as (reader, writer):
            writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
            writer.write(b"abc")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")

    run(test)


async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers before it has read anything."""
    await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})


def test_a_body_that_nobody_reads_does_not_lose_the_answer() -> None:
    """The client sends all before it reads; a connection that is reset meanwhile would take our answer away."""

    async def test(here: Place) -> None:
        head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n"
        answer = await here.say(head, *[b"x" * 100_000] * 30)
        assert statuses(answer) == [413]
        assert b"connection: close" in answer.lower()
        waits = await here.say(head.replace(b"Content", b"Expect: 100-continue\r\nContent"))
        assert statuses(waits) == [413]

    run(test, refusing)


async def send_for_ever(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        await writer.drain()


def test_who_sends_on_and_on_is_cut_off() -> None:
    async def test(here: Place) -> None:
        async with here.client() as (_, writer):
            writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            with pytest.raises(ConnectionError):
                await send_for_ever(writer)

    run(test, refusing)


def test_large_bodies_pass_in_pieces_and_are_held_back_while_nobody_reads() -> None:
    size = 8 << 20
    largest = 0
    go_on = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal largest
        await go_on.wait()
        got, more = 0, True
        while more:
            message = await receive()
            got, more = got + len(message["body"]), message["more_body"]
            largest = max(largest, len(message["body"]))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"%d" % got})

    async def test(here: Place) -> None:
        async with here.client() as (reader, writer):
            writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % size)
            writer.write(b"x" * size)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await writer.drain()
            go_on.set()
            answer = await reader.read()
            assert b"%d" % size in answer
        assert largest <= 128 * 1024

    run(test, app)


def test_bodies_beyond_the_bound_are_told_apart() -> None:
    from mailkeep.model.errors import TooLarge

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        status = 200
        try:
            while (await receive())["more_body"]:
                pass
        except TooLarge:
            status = 413
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body"})

    async def test(here: Place) -> None:
        head = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        whole = head + b"Content-Length: %d\r\n\r\n"
        assert statuses(await here.say(whole % 1000 + b"x" * 1000)) == [200]
        assert statuses(await here.say(whole % 1001 + b"x" * 1001)) == [413]
        assert statuses(await here.say(whole % 10**18)) == [413]
        assert statuses(await here.say(head + b"Content-Length: %b\r\n\r\n" % (b"9" * 20))) in ([413], [400])
        chunks = b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 1001 + b"0\r\n\r\n"
        assert statuses(await here.say(head + chunks)) == [413]

    run(test, Bounded(app, 1000), Options(discard_s=0.1))


# --- peers that dally


HASTY = Options(head_s=0.1, idle_s=0.1, body_s=0.1, send_s=0.2, discard_s=0.1)


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        (b"", []),
        (b"GET / HTTP/1.1\r\nHost: a\r\n", [408]),
        (GET, [200]),
        (GET + b"GET", [200, 408]),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc", [408]),
    ],
    ids=["nothing", "half a head", "nothing more", "half a second head", "half a body"],
)
def test_who_dallies_is_let_go(sent: bytes, answered: list[int]) -> None:
    async def test(here: Place) -> None:
        assert statuses(await here.say(sent)) == answered

    run(test, options=HASTY)


def test_a_head_that_trickles_in_has_no_more_time_for_that() -> None:
    async def test(here: Place) -> None:
        async with here.client() as (reader, writer):

            async def trickle() -> None:
                while not reader.at_eof():
                    writer.write(b"A: b\r\n")
                    await asyncio.sleep(0.02)

            writer.write(b"GET / HTTP/1.1\r\n")
            async with asyncio.TaskGroup() as group:
                trickling = group.create_task(trickle())
                assert statuses(await reader.read()) == [408]
                trickling.cancel()

    run(test, options=HASTY)


def test_who_does_not_read_its_answer_is_cut_off() -> None:
    ended: list[BaseException] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            while True:
                await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
        except BaseException as error:
            ended.append(error)
            raise

    async def test(here: Place) -> None:
        async with here.client() as (_, writer):
            writer.transport.pause_reading()  # type: ignore[attr-defined]  # of streams it is a Transport
            writer.write(GET)
            while not ended:
                await asyncio.sleep(0.02)
            assert isinstance(ended[0], asyncio.CancelledError | ConnectionError)

    run(test, app, HASTY)


def test_an_application_may_take_its_time() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(3 * HASTY.send_s)
        await echo(scope, receive, send)

    async def test(here: Place) -> None:
        assert statuses(await here.say(LAST)) == [200]

    run(test, app, HASTY)


# --- applications that fail, clients that leave, servers that stop


def test_a_fault_of_the_application_is_answered_logged_and_counted() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/silent":
            return
        if scope["path"] == "/half":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
        raise ValueError("a fault")

    async def test(here: Place) -> None:
        for path in (b"/", b"/silent"):
            with capture_logs() as logs:
                answer = await here.say(GET.replace(b"/ ", path + b" "))
            assert statuses(answer) == [500]
            assert b"a fault" not in answer
            assert [line["event"] for line in logs if line["log_level"] == "error"] == ["connection_bug"]
        with capture_logs():
            assert len(await here.say(GET.replace(b"/ ", b"/half "))) < 200

    run(test, app)


def test_what_runs_for_a_client_ends_when_it_leaves() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        began.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.set()
            raise

    async def test(here: Place) -> None:
        async with here.client() as (_, writer):
            writer.write(GET)
            await began.wait()
            writer.transport.abort()
            await ended.wait()

    run(test, app)


def test_who_listens_for_the_end_hears_of_it() -> None:
    heard: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(listen(receive))
            await asyncio.sleep(0)
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body"})
            await waiting

    async def listen(receive: Receive) -> None:
        heard.append(await receive())

    async def test(here: Place) -> None:
        assert statuses(await here.say(LAST)) == [200]
        assert heard == [{"type": "http.disconnect"}]

    run(test, app)


def test_a_server_that_stops_answers_what_runs_and_closes_what_rests() -> None:
    began, go_on = asyncio.Event(), asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/slow":
            began.set()
            await go_on.wait()
        await echo(scope, receive, send)

    async def test(here: Place) -> None:
        async with here.client() as (resting, writer), here.client() as (running, other):
            writer.write(GET)
            await resting.readuntil(b"[]")
            other.write(GET.replace(b"/ ", b"/slow ") + GET)
            await began.wait()
            here.listener.drain()
            assert await resting.read() == b""
            go_on.set()
            answer = await running.read()
            assert statuses(answer) == [200]
            assert b"connection: close" in answer.lower()
            await here.listener.closed()

    run(test, app)


# --- anything


PIECES = st.sampled_from(
    [
        GET,
        b"GET ",
        b"POST / HTTP/1.1\r\n",
        b"Host: a\r\n",
        b"Content-Length: 5\r\n",
        b"\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"5\r\nabcde\r\n",
        b"0\r\n\r\n",
        b"Expect: 100-continue\r\n",
        b"Connection: close\r\n",
        b"abcde",
        b"\n",
        b"HTTP/1.0",
        b"Upgrade: h2c\r\n",
        b"Connection: Upgrade\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\0",
        b"\xff",
    ]
)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.lists(PIECES | st.binary(max_size=20), max_size=12), min_size=1, max_size=15))
def test_nothing_that_arrives_is_a_fault_of_ours(conversations: list[list[bytes]]) -> None:
    async def test(here: Place) -> None:
        with capture_logs() as logs:
            async with asyncio.TaskGroup() as group:
                for octets in conversations:
                    group.create_task(one(here, octets))
        assert not [line for line in logs if line["log_level"] == "error"]
        async with here.client() as (reader, writer):
            writer.write(GET)
            assert statuses(await reader.readuntil(b"[]")) == [200]

    async def one(here: Place, octets: list[bytes]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
        try:
            writer.writelines(octets)
            writer.write_eof()
            answer = await reader.read()
            assert all(status in (100, 200, 400, 408, 431, 501) for status in statuses(answer)), answer
        except ConnectionError:
            pass
        finally:
            writer.close()

    run(test)
