"""mailkeep domain: whose mail is taken, and what DNS has to say of it."""

from __future__ import annotations

from typing import Annotated

import typer

from mailkeep.administration import AddDomain, ListDomains, RemoveDomain
from mailkeep.cli.perform import perform
from mailkeep.cli.place import ConfigOption, DataOption, find_place
from mailkeep.cli.program import program

app = typer.Typer(help="Domains: add, list, remove.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="DOMAIN", help="The part behind @.")]


@app.command()
def add(domain: Name, *, data: DataOption = None, config: ConfigOption = None) -> None:
    """Take mail for a domain, and make keys that sign what it sends."""
    perform(find_place(data, config).must_exist().config, AddDomain(domain=domain))
    typer.echo(f"Domain {domain} is ready.  What DNS has to say of it: {program()} domain dns {domain}")


@app.command("list")
def list_(*, data: DataOption = None, config: ConfigOption = None) -> None:
    """List the domains that have been added."""
    domains = perform(find_place(data, config).must_exist().config, ListDomains()).domains
    width = max((len(line.domain) for line in domains), default=0)
    for line in domains:
        keys = " ".join(line.selectors) or "none"
        typer.echo(f"{line.domain:{width}}  {line.accounts} accounts  {line.aliases} aliases  keys {keys}")


@app.command()
def remove(domain: Name, *, data: DataOption = None, config: ConfigOption = None) -> None:
    """Take no more mail for a domain, and forget its keys; its accounts and aliases must be gone."""
    perform(find_place(data, config).must_exist().config, RemoveDomain(domain=domain))
    typer.echo(f"Domain {domain} is removed.")
