"""mailkeep account: who has mail here."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from mailkeep.administration import (
    AccountLine,
    AddAccount,
    ListAccounts,
    ListAliases,
    MoveAccount,
    MoveProgress,
    RemoveAccount,
    SetPassword,
    SetQuota,
    ShowAccount,
    SwitchSentCopy,
)
from mailkeep.cli.address import read_address
from mailkeep.cli.count import count
from mailkeep.cli.perform import Watch, perform
from mailkeep.cli.place import ConfigOption, DataOption, find_place
from mailkeep.cli.program import program
from mailkeep.cli.progress import bar
from mailkeep.cli.secret import PasswordFileOption, PasswordHashOption, PasswordStdinOption, read_password
from mailkeep.cli.size import SizeOption, parse_size
from mailkeep.config import show_size

app = typer.Typer(
    help="Accounts: add, list, show, password, app-password, quota, set-quota, sent-copy, setup, openpgp, move, and"
    " remove.",
    no_args_is_help=True,
)


class Switch(StrEnum):
    """Words for yes and no."""

    ON = "on"
    OFF = "off"


Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="The account's address, user@domain.")]


@app.command()
def add(
    address: Address,
    *,
    quota: SizeOption = None,
    shared: Annotated[
        bool, typer.Option("--shared", help="Nobody's: no login; its mailboxes are shared with `mailbox share`.")
    ] = False,
    elsewhere: Annotated[
        bool,
        typer.Option("--elsewhere", help="No password: others say who logs in (LDAP, tokens, a hook, certificates)."),
    ] = False,
    password_stdin: PasswordStdinOption = False,
    password_file: PasswordFileOption = None,
    password_hash: PasswordHashOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Make an account; the data directory too where there is none."""
    octets = parse_size(quota)
    read_address(address)
    place = find_place(data, config)
    if (shared or elsewhere) and (password_stdin or password_hash or password_file is not None):
        raise typer.BadParameter("such an account has no password")
    if shared and elsewhere:
        raise typer.BadParameter("a shared account is nobody's: nobody logs in")
    password = None if shared or elsewhere else read_password(address, stdin=password_stdin, file=password_file)
    verb = AddAccount(address=address, password=password, quota=octets, elsewhere=elsewhere, hashed=password_hash)
    added = perform(place.config, verb)
    typer.echo(f"Account {address} is ready.")
    if not (added.signed or shared):
        typer.echo(f"What it sends is not signed, as its domain has no keys: {program()} domain add {added.domain}")


@app.command("list")
def list_(*, data: DataOption = None, config: ConfigOption = None) -> None:
    """List all accounts."""
    accounts = perform(find_place(data, config).must_exist().config, ListAccounts()).accounts
    width = max((len(line.address) for line in accounts), default=0)
    for line in accounts:
        typer.echo(f"{line.address:{width}}  {_text(line)}")


@app.command()
def show(address: Address, *, data: DataOption = None, config: ConfigOption = None) -> None:
    """Show one account."""
    line = perform(find_place(data, config).must_exist().config, ShowAccount(address=address))
    typer.echo(f"{line.address}  {_text(line)}")


@app.command()
def password(
    address: Address,
    *,
    password_stdin: PasswordStdinOption = False,
    password_file: PasswordFileOption = None,
    password_hash: PasswordHashOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Change an account's password.  Whoever is logged in with the old one has to log in again."""
    place = find_place(data, config).must_exist()
    new = read_password(address, stdin=password_stdin, file=password_file)
    perform(place.config, SetPassword(address=address, password=new, hashed=password_hash))
    typer.echo(f"The password of {address} is changed.")


@app.command()
def move(
    address: Address,
    shard: Annotated[int, typer.Argument(metavar="SHARD", help="The number of the shard it goes to.", min=0)],
    *,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Move an account to another shard.  Meanwhile its mail can be read, and what writes to it is put off.

    There are as many shards as the option `shards` says, and at least one for each worker.
    """
    place = find_place(data, config).must_exist()
    with bar(f"Moving {address}") as tell:
        perform(place.config, MoveAccount(address=address, shard=shard), Watch(MoveProgress(address=address), tell))
    typer.echo(f"Account {address} is in shard {shard}.")


@app.command("sent-copy")
def sent_copy(
    address: Address,
    switch: Annotated[Switch, typer.Argument(metavar="on|off", help="Whether copies are kept.")],
    *,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Keep a copy of what an account sends in its mailbox Sent, so that its clients need not upload it once more.

    Of a client that does so all the same the copy is not stored twice.
    """
    place = find_place(data, config).must_exist()
    perform(place.config, SwitchSentCopy(address=address, on=switch is Switch.ON))
    kept = "are kept in its mailbox Sent" if switch is Switch.ON else "are not kept by the server"
    typer.echo(f"Copies of what {address} sends {kept}.")


@app.command()
def remove(
    address: Address,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Remove an account and all its mail; this cannot be undone."""
    place = find_place(data, config).must_exist()
    line = perform(place.config, ShowAccount(address=address))
    if not yes:
        typer.confirm(f"Remove {address} with {count(line.messages, 'message')}, for good?", abort=True)
    aliases = perform(place.config, ListAliases()).aliases
    perform(place.config, RemoveAccount(address=address))
    typer.echo(f"Account {address} is removed.")
    others = {alias for alias, account in aliases if account != line.address}
    orphans = [alias for alias, account in aliases if account == line.address and alias not in others]
    if orphans:
        typer.echo(f"Aliases that led to it alone are gone: {' '.join(orphans)}")


@app.command("set-quota")
def set_quota(
    address: Address,
    *,
    octets: SizeOption = None,
    messages: Annotated[int | None, typer.Option(min=0, help="Messages it may hold; 0 = no limit.")] = None,
    mailboxes: Annotated[int | None, typer.Option(min=0, help="Mailboxes it may have; 0 = no limit.")] = None,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Limit what an account may hold; limits that are not named stay.  What is over a limit already stays too."""
    if octets is None and messages is None and mailboxes is None:
        raise typer.BadParameter("say at least one of --quota, --messages, --mailboxes")
    place = find_place(data, config).must_exist()
    limits = SetQuota(address=address, octets=parse_size(octets), messages=messages, mailboxes=mailboxes)
    perform(place.config, limits)
    typer.echo(_usage(perform(place.config, ShowAccount(address=address))))


@app.command()
def quota(address: Address, *, data: DataOption = None, config: ConfigOption = None) -> None:
    """Show what an account holds and may hold."""
    typer.echo(_usage(perform(find_place(data, config).must_exist().config, ShowAccount(address=address))))


def _text(line: AccountLine) -> str:
    quota = "no quota" if line.quota is None else f"quota {show_size(line.quota)}"
    held = count(line.messages, "message")
    state = f"{line.state}, shared" if line.shared else line.state
    return f"{state}  shard {line.shard}  {held}  {count(line.octets, 'octet')}  {quota}"


def _usage(line: AccountLine) -> str:
    rows = (
        ("octets", str(line.octets), line.quota and show_size(line.quota)),
        ("messages", str(line.messages), line.quota_messages),
        ("mailboxes", str(line.mailboxes), line.quota_mailboxes),
    )
    return "\n".join(
        f"{what:9}  {used:>15}  of {'any number' if limit is None else limit}" for what, used, limit in rows
    )
