"""mailkeep undelete: expunged messages come back."""

from __future__ import annotations

import datetime as dt
import re
import time
from typing import Annotated, Final

import typer

from mailkeep.administration import Undelete
from mailkeep.cli.count import count
from mailkeep.cli.perform import perform
from mailkeep.cli.place import ConfigOption, DataOption, find_place

_AGO: Final = re.compile(r"(\d{1,6})([smhdw])\Z")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def undelete(
    address: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's address.")],
    *,
    mailbox: Annotated[str | None, typer.Option(metavar="M", help="Only what was in this mailbox.")] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="T", help="Only what was removed since: 2h, 3d, or 2026-11-24T08:00 (local time)."),
    ] = None,
    message: Annotated[str | None, typer.Option(metavar="ID", help="Only this message, by its EMAILID.")] = None,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Bring back expunged messages and deleted mailboxes, for as long as they are kept (30 days)."""
    place = find_place(data, config).must_exist()
    verb = Undelete(address=address, mailbox=mailbox, since=parse_time(since, time.time()), message=message)
    restored = perform(place.config, verb).mailboxes
    for name, number in restored:
        typer.echo(f"{count(number, 'message')} back in {name}.")
    if not restored:
        typer.echo("There was nothing to bring back.")


def parse_time(text: str | None, now: float) -> int | None:
    """UTC seconds of ``3d`` (ago), or of a date and time in ISO 8601, local where it names no zone."""
    if text is None:
        return None
    if ago := _AGO.match(text):
        return int(now) - int(ago[1]) * _SECONDS[ago[2]]
    try:
        return int(dt.datetime.fromisoformat(text).timestamp())
    except ValueError as error:
        raise typer.BadParameter(f"{text} is no time: say 2h, 3d, or 2026-11-24T08:00") from error
