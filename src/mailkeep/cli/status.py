"""mailkeep status: what the running server does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib.metadata import version
from typing import Final

import typer

from mailkeep.administration import Status
from mailkeep.cli.count import count
from mailkeep.cli.perform import perform
from mailkeep.cli.place import ConfigOption, DataOption, find_place
from mailkeep.figures import Figures

COMMANDS: Final = 6  # those given most often


def status(*, data: DataOption = None, config: ConfigOption = None) -> None:
    """Say what the running server does, and what it has done since it was started."""
    figures = perform(find_place(data, config).must_exist().config, Status()).figures
    for what, text in lines(figures, time.time()):
        typer.echo(f"{what:13} {text}")


def lines(figures: Figures, now: float) -> Iterator[tuple[str, str]]:
    """What to say about what."""
    of = _Sums(figures)
    processes = of("processes")
    workers = f"{processes - 1:.0f} workers ({of('worker_restarts'):.0f} restarted)" if processes > 1 else "one process"
    up = _span(now - of("start_time_seconds"))
    memory = _size(of("resident_memory_bytes"))
    yield "mailkeep", f"{version('mailkeep')}, up {up}, {workers}, {memory} of memory"
    secured, clear = of("connections", tls="yes"), of("connections", tls="no")
    accepted, refused = of("connections_accepted"), of("connections_refused")
    open_ones = f"{secured:,.0f} with TLS, {clear:,.0f} without"
    yield "connections", f"{open_ones}; {accepted:,.0f} so far, {refused:,.0f} refused"
    yield "logins", f"{of('logins', outcome='ok'):,.0f}, and {of('logins', outcome='failed'):,.0f} that failed"
    most = sorted(of.split("commands"), key=lambda each: -each[1])[:COMMANDS]
    named = ", ".join(f"{labels[1]} {times:,.0f}" for labels, times in most)
    yield "commands", f"{of('commands'):,.0f}{f' ({named})' if named else ''}; {of('commands_refused'):,.0f} refused"
    taken, octets = of("messages_taken_in"), _size(of("message_bytes_taken_in"))
    yield "mail", f"{_count(taken, 'message')} taken in, {octets}"
    waiting, held = of("queue_messages"), of("queue_messages_held")
    gone = {way: of("queue_recipients", outcome=way) for way in ("delivered", "failed")}
    brought = f"{_count(gone['delivered'], 'recipient')} got theirs, {gone['failed']:,.0f} never will"
    yield "queue", f"{_count(waiting, 'message')}, {held:,.0f} of them held; {brought}"
    received, sent = (_size(of("network_bytes", direction=way)) for way in ("in", "out"))
    yield "network", f"{received} in, {sent} out"
    commits = of("commits") or 1.0
    each = f"{of('commit_operations') / commits:.1f} operations and {of('commit_seconds') / commits * 1000:.2f} ms each"
    yield "store", f"{_count(of('commits'), 'commit')}, {each}; {_count(of('wal_pages'), 'page')} of log"
    yield "mailboxes", f"{of('views'):,.0f} in memory, with {_count(of('view_entries'), 'message')}"
    yield "text index", f"{_count(of('text_index_backlog_messages'), 'message')} not in it yet"
    for (task,), last in of.split("housekeeping_last_run_timestamp_seconds"):
        if last:
            pieces, rows = of("housekeeping_pieces", task=task), of("housekeeping_rows", task=task)
            room = _size(of("housekeeping_reclaimed_bytes", task=task))
            did = f"{_count(pieces, 'piece')}, {_count(rows, 'row')}, {room} given back"
            yield task, f"last {_span(now - last)} ago; {did}"


class _Sums:
    """Figures by name, added up over the labels that nobody asks for."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def __call__(self, name: str, **labels: str) -> float:
        wanted = set(labels.values())
        return sum(value for found, values, value in self._figures if found == name and wanted <= set(values))

    def split(self, name: str) -> list[tuple[tuple[str, ...], float]]:
        return [(labels, value) for found, labels, value in self._figures if found == name]


def _count(number: float, one: str) -> str:
    return count(float(number), one)


def _span(seconds: float) -> str:
    minutes = max(0, round(seconds)) // 60
    if minutes < 1:
        return f"{max(0, round(seconds))} s"
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"


def _size(octets: float) -> str:
    for unit in ("octets", "kB", "MB"):
        if octets < 1000:
            return f"{octets:.0f} {unit}" if unit == "octets" else f"{octets:.1f} {unit}"
        octets /= 1000
    return f"{octets:,.1f} GB"
