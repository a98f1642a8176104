"""mailkeep deliver: a message from a file or a pipe into somebody's INBOX."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from mailkeep.administration import Deliver
from mailkeep.cli.perform import perform
from mailkeep.cli.place import ConfigOption, DataOption, find_place


def deliver(
    file: Annotated[str, typer.Argument(metavar="[FILE|-]", help="The message; - is standard input.")] = "-",
    *,
    to: Annotated[list[str], typer.Option("--to", metavar="ADDRESS", help="A recipient; may be repeated.")],
    sender: Annotated[
        str, typer.Option("--from", metavar="ADDRESS", help="The reverse path; nothing for a message without one.")
    ] = "",
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Deliver a message to accounts, through the running server or without one."""
    place = find_place(data, config).must_exist()
    try:
        octets = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}") from error
    if not octets:
        raise typer.BadParameter("the message is empty")
    delivered = perform(place.config, Deliver(to=tuple(to), sender=sender, octets=with_crlf(octets)))
    for address, why in delivered.refused:
        typer.echo(f"mailkeep: not delivered to {address}: {why}", err=True)
    if delivered.refused:
        raise typer.Exit(1)


def with_crlf(octets: bytes) -> bytes:
    """A message as files on Unix hold it → as mail has it: LF becomes CRLF.

    One that has CRLF already is left exactly as it is.
    """
    return octets if b"\r\n" in octets else re.sub(rb"\n", b"\r\n", octets)
