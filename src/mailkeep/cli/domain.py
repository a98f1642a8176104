"""mailkeep domain: whose mail is taken, and what DNS has to say of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mailkeep.administration import (
    AddDomain,
    CheckDomain,
    ListDomains,
    MakeKeys,
    RemoveDomain,
    ShowWebFiles,
    ShowZone,
    TurnKeys,
)
from mailkeep.cli.count import count
from mailkeep.cli.perform import perform
from mailkeep.cli.place import ConfigOption, DataOption, find_place
from mailkeep.cli.program import program
from mailkeep.service.zone import DEFAULT_CA

app = typer.Typer(help="Domains: add, list, dns, web, check, new-keys, turn-keys, remove.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="DOMAIN", help="The part behind @.")]
Authority = Annotated[
    str,
    typer.Option(
        "--ca", metavar="NAME", help='Who alone may make certificates for the server\'s name (CAA); "" = anybody.'
    ),
]


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
        has = f"{count(line.accounts, 'account')}  {count(line.aliases, 'alias', 'aliases')}"
        typer.echo(f"{line.domain:{width}}  {has}  keys {keys}")


@app.command()
def dns(
    domain: Name, *, authority: Authority = DEFAULT_CA, data: DataOption = None, config: ConfigOption = None
) -> None:
    """Print what DNS has to say of a domain, as a fragment of a zone file."""
    verb = ShowZone(domain=domain, authority=authority)
    typer.echo(perform(find_place(data, config).must_exist().config, verb).text, nl=False)


@app.command()
def web(
    domain: Name,
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where a web server finds the hosts' directories.")],
    *,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Write what a web server has to answer for a domain: the policy of MTA-STS, and settings for mail programs.

    A file that is there already stays if it differs: its mode may have been changed by hand.
    """
    for host, path, octets in perform(find_place(data, config).must_exist().config, ShowWebFiles(domain=domain)).files:
        file = directory / host / path
        if file.exists():
            state = "is up to date" if file.read_bytes() == octets else "differs, and stays"
            typer.echo(f"{file} {state}.")
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(octets)
        typer.echo(f"{file} is written, for https://{host}/{path}")


@app.command()
def check(
    domain: Name, *, authority: Authority = DEFAULT_CA, data: DataOption = None, config: ConfigOption = None
) -> None:
    """Hold what DNS says of a domain against what it should say.  Exit status 1: something is missing or wrong.

    What only gets advice works as it is.
    """
    verb = CheckDomain(domain=domain, authority=authority)
    answer = perform(find_place(data, config).must_exist().config, verb)
    for line in answer.findings:
        typer.echo(f"{line.verdict:8} {line.name} {line.kind}  {line.text}")
    if not answer.good:
        raise typer.Exit(1)


@app.command("new-keys")
def new_keys(domain: Name, *, data: DataOption = None, config: ConfigOption = None) -> None:
    """Make new keys for a domain, and print their records for DNS.  They sign after `turn-keys`."""
    place = find_place(data, config).must_exist()
    typer.echo(perform(place.config, MakeKeys(domain=domain)).text)
    typer.echo(f"When DNS has these records: {program()} domain turn-keys {domain}")


@app.command("turn-keys")
def turn_keys(
    domain: Name,
    *,
    unchecked: Annotated[bool, typer.Option("--unchecked", help="Do not ask whether DNS has them.")] = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Sign with the keys that `new-keys` has made, and forget the old ones."""
    perform(find_place(data, config).must_exist().config, TurnKeys(domain=domain, unchecked=unchecked))
    typer.echo(
        f"{domain} signs with its new keys.  Let the records of the old ones stand for a week: mail is on its way."
    )


@app.command()
def remove(domain: Name, *, data: DataOption = None, config: ConfigOption = None) -> None:
    """Take no more mail for a domain, and forget its keys; its accounts and aliases must be gone."""
    perform(find_place(data, config).must_exist().config, RemoveDomain(domain=domain))
    typer.echo(f"Domain {domain} is removed.")
