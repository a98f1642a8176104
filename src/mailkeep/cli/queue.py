"""mailkeep queue: mail that waits to be delivered, or to be taken by another server."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import Annotated, Final

import msgspec
import typer

from mailkeep.administration import ChangeQueue, ListQueue, QueuedLine, QueuedMessage, ShowQueued
from mailkeep.cli.count import count
from mailkeep.cli.perform import perform
from mailkeep.cli.place import ConfigOption, DataOption, Place, find_place

app = typer.Typer(help="The queue: list, show, retry, hold, release, drop.", no_args_is_help=True)

FEW: Final = 100
REASON: Final = 200  # characters of what another server said

AccountOption = Annotated[str | None, typer.Option("--account", metavar="ADDRESS", help="What this account sends.")]
DomainOption = Annotated[str | None, typer.Option("--domain", metavar="DOMAIN", help="What goes to this domain.")]
AllOption = Annotated[bool, typer.Option("--all", help="Everything.")]
JsonOption = Annotated[bool, typer.Option("--json", help="For programs: times in seconds since 1970, UTC.")]
Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID…]", help="Messages, as `queue list` names them.")]


@app.command("list")
def list_(
    *,
    account: AccountOption = None,
    domain: DomainOption = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = FEW,
    as_json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """List messages: what they are called, who sends them, where they go, and why they are still here."""
    verb = ListQueue(account=account, domain=domain, limit=limit)
    found = perform(find_place(data, config).must_exist().config, verb)
    if as_json:
        typer.echo(json.dumps(msgspec.to_builtins(found.messages), indent=1))
        return
    for line in found.messages:
        typer.echo(_line(line, time.time()))
    if found.more:
        typer.echo(f"There are more than these {limit}: see --limit, --account, --domain.", err=True)


def _line(line: QueuedLine, now: float) -> str:
    to = _clean(", ".join(line.domains)) + (", …" if line.waiting > len(line.domains) > 1 else "")
    whose = _clean(line.sender) or "<>"
    text = f"{line.id}  {whose} → {line.waiting} at {to}  {count(line.size, 'octet')}  {_when(line.queued_at)}"
    text += f"  {_next(line.due_at, now)}, {line.attempts} attempts so far"
    return f"{text}: {_clean(line.reason)}" if line.reason else text


@app.command()
def show(
    message: Annotated[str, typer.Argument(metavar="ID", help="A message, as `queue list` names it.")],
    *,
    as_json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Show one message, with what has become of each of its recipients."""
    found = perform(find_place(data, config).must_exist().config, ShowQueued(id=message))
    if as_json:
        typer.echo(json.dumps(msgspec.to_builtins(found), indent=1))
        return
    typer.echo(_whole(found, time.time()))


def _whole(message: QueuedMessage, now: float) -> str:
    held = ", held" if message.held else ""
    lines = [
        f"{message.id}  {count(message.size, 'octet')}, queued {_when(message.queued_at)}{held}",
        f"account  {message.account}",
        f"from     <{_clean(message.sender)}>",
    ]
    for one in message.recipients:
        lines.append(f"to       <{_clean(one.address)}>  {one.state}")
        if one.state == "waiting":
            lines[-1] += f", {_next(one.due_at, now)}, {one.attempts} attempts so far"
        if one.outcome:
            lines.append(f"         {_clean(one.outcome)}")
    return "\n".join(lines)


def _next(due_at: int | None, now: float) -> str:
    if due_at is None:
        return "held"
    return f"next {_when(due_at)}" if due_at > now else "being tried"


def _when(at: int) -> str:
    """Local time: for people who sit before this machine."""
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _clean(text: str) -> str:
    """What others said, as a terminal can bear it."""
    return "".join(character if character.isprintable() else "?" for character in text[:REASON])


@app.command()
def retry(
    messages: Ids = None,
    *,
    account: AccountOption = None,
    domain: DomainOption = None,
    everything: AllOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Try messages now, whatever the schedule says; not those that are held."""
    place = find_place(data, config).must_exist()
    _change(place, _chosen("retry", messages, account, domain, everything=everything), "tried now")


@app.command()
def hold(
    messages: Ids = None,
    *,
    account: AccountOption = None,
    domain: DomainOption = None,
    everything: AllOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Keep messages until they are released."""
    place = find_place(data, config).must_exist()
    _change(place, _chosen("hold", messages, account, domain, everything=everything), "held")


@app.command()
def release(
    messages: Ids = None,
    *,
    account: AccountOption = None,
    domain: DomainOption = None,
    everything: AllOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Let messages that are held go on: they are tried now."""
    place = find_place(data, config).must_exist()
    _change(place, _chosen("release", messages, account, domain, everything=everything), "released")


@app.command()
def drop(
    messages: Ids = None,
    *,
    account: AccountOption = None,
    domain: DomainOption = None,
    everything: AllOption = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Remove messages for good; nobody is told.  What is being tried at this moment may still arrive."""
    place = find_place(data, config).must_exist()
    verb = _chosen("drop", messages, account, domain, everything=everything)
    if not yes:
        which = " ".join(verb.ids) or f"all that {account or 'anybody'} sends to {domain or 'anybody'}"
        typer.confirm(f"Drop {which}, for good?", abort=True)
    _change(place, verb, "dropped")


def _chosen(
    change: str, messages: list[str] | None, account: str | None, domain: str | None, *, everything: bool
) -> ChangeQueue:
    """What to do with which messages: exactly one way to name them must have been used, or account and domain."""
    ways = bool(messages) + bool(account or domain) + everything
    if ways != 1:
        raise typer.BadParameter("name messages, or --account and --domain, or --all")
    return ChangeQueue(change=change, ids=tuple(messages or ()), account=account, domain=domain)


def _change(place: Place, verb: ChangeQueue, done: str) -> None:
    changed = perform(place.config, verb)
    typer.echo(f"{count(changed.count, 'message')} {done}.")
    for name, why in changed.refused:
        typer.echo(f"mailkeep: {name}: {why}", err=True)
    if changed.refused:
        raise typer.Exit(1)
