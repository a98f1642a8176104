"""mailkeep config: is the configuration right, and what does it come to?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mailkeep.certificates import CertificateFiles, TlsContext
from mailkeep.cli.guide import SERVICE_USER
from mailkeep.cli.place import ConfigOption, DataOption, find_place
from mailkeep.cli.program import words
from mailkeep.cli.systemd import unit_for
from mailkeep.config import show as show_config
from mailkeep.doctor.rights import user_name
from mailkeep.offices import require_files

app = typer.Typer(help="The configuration: check, show, unit.", no_args_is_help=True)


@app.command()
def check(*, data: DataOption = None, config: ConfigOption = None) -> None:
    """Check the configuration file, and the files it names: certificate, hook, authorities, password."""
    place = find_place(data, config)
    require_files(place.config)
    tls = place.config.tls
    if tls.certificate and tls.key:
        TlsContext(CertificateFiles(tls.certificate, tls.key))
    typer.echo(
        f"{place.file} is right." if place.file else "There is no configuration file: the defaults are in force."
    )


@app.command()
def show(*, data: DataOption = None, config: ConfigOption = None) -> None:
    """Show every option as it is in force, as a complete configuration file."""
    typer.echo(show_config(find_place(data, config).config), nl=False)


@app.command()
def unit(
    *,
    user: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=f"Who runs the server; else whose the data is, {SERVICE_USER} if root's."),
    ] = None,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Print a unit by which systemd runs the server, as a user who may write to the data alone."""
    place = find_place(data, config)
    typer.echo(unit_for(place.config, place.file, user or _owner(place.config.data_dir), words()).text(), nl=False)


def _owner(directory: Path) -> str:
    uid = directory.stat().st_uid if directory.is_dir() else 0
    return user_name(uid) if uid else SERVICE_USER
