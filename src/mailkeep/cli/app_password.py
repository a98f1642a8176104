"""mailkeep account app-password: passwords for one program or device, made here."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime
from typing import Annotated, Final

import msgspec
import typer

from mailkeep.administration import AddAppPassword, AppPasswordLine, ListAppPasswords, RevokeAppPassword
from mailkeep.cli.perform import perform
from mailkeep.cli.place import ConfigOption, DataOption, find_place
from mailkeep.service.ways import Service

app = typer.Typer(
    help="Passwords for one program or device each, beside the one that the person knows: add, list, revoke.",
    no_args_is_help=True,
)

_SPAN: Final = re.compile(r"([1-9][0-9]{0,4})([hdwy])")
_HOURS: Final = {"h": 1, "d": 24, "w": 7 * 24, "y": 365 * 24}

Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="The account's address, user@domain.")]


@app.command()
def add(
    address: Address,
    label: Annotated[str, typer.Argument(metavar="NAME", help='What it is for: "Ann\'s phone".')],
    *,
    scope: Annotated[
        list[Service] | None,
        typer.Option("--scope", help="A service that it opens; may be said several times.  Without: all."),
    ] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="For reading mail: it changes nothing, and sends nothing.")
    ] = False,
    expires: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="It opens nothing from then on: 12h, 90d, 8w, 1y, or 2027-01-31 (local)."),
    ] = None,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Make an app password, and show it, this once."""
    services = tuple(scope or (service for service in Service if not (read_only and service is Service.SMTP)))
    if read_only and Service.SMTP in services:
        raise typer.BadParameter("who may only read cannot send: leave out --scope smtp")
    place = find_place(data, config).must_exist()
    verb = AddAppPassword(
        address=address,
        label=label,
        services=services,
        read_only=read_only,
        expires_at=None if expires is None else _parse_expiry(expires, time.time()),
    )
    made = perform(place.config, verb)
    typer.echo(f"Number {made.line.number}, for {address}: {_scope(made.line)}.  Type this as the password:")
    typer.echo(made.secret)
    typer.echo("It is not shown again.", err=True)


@app.command("list")
def list_(
    address: Address,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: times in seconds since 1970, UTC.")] = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """List the app passwords of an account, what each opens, and when it was used last."""
    found = perform(find_place(data, config).must_exist().config, ListAppPasswords(address=address)).app_passwords
    if as_json:
        typer.echo(json.dumps(msgspec.to_builtins(found), indent=1))
        return
    for line in found:
        typer.echo(_text(line, time.time()))
    if not found:
        typer.echo(f"{address} has no app passwords.", err=True)


@app.command()
def revoke(
    address: Address,
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="As `app-password list` shows it.", min=1)],
    *,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Have an app password open nothing any more; who is logged in with it is sent away at once."""
    perform(find_place(data, config).must_exist().config, RevokeAppPassword(address=address, number=number))
    typer.echo(f"App password {number} of {address} is revoked.")


def _parse_expiry(text: str, now: float) -> int:
    """UTC seconds.  Raises: BadParameter."""
    if found := _SPAN.fullmatch(text):
        return int(now) + int(found[1]) * _HOURS[found[2]] * 3600
    try:
        at = int(datetime.fromisoformat(text).astimezone().timestamp())
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(f"{text}: say 12h, 90d, 8w, 1y, or a date such as 2027-01-31") from error
    if at <= now:
        raise typer.BadParameter(f"{text} is past")
    return at


def _scope(line: AppPasswordLine) -> str:
    services = " ".join(line.services)
    return f"{services}, for reading only" if line.read_only else services


def _text(line: AppPasswordLine, now: float) -> str:
    used = "never used" if line.used_at is None else f"last used {_day(line.used_at)}"
    text = f"{line.number:>4}  {line.label}  ({_scope(line)})  made {_day(line.created_at)}, {used}"
    if line.expires_at is None:
        return text
    return f"{text}, {'expired' if line.expires_at <= now else 'expires'} {_day(line.expires_at)}"


def _day(at: int) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M")
