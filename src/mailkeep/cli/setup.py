"""mailkeep account setup: how mail programs are set up for an account."""

from __future__ import annotations

import json
from typing import Annotated, Final

import msgspec
import segno
import typer

from mailkeep.administration import SetupLines, ShowSetup
from mailkeep.cli.perform import perform
from mailkeep.cli.place import ConfigOption, DataOption, find_place

PROTOCOLS: Final = {"imap": "IMAP", "pop3": "POP3", "smtp": "SMTP (sending)"}


def setup(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The account's address, user@domain.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    qr: Annotated[bool, typer.Option("--qr/--no-qr", help="A QR code of the profile, for iPhones.")] = True,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Print how mail programs are set up for an account: settings, links, and a QR code for phones."""
    lines = perform(find_place(data, config).must_exist().config, ShowSetup(address=address))
    if as_json:
        typer.echo(json.dumps(msgspec.to_builtins(lines), ensure_ascii=False, indent=2))
        return
    _print(lines, qr=qr)


def _print(lines: SetupLines, *, qr: bool) -> None:
    typer.echo(f"User name: {lines.user}, with the account's password")
    for service in lines.services:
        name = PROTOCOLS[service.protocol]
        typer.echo(f"{name + ':':16} {service.host}  port {service.port}  {service.security}")
    if lines.page:
        typer.echo(f"\nFor people, whatever they have: {lines.page}")
    if lines.profile:
        typer.echo(f"Profile for iPhone, iPad and Mac: {lines.profile}")
        if qr:
            typer.echo("\n" + draw(lines.profile), nl=False)


def draw(text: str) -> str:
    """A QR code in block characters, two rows to a line, that cameras read on light and dark terminals alike."""
    rows = [[*row] for row in segno.make(text, error="l", micro=False).matrix_iter(border=2)]
    rows += [[0] * len(rows[0])] * (len(rows) % 2)
    # Colours are set, not left to the terminal: black on white is what all cameras take.
    blocks = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}
    lines = (
        "".join(blocks[bool(up), bool(down)] for up, down in zip(above, below, strict=True))
        for above, below in zip(rows[::2], rows[1::2], strict=True)
    )
    return "".join(f"\x1b[30;107m{line}\x1b[0m\n" for line in lines)
