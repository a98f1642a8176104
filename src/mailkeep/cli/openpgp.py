"""mailkeep account openpgp: the key that others find by an account's address."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from mailkeep.administration import PublishKey, ShowKey, WithdrawKey
from mailkeep.cli.perform import perform
from mailkeep.cli.place import ConfigOption, DataOption, find_place

MAX_FILE: Final = 1 << 20  # octets read of it: more is no key

app = typer.Typer(
    help="The OpenPGP key that others find by the address (WKD): set, show, remove.", no_args_is_help=True
)

Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="The account's address, user@domain.")]


@app.command("set")
def set_(
    address: Address,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The public key, as `gpg --export` writes it; - = stdin.")
    ],
    *,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Publish a key, in place of another.  Only what belongs to this address is published of it."""
    place = find_place(data, config).must_exist()
    try:
        with sys.stdin.buffer if str(file) == "-" else file.open("rb") as stream:
            octets = stream.read(MAX_FILE)
    except OSError as error:
        raise typer.BadParameter(f"{file}: cannot be read: {error.strerror}") from error
    perform(place.config, PublishKey(address=address, octets=octets))
    typer.echo(f"The key of {address} is published: {perform(place.config, ShowKey(address=address)).url}")


@app.command()
def show(address: Address, *, data: DataOption = None, config: ConfigOption = None) -> None:
    """Print the key that is published, in ASCII armor."""
    octets = perform(find_place(data, config).must_exist().config, ShowKey(address=address)).octets
    text = base64.b64encode(octets).decode("ascii")
    typer.echo("-----BEGIN PGP PUBLIC KEY BLOCK-----\n")
    for start in range(0, len(text), 64):
        typer.echo(text[start : start + 64])
    typer.echo("-----END PGP PUBLIC KEY BLOCK-----")


@app.command()
def remove(address: Address, *, data: DataOption = None, config: ConfigOption = None) -> None:
    """Publish the key no longer."""
    perform(find_place(data, config).must_exist().config, WithdrawKey(address=address))
    typer.echo(f"The key of {address} is no longer published.")
