"""LANG (RFC 6856 §3)."""

from __future__ import annotations

import re
from typing import Final

from mailkeep.pop3.wire.command import WireError

_RANGE: Final = re.compile(r"\*|[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,10}")


def parse(argument: str) -> str | None:
    """A basic language range (RFC 4647 §2.1) in lower case; None: the client asks which languages there are.

    Raises: WireError.
    """
    wanted = argument.strip(" ")
    if not wanted:
        return None
    if not _RANGE.fullmatch(wanted):
        raise WireError("LANG is followed by a language tag")
    return wanted.lower()
