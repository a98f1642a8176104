"""Where a password comes from: never from the command line, where every user of the machine could read it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

PasswordStdinOption = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the first line of standard input.")
]
PasswordFileOption = Annotated[
    Path | None,
    typer.Option("--password-file", metavar="FILE", help="Read the password from the first line of FILE."),
]
PasswordHashOption = Annotated[
    bool,
    typer.Option(
        "--password-hash",
        help="What is read is no password but its hash, as another system keeps it: argon2, bcrypt, scrypt, PBKDF2,"
        " SHA-crypt, salted SHA; with {SCHEME} in front as Dovecot has it, or without.",
    ),
]


def read_password(address: str, *, stdin: bool, file: Path | None) -> str:
    """The password for `address`: from standard input, from `file`, or asked for twice on the terminal."""
    if stdin and file:
        raise typer.BadParameter("give one of --password-stdin and --password-file")
    if file:
        try:
            return _first_line(file.read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise typer.BadParameter(f"{file} cannot be read: {error}") from error
    if stdin:
        return _first_line(sys.stdin.readline())
    if not sys.stdin.isatty():
        raise typer.BadParameter(
            "there is no terminal to ask for the password: say --password-stdin or --password-file"
        )
    password: str = typer.prompt(f"Password for {address}", hide_input=True, confirmation_prompt=True)
    return password


def _first_line(text: str) -> str:
    password = text.partition("\n")[0].removesuffix("\r")
    if not password:
        raise typer.BadParameter("the password is empty")
    return password
