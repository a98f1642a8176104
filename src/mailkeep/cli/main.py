"""The commands, and what becomes of their errors."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from mailkeep.certificates import CertificateError
from mailkeep.cli import (
    account,
    alias,
    app_password,
    bench,
    certificate,
    check,
    config,
    deliver,
    demo,
    doctor,
    domain,
    init,
    mailbox,
    openpgp,
    queue,
    serve,
    setup,
    status,
    undelete,
)
from mailkeep.config import ConfigError
from mailkeep.control import OutcomeUnknown
from mailkeep.lock import Locked
from mailkeep.model.errors import MailError
from mailkeep.sockets import BindError

app = typer.Typer(
    name="mailkeep",
    help="A mail server in which the server is the mailbox.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.demo)
app.command("init")(init.init)
app.command("serve")(serve.serve)
app.command("deliver")(deliver.deliver)
app.command("undelete")(undelete.undelete)
app.command("status")(status.status)
app.command("check")(check.check)
app.command("doctor")(doctor.doctor)
app.command("bench")(bench.bench)
account.app.command("setup")(setup.setup)
account.app.add_typer(app_password.app, name="app-password")
account.app.add_typer(openpgp.app, name="openpgp")
app.add_typer(account.app, name="account")
app.add_typer(domain.app, name="domain")
app.add_typer(certificate.app, name="certificate")
app.add_typer(alias.app, name="alias")
app.add_typer(mailbox.app, name="mailbox")
app.add_typer(queue.app, name="queue")
app.add_typer(config.app, name="config")


def _print_version(value: bool) -> None:  # noqa: FBT001  typer's signature of a callback
    if value:
        typer.echo(f"mailkeep {version('mailkeep')}")
        raise typer.Exit


@app.callback()
def _common(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None: ...


def main() -> None:
    """Run the command that the arguments name, and exit with its status."""
    try:
        app()
    except (ConfigError, Locked, CertificateError, BindError) as error:
        _fail(str(error), 2)
    except MailError as error:
        _fail(error.text, 1)
    except OutcomeUnknown as error:
        _fail(f"{error}.\nThe outcome is unknown: look before you repeat the command", 1)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone; nobody wants to hear about it
        sys.exit(1)


def _fail(text: str, status: int) -> None:
    typer.echo(f"mailkeep: {text}.", err=True)
    sys.exit(status)
