"""Figures for Prometheus: ``GET /metrics`` over HTTP, in its text format."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from mailkeep import telemetry
from mailkeep.figures import BY_NAME, Figures, Kind

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

PREFIX: Final = "mailkeep_"
REQUEST_S: Final = 10.0  # for a request to come, and for an answer to go
LARGEST: Final = 16 * 1024  # octets of a request
AT_ONCE: Final = 16  # connections; who asks for figures is one, or two

log = telemetry.logger()

Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]


def render(figures: Figures) -> bytes:
    """In the text format."""
    from prometheus_client import CollectorRegistry, generate_latest  # of use only where somebody asks

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(figures))
    return generate_latest(registry)


class _Collector:
    """What prometheus-client asks for figures."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        found: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
        for name, labels, value in self._figures:
            row = BY_NAME[name]
            if name not in found:
                family = CounterMetricFamily if row.kind is Kind.COUNTER else GaugeMetricFamily
                found[name] = family(PREFIX + name, row.help, labels=row.labels)
            found[name].add_metric(labels, value)
        yield from found.values()


class Exposition:
    """Answers requests; one to a connection.  `measure` gives the figures."""

    def __init__(self, measure: Callable[[], Awaitable[Figures]], spawn: Spawn) -> None:
        self._measure = measure
        self._spawn = spawn
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, sockets: Iterable[socket.socket]) -> None:
        """Accept on these."""
        for bound in sockets:
            self._servers.append(await asyncio.start_server(self._connected, sock=bound, limit=LARGEST))

    def close(self) -> None:
        """Accept no more, and let go of who is there."""
        for server in self._servers:
            server.close()
        for task in tuple(self._tasks):
            task.cancel()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._tasks) >= AT_ONCE:
            writer.transport.abort()
            return
        task = self._spawn(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(REQUEST_S):
                head = await reader.readuntil(b"\r\n\r\n")
            answer = await self._answer(head)
            async with asyncio.timeout(REQUEST_S):
                writer.write(answer)
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            pass
        except Exception as error:  # the one catch-all of such a connection
            log.error("metrics.bug", exc_info=error)
        finally:
            writer.transport.abort()

    async def _answer(self, head: bytes) -> bytes:
        method, _, rest = head.partition(b"\r\n")[0].partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0]
        if method not in (b"GET", b"HEAD"):
            return _response(b"405 Method Not Allowed", b"Only GET.\n", b"Allow: GET, HEAD\r\n")
        if path != b"/metrics":
            return _response(b"404 Not Found", b"Figures are at /metrics.\n")
        body = render(await self._measure())
        whole = _response(b"200 OK", body)
        return whole[: len(whole) - len(body)] if method == b"HEAD" else whole


def _response(status: bytes, body: bytes, more: bytes = b"") -> bytes:
    return (
        b"HTTP/1.1 %b\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
        b"Content-Length: %d\r\nConnection: close\r\n%b\r\n%b" % (status, len(body), more, body)
    )
