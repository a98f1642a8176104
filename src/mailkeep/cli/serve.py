"""mailkeep serve: the server."""

from __future__ import annotations

import dataclasses

import typer

from mailkeep import telemetry
from mailkeep.cli.place import ConfigOption, DataOption, find_place
from mailkeep.cli.running import ReadyFileOption, WorkersOption, run, run_server
from mailkeep.config import Config
from mailkeep.server import Server


def serve(
    *,
    ready_file: ReadyFileOption = None,
    workers: WorkersOption = None,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Run the server until SIGTERM or Ctrl-C.  SIGHUP reads configuration and certificate again."""

    def read() -> Config:
        found = find_place(data, config).config
        return found if workers is None else dataclasses.replace(found, workers=workers)

    first = read()
    telemetry.configure(first.log.level, first.log.format)
    run(
        run_server(
            first,
            announce=_announce,
            ready_file=ready_file.absolute() if ready_file else None,
            reread=read,
        )
    )


def _announce(server: Server) -> None:
    endpoints = server.endpoints
    lines = (
        ("IMAP", endpoints.imap),
        ("IMAP over TLS", endpoints.imaps),
        ("POP3", endpoints.pop3),
        ("POP3 over TLS", endpoints.pop3s),
        ("SMTP", endpoints.smtp),
        ("Submission", endpoints.submission),
        ("Submission over TLS", endpoints.submissions),
        ("LMTP", endpoints.lmtp),
        ("HTTP", endpoints.http),
        ("HTTPS", endpoints.https),
    )
    for name, where in lines:
        if where is not None:
            typer.echo(f"{name}: {where[0]} port {where[1]}")
    if endpoints.lmtp_socket is not None:
        typer.echo(f"LMTP: {endpoints.lmtp_socket}")
    typer.echo(f"Certificate: {server.certificate}")
    typer.echo(f"Data: {server.config.data_dir}")
    if not server.accounts.list():
        typer.echo("There is no account yet: mailkeep account add ADDRESS")
