"""mailkeep config: is the configuration right, and what does it come to?"""

from __future__ import annotations

import typer

from mailkeep.certificates import CertificateFiles, TlsContext
from mailkeep.cli.place import ConfigOption, DataOption, find_place
from mailkeep.config import show as show_config
from mailkeep.offices import require_files

app = typer.Typer(help="The configuration: check, show.", no_args_is_help=True)


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
