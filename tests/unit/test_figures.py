"""Figures of several processes, added up, and in the text format of Prometheus."""

from __future__ import annotations

import asyncio

from prometheus_client.parser import text_string_to_metric_families

from mailkeep.exposition import Exposition, render
from mailkeep.figures import ROWS, Figures, Kind, add_up, only_counters

ONE: Figures = (
    ("commits", (), 3),
    ("connections", ("imap", "no"), 2),
    ("housekeeping_last_run_timestamp_seconds", ("packs",), 50.0),
)
TWO: Figures = (
    ("connections", ("imap", "no"), 1),
    ("connections", ("imap", "yes"), 5),
    ("commits", (), 4),
    ("housekeeping_last_run_timestamp_seconds", ("packs",), 20.0),
    ("of another version", (), 1),
)


def test_numbers_are_added_and_of_times_the_latest_counts() -> None:
    assert add_up((*ONE, *TWO)) == (
        ("connections", ("imap", "no"), 3),
        ("connections", ("imap", "yes"), 5),
        ("commits", (), 7),
        ("housekeeping_last_run_timestamp_seconds", ("packs",), 50.0),
    )


def test_of_a_process_that_died_what_it_has_done_remains() -> None:
    assert [name for name, _, _ in only_counters(ONE)] == ["commits", "housekeeping_last_run_timestamp_seconds"]


def test_every_figure_of_the_table_is_rendered_with_its_labels() -> None:
    figures: Figures = tuple((row.name, tuple(f'a "{label}"\n' for label in row.labels), 1.5) for row in ROWS)
    found = {family.name: family for family in text_string_to_metric_families(render(figures).decode())}
    for row in ROWS:
        family = found[f"mailkeep_{row.name}"]
        [sample] = family.samples
        assert family.type == ("counter" if row.kind is Kind.COUNTER else "gauge")
        assert sample.labels == {label: f'a "{label}"\n' for label in row.labels}
        assert sample.value == 1.5
        assert family.documentation == row.help


def ask(request: bytes) -> bytes:
    """What is answered on one connection, up to its end."""

    async def measure() -> Figures:
        return ONE

    async def main() -> bytes:
        async with asyncio.TaskGroup() as group:
            exposition = Exposition(measure, group.create_task)
            server = await asyncio.start_server(exposition._connected, "127.0.0.1", 0)
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(request)
            writer.write_eof()
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
            server.close()
            exposition.close()
        return answer

    return asyncio.run(main())


def test_figures_are_at_their_path_and_nowhere_else() -> None:
    head, _, body = ask(b"GET /metrics?x=1 HTTP/1.1\r\nHost: x\r\n\r\n").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Content-Length: %d\r\n" % len(body) in head
    assert b"mailkeep_commits_total 3.0\n" in body
    assert ask(b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 404 ")
    assert ask(b"POST /metrics HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 405 ")
    whole = ask(b"HEAD /metrics HTTP/1.1\r\n\r\n")
    assert whole.startswith(b"HTTP/1.1 200 OK\r\n")
    assert whole.endswith(b"\r\n\r\n")


def test_what_is_no_request_gets_no_answer() -> None:
    for request in (b"", b"GET", b"\x00" * 1000, b"GET /metrics HTTP/1.1\r\n", b"x" * 100_000):
        assert ask(request) == b""
