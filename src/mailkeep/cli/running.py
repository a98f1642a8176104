"""Running a server until a signal ends it: what `serve` and `demo` have in common."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import signal
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from mailkeep import telemetry
from mailkeep.certificates import CertificateError
from mailkeep.cli.notify import notify
from mailkeep.config import Config, ConfigError, read_workers
from mailkeep.loop import run_loop
from mailkeep.server import Server

FILES_WANTED: Final = 1 << 16  # open files, nearly all of them connections

ReadyFileOption = Annotated[
    Path | None,
    typer.Option(
        "--ready-file", metavar="PATH", help="Once every listener accepts, write where they are to PATH, as JSON."
    ),
]

WorkersOption = Annotated[
    int | None,
    typer.Option(
        "--workers",
        metavar="N",
        parser=read_workers,
        help="Serve with N processes, or with one per processor: auto.  Stands above the configuration.",
        show_default=False,
    ),
]

log = telemetry.logger()


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run `main` on uvloop."""
    _raise_file_limit()
    run_loop(main)


async def run_server(
    config: Config,
    *,
    prepare: Callable[[Server], Awaitable[dict[str, str]]] | None = None,
    announce: Callable[[Server], None],
    ready_file: Path | None,
    reread: Callable[[], Config] | None,
) -> None:
    """Serve until SIGTERM or SIGINT, then drain.

    `prepare` runs before anybody is told that the server is ready; what it returns goes into the ready-file too.
    SIGHUP takes over what `reread` returns.  The ready-file is removed at the end.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with Server.open(config) as server:
        more = await prepare(server) if prepare else {}
        if reread is not None:
            loop.add_signal_handler(signal.SIGHUP, _reload, server, reread)
        with contextlib.ExitStack() as stack:
            if ready_file is not None:
                write_ready_file(ready_file, server, more)
                stack.callback(ready_file.unlink, missing_ok=True)
            announce(server)
            notify("READY=1")
            log.info("server.ready", data=str(config.data_dir), pid=os.getpid())
            await stop.wait()
        notify("STOPPING=1")
        log.info("server.stopping")
    log.info("server.stopped")


def _reload(server: Server, reread: Callable[[], Config]) -> None:
    try:
        config = reread()
        need_restart = server.reload(config)
    except (ConfigError, CertificateError) as error:
        log.error("server.reload_refused", reason=str(error))
        return
    telemetry.configure(config.log.level, config.log.format)
    log.info("server.reloaded", need_restart=list(need_restart))


def write_ready_file(path: Path, server: Server, more: dict[str, str]) -> None:
    """Tell scripts where the server is: the whole file appears at once."""
    endpoints = server.endpoints
    names = ("imap", "imaps", "pop3", "pop3s", "lmtp", "smtp", "submission", "submissions", "http", "https", "metrics")
    listeners = {name: getattr(endpoints, name) for name in names}
    content = {
        **{name: list(where) for name, where in listeners.items() if where is not None},
        **more,
        "ca": str(server.certificate),
        "data": str(server.config.data_dir),
        "pid": os.getpid(),
    }
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.touch(mode=0o600)  # it may hold a password
    temporary.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    temporary.replace(path)


def _raise_file_limit() -> None:
    """Every connection is an open file, and the usual soft limit is 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_WANTED if hard == resource.RLIM_INFINITY else min(FILES_WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
