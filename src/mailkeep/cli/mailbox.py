"""mailkeep mailbox: what an account has."""

from __future__ import annotations

from typing import Annotated

import typer

from mailkeep.administration import ListMailboxes
from mailkeep.cli.perform import perform
from mailkeep.cli.place import ConfigOption, DataOption, find_place

app = typer.Typer(help="Mailboxes: list.", no_args_is_help=True)


@app.callback()
def _group() -> None: ...  # keeps `list` a command of its own although it is the only one


@app.command("list")
def list_(
    address: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's address.")],
    *,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """List the mailboxes of an account with what they hold."""
    mailboxes = perform(find_place(data, config).must_exist().config, ListMailboxes(address=address)).mailboxes
    width = max((len(line.name) for line in mailboxes), default=0)
    for line in mailboxes:
        role = f"  \\{line.role}" if line.role else ""
        typer.echo(f"{line.name:{width}}  {line.messages} messages  {line.unseen} unseen  {line.octets} octets{role}")
