"""mailkeep alias: further addresses of accounts."""

from __future__ import annotations

from typing import Annotated

import typer

from mailkeep.administration import AddAlias, ListAliases, RemoveAlias
from mailkeep.cli.perform import perform
from mailkeep.cli.place import ConfigOption, DataOption, find_place

app = typer.Typer(help="Aliases: add, list, remove.", no_args_is_help=True)

Alias = Annotated[
    str, typer.Argument(metavar="ALIAS", help="user@domain; or @domain: whatever nobody else has in the domain.")
]


@app.command()
def add(
    alias: Alias,
    accounts: Annotated[list[str], typer.Argument(metavar="ACCOUNT...", help="Accounts that get mail to it.")],
    *,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Let an address lead to accounts, which may send as it too; to those named before it leads on."""
    place = find_place(data, config).must_exist()
    for account in accounts:
        perform(place.config, AddAlias(alias=alias, account=account))
        typer.echo(f"{alias} leads to {account}.")


@app.command("list")
def list_(*, data: DataOption = None, config: ConfigOption = None) -> None:
    """List all aliases, and where they lead."""
    aliases = perform(find_place(data, config).must_exist().config, ListAliases()).aliases
    width = max((len(alias) for alias, _ in aliases), default=0)
    for alias, account in aliases:
        typer.echo(f"{alias:{width}}  {account}")


@app.command()
def remove(
    alias: Alias,
    account: Annotated[
        str | None, typer.Argument(metavar="[ACCOUNT]", help="It no longer leads to this one; else to nobody.")
    ] = None,
    *,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Take an alias away, from one account or from all."""
    perform(find_place(data, config).must_exist().config, RemoveAlias(alias=alias, account=account))
    typer.echo(f"{alias} leads to {account or 'nobody'}{' no more' if account else ''}.")
