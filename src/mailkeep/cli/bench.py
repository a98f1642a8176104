"""mailkeep bench: how fast is an IMAP server?"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from mailkeep.bench.corpus import Corpus
from mailkeep.bench.result import plain
from mailkeep.bench.run import named, run
from mailkeep.bench.stage import Stage, Workload
from mailkeep.bench.target import Target
from mailkeep.bench.workloads import WORKLOADS


def bench(
    server: Annotated[str, typer.Argument(metavar="HOST:PORT", help="The IMAP server.")],
    *,
    tls: Annotated[bool, typer.Option("--tls", help="TLS from the first octet.")] = False,
    ca: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The certificate to trust, instead of what the system trusts.")
    ] = None,
    user: Annotated[
        str, typer.Option(metavar="PATTERN", help="User names; %d stands for the numbers 1, 2, …")
    ] = "u%d@example.org",
    password: Annotated[str, typer.Option(help="The password of all of them.")] = "pass",  # noqa: S107  a test's
    users: Annotated[int, typer.Option(min=1, help="How many there are.")] = 50,
    workloads: Annotated[
        str | None,
        typer.Option(metavar="NAME,…", help=f"Only these of: {', '.join(w.name for w in WORKLOADS)}."),
    ] = None,
    messages: Annotated[int, typer.Option(min=1, help="Messages in the large mailbox.")] = 20_000,
    seconds: Annotated[float, typer.Option(min=0.01, help="How long each workload runs.")] = 3.0,
    rounds: Annotated[int, typer.Option(min=1, help="How often; the figures are medians.")] = 1,
    idle: Annotated[int, typer.Option(min=1, help="Idle connections opened to see what one costs.")] = 1000,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write everything there, too.")
    ] = None,
    lmtp: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where mail for these users can be delivered.")
    ] = None,
    smtp: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where it takes mail for these users from strangers.")
    ] = None,
    pid: Annotated[
        int | None, typer.Option(metavar="N", help="The server's process on this machine: shows its CPU and memory.")
    ] = None,
) -> None:
    """Put load on an IMAP server, check every answer, and print figures.

    It works in mailboxes of its own (Bench…) of the users named, and delivers into the INBOX of the first.
    Exit status 1: an answer was wrong; that workload has no figure.
    """
    from rich.console import Console

    from mailkeep.bench.table import WIDTH, table

    host, port = _address(server, "HOST:PORT")
    target = Target(
        host=host,
        port=port,
        tls=tls,
        ca=ca,
        user=user,
        password=password,
        users=users if "%d" in user else 1,
        lmtp=_address(lmtp, "--lmtp") if lmtp else None,
        smtp=_address(smtp, "--smtp") if smtp else None,
        pid=pid,
    )
    stage = Stage(
        target=target,
        corpus=Corpus(messages),
        seconds=seconds,
        idle_connections=idle,
        context=target.context(),
    )
    console = Console()
    console.width = max(console.width, WIDTH)
    started_at = int(time.time())
    with console.status("") as status:
        report = run(stage, _named(workloads), rounds, lambda title: status.update(title))
    console.print(table(report))
    for one in report.skipped:
        console.print(f"{one.name}: not run: {one.why}", markup=False)
    for one in report.failures:
        console.print(f"{one.name}: wrong: {one.why}", markup=False)
    if json_file is not None:
        content = {
            "server": server,
            "tls": tls,
            "started_at": started_at,
            "messages": messages,
            "seconds": seconds,
            "rounds": rounds,
            **{name: plain(getattr(report, name)) for name in ("rows", "failures", "skipped")},
        }
        json_file.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    if report.failures:
        raise typer.Exit(1)


def _address(text: str, what: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise typer.BadParameter(f"{text!r} is not HOST:PORT", param_hint=what)
    return host.strip("[]"), int(port)


def _named(names: str | None) -> tuple[Workload, ...]:
    try:
        return named(tuple(filter(None, names.split(","))) if names else ())
    except KeyError as error:
        known = ", ".join(workload.name for workload in WORKLOADS)
        raise typer.BadParameter(f"{error} is none of {known}", param_hint="--workloads") from error
