"""mailkeep certificate: what clients are shown, and what the authority said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Annotated

import msgspec
import typer

from mailkeep.administration import CertificateLine, RenewCertificates, ShowCertificates
from mailkeep.cli.perform import perform
from mailkeep.cli.place import ConfigOption, DataOption, find_place

app = typer.Typer(help="The server's certificates: show, renew.", no_args_is_help=True)


@app.command()
def show(
    *,
    json: Annotated[bool, typer.Option("--json", help="For programs; times are UTC seconds, 0 for none.")] = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Show the certificates, how long they last, and what an authority has said last."""
    answer = perform(find_place(data, config).must_exist().config, ShowCertificates())
    if json:
        typer.echo(msgspec.json.format(msgspec.json.encode(answer.certificates), indent=2).decode())
        return
    now = dt.datetime.now(dt.UTC)
    for certificate in answer.certificates:
        typer.echo(certificate.domain or "the server itself")
        for what, text in lines(certificate, now):
            typer.echo(f"  {what:9} {text}")


@app.command()
def renew(*, data: DataOption = None, config: ConfigOption = None) -> None:
    """Have the running server ask the authority for new certificates now.  Exit status 1: one was not made.

    Authorities allow few in a week; by itself the server renews each in time.
    """
    outcomes = perform(find_place(data, config).must_exist().config, RenewCertificates()).outcomes
    for domain, names, fault, refused in outcomes:
        whose = domain or "the server itself"
        if fault:
            typer.echo(f"{whose}: no new certificate: {fault}", err=True)
            continue
        typer.echo(f"{whose}: a new certificate for {', '.join(names)}")
        for name, reason in refused:
            typer.echo(f"  without {name}: {reason}")
    if any(fault for _, _, fault, _ in outcomes):
        raise typer.Exit(1)


def lines(certificate: CertificateLine, now: dt.datetime) -> Iterator[tuple[str, str]]:
    """What to say about what."""
    kinds = {"files": "files that the configuration names", "acme": "an authority (ACME)", "self-signed": "self-signed"}
    yield "from", kinds[certificate.source]
    if certificate.names:
        yield "file", certificate.file
        yield "names", ", ".join(certificate.names)
        yield "issuer", certificate.issuer
        yield "until", f"{_time(certificate.until)} ({_left(certificate.until, now)})"
    elif certificate.source == "self-signed":
        yield "file", f"{certificate.file} is made when the server starts"
    elif certificate.file:
        yield "file", f"{certificate.file} cannot be used"
    if certificate.renew_at:
        yield "renewal", _time(certificate.renew_at)
    for name, reason in certificate.left_out:
        yield "without", f"{name}: {reason}"
    if certificate.fault:
        yield "fault", certificate.fault
        yield "again", _time(certificate.next_at)


def _time(at: int) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")


def _left(until: int, now: dt.datetime) -> str:
    days = (until - now.timestamp()) / 86400
    if days < 0:
        return "it has run out"
    return f"{days:.0f} days left" if days >= 2 else f"{days * 24:.0f} hours left"
