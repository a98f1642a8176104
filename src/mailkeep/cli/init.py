"""mailkeep init: everything that a new server needs."""

from __future__ import annotations

import datetime as dt
import os
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from mailkeep.administration import AddAccount, AddAlias, AddDomain, ShowZone
from mailkeep.certificates import ensure_self_signed, names_for
from mailkeep.cli.doctor import examine, lines
from mailkeep.cli.first_steps import how_to_start, what_there_is
from mailkeep.cli.guide import SERVICE_USER, STDOUT, Guide, Ports, Source, check_password, make_user, read_domain
from mailkeep.cli.layout import HIGH_PORTS, lay_out
from mailkeep.cli.perform import perform
from mailkeep.cli.place import ConfigOption, DataOption, Place
from mailkeep.cli.plan import Plan
from mailkeep.cli.program import words
from mailkeep.cli.secret import PasswordFileOption, PasswordStdinOption, read_password
from mailkeep.cli.systemd import unit_for
from mailkeep.cli.trial import try_out
from mailkeep.config import CONFIG_NAME, Config, ConfigError, default_data_dir, load, parse
from mailkeep.doctor import Area, Finding, Level
from mailkeep.doctor.rights import give_to
from mailkeep.model.address import Address
from mailkeep.service.addresses import POSTMASTER
from mailkeep.service.zone import DEFAULT_CA

LOOKED_AT: Final = (Area.PORTS, Area.CERTIFICATE, Area.CLOCK, Area.DISK, Area.LIMITS)


def init(
    address: Annotated[
        str | None, typer.Argument(metavar="[ADDRESS]", help="The first account, user@domain.", show_default=False)
    ] = None,
    *,
    hostname: Annotated[
        str | None, typer.Option(metavar="NAME", help="The server's own name; mail.DOMAIN if not given.")
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="PEM file of a certificate with its chain."),
    ] = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="PEM file of its private key.")] = None,
    tls: Annotated[
        Source | None,
        typer.Option(
            help="Where the certificate comes from; acme is Let's Encrypt, to whose terms you agree by that.",
            show_default=False,
        ),
    ] = None,
    ports: Annotated[
        Ports | None, typer.Option(help="Standard ports, or those plus 10000, which need no right.", show_default=False)
    ] = None,
    unit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a unit for systemd to FILE; - prints it.")
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=f"Who runs the server by that unit; {SERVICE_USER} if root makes it."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing but the password.")] = False,
    trial: Annotated[bool, typer.Option("--trial/--no-trial", help="Try the server out at the end.")] = True,
    password_stdin: PasswordStdinOption = False,
    password_file: PasswordFileOption = None,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Set a server up: configuration, keys, the first account, perhaps a unit for systemd; and say what to do next.

    On a terminal it asks for what the options do not say.  It overwrites nothing, and writes nothing before the last
    question is answered.  At the end the server is tried out: it is started for a moment on other ports, and a message
    goes round.
    """
    directory = (data or default_data_dir()).absolute()
    file = (config or directory / CONFIG_NAME).absolute()
    _refuse_existing(file, directory / CONFIG_NAME, directory / "lock", *((unit,) if unit and unit != STDOUT else ()))
    _require_writable(*((unit,) if unit and unit != STDOUT else ()), file, directory)
    guide = Guide(asking=sys.stdin.isatty() and sys.stdout.isatty() and not yes)
    guide.greet()
    account = guide.address(address)
    domain = read_domain(account)
    own_name = guide.hostname(hostname, domain)
    password = _password(guide, account, stdin=password_stdin, file=password_file)
    where = guide.unit(unit)
    runs_as = guide.user(user) if where else ""
    base = 0 if guide.ports(ports, unit=where is not None) is Ports.STANDARD else HIGH_PORTS
    plan = Plan(
        address=account,
        password=password,
        domain=domain,
        hostname=own_name,
        directory=directory,
        file=file,
        certificate=guide.certificate(tls, certificate, key),
        unit=where,
        user=runs_as,
        layout=lay_out(base),
    )
    parse(plan.configuration(), plan.file)  # what is wrong together is found before anything is written
    guide.go_on(plan.summary())
    _make(plan)
    _finish(plan, trial=trial)


def _refuse_existing(*paths: Path) -> None:
    for path in paths:
        if path.exists():
            raise ConfigError(f"{path} exists already: nothing has been changed")


def _require_writable(*paths: Path) -> None:
    """Each can be made.  Raises: ConfigError."""
    for path in paths:
        above = next(parent for parent in path.parents if parent.exists())
        if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
            raise ConfigError(f"{path} cannot be made: {above} is not yours to write to")


def _password(guide: Guide, address: Address, *, stdin: bool, file: Path | None) -> str:
    """Whatever can be refused is refused before anything is written."""
    if guide.asking and not stdin and file is None:
        return guide.password(address)
    return check_password(read_password(str(address), stdin=stdin, file=file))


def _make(plan: Plan) -> None:
    if plan.unit is not None:
        make_user(plan.user)
    try:
        plan.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(plan.file, plan.configuration())
    except OSError as error:
        raise ConfigError(f"{error.filename} cannot be made: {error.strerror}") from error
    loaded = load(plan.file)
    perform(loaded, AddAccount(address=str(plan.address), password=plan.password))
    perform(loaded, AddDomain(domain=plan.domain))
    if plan.address.local != POSTMASTER:
        perform(loaded, AddAlias(alias=f"{POSTMASTER}@{plan.domain}", account=str(plan.address)))
    if plan.certificate.source is not Source.FILES:
        ensure_self_signed(plan.directory, names_for(plan.hostname, (plan.domain,)), dt.datetime.now(dt.UTC))


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("x", encoding="utf-8") as out:
        out.write(text)


def _finish(plan: Plan, *, trial: bool) -> None:
    """Tell what there is, try it, and give it to its user."""
    config = load(plan.file)
    typer.echo(what_there_is(plan, config, perform(config, ShowZone(domain=plan.domain, authority=DEFAULT_CA)).text))
    tried = [_try(plan, config)] if trial else []
    unit = unit_for(config, plan.file, plan.user, words()).text() if plan.unit else ""
    if plan.unit is not None:
        give_to(plan.user, plan.directory)
        if plan.unit != STDOUT:
            _write(plan.unit, unit)
    typer.echo("This machine:\n")
    for line in lines([*tried, *examine(Place(config, plan.file), LOOKED_AT)], quiet=False):
        typer.echo(f"  {line}")
    typer.echo(f"\n{how_to_start(plan, unit)}")
    if any(finding.level is Level.FAULT for finding in tried):
        raise typer.Exit(1)


def _try(plan: Plan, config: Config) -> Finding:
    return try_out(config, str(plan.address), plan.password, f"{POSTMASTER}@{plan.domain}")
