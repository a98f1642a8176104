"""Addresses as arguments."""

from __future__ import annotations

import typer

from mailkeep.model.address import Address, parse_address
from mailkeep.model.errors import Invalid


def read_address(text: str) -> Address:
    """The address that `text` spells.  Raises: BadParameter."""
    try:
        return parse_address(text)
    except Invalid as error:
        raise typer.BadParameter(f"{text}: {error.text[0].lower()}{error.text[1:]}") from error
