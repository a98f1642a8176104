"""Sizes as arguments: a number of octets, or text like "50 MiB"."""

from __future__ import annotations

from typing import Annotated

import typer

from mailkeep.config import read_size

SizeOption = Annotated[
    str | None,
    typer.Option(
        "--quota", metavar="SIZE", help='What the account may hold: octets, or text like "2 GiB"; 0 = no limit.'
    ),
]


def parse_size(text: str | None) -> int | None:
    """Octets; None for None.  Raises: BadParameter."""
    if text is None:
        return None
    try:
        return read_size(text)
    except ValueError as error:
        raise typer.BadParameter(f'{text} is no size: give octets, or text like "2 GiB"') from error
