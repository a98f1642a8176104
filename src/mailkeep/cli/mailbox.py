"""mailkeep mailbox: what an account has, and with whom it is shared."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from mailkeep.administration import CreateMailbox, ListMailboxes, ReadAcl, ShareMailbox
from mailkeep.cli.count import count
from mailkeep.cli.perform import perform
from mailkeep.cli.place import ConfigOption, DataOption, find_place

app = typer.Typer(help="Mailboxes: list, create, acl, share.", no_args_is_help=True)

Address = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's address.")]
RIGHTS_HELP: Final = (
    "Letters of RFC 4314: l see, r read, s mark seen, w change flags, i put in, p post to, k create below, x delete,"
    ' t mark deleted, e expunge, a administer; with + or - before them more or fewer; "" none.'
)
Name = Annotated[str, typer.Argument(metavar="MAILBOX", help="The mailbox's name in that account.")]


@app.command("list")
def list_(
    address: Address,
    *,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """List the mailboxes of an account with what they hold."""
    mailboxes = perform(find_place(data, config).must_exist().config, ListMailboxes(address=address)).mailboxes
    width = max((len(line.name) for line in mailboxes), default=0)
    for line in mailboxes:
        role = f"  \\{line.role}" if line.role else ""
        holds = f"{count(line.messages, 'message')}  {line.unseen} unseen  {count(line.octets, 'octet')}"
        typer.echo(f"{line.name:{width}}  {holds}{role}")


@app.command()
def create(address: Address, mailbox: Name, *, data: DataOption = None, config: ConfigOption = None) -> None:
    """Make a mailbox in an account; in a shared one nobody else can make those at the top."""
    perform(find_place(data, config).must_exist().config, CreateMailbox(address=address, mailbox=mailbox))
    typer.echo(f"Mailbox {mailbox} is ready.")


@app.command()
def acl(address: Address, mailbox: Name, *, data: DataOption = None, config: ConfigOption = None) -> None:
    """Show who may do what with a mailbox."""
    verb = ReadAcl(address=address, mailbox=mailbox)
    entries = perform(find_place(data, config).must_exist().config, verb).entries
    width = max((len(identifier) for identifier, _ in entries), default=0)
    for identifier, rights in entries:
        typer.echo(f"{identifier:{width}}  {rights}")


@app.command(context_settings={"ignore_unknown_options": True})
def share(
    address: Address,
    mailbox: Name,
    identifier: Annotated[str, typer.Argument(metavar="WHO", help="An address, or anyone; with - before it: not.")],
    rights: Annotated[str, typer.Argument(metavar="RIGHTS", help=RIGHTS_HELP)],
    *,
    below: Annotated[bool, typer.Option("--below", help="All mailboxes below it too.")] = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Let somebody use a mailbox of an account; mailboxes made below it later are shared likewise."""
    verb = ShareMailbox(address=address, mailbox=mailbox, identifier=identifier, rights=rights, below=below)
    perform(find_place(data, config).must_exist().config, verb)
    typer.echo(f"{identifier} has got new rights on {mailbox}.")
