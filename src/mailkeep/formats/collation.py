"""Comparators (RFC 4790): how texts are told apart and put in order.

A comparator makes a *key* of each text: texts are equal, in order, or within one another as their keys are, character
by character.  The order of characters is that of their UTF-8.
"""

from __future__ import annotations

import unicodedata
from enum import Enum
from functools import lru_cache
from typing import Final


class Comparator(Enum):
    """The comparators that there are; the value is the registered name.  The first is the default."""

    CASEMAP = "i;unicode-casemap"  # RFC 5051
    ASCII = "i;ascii-casemap"  # RFC 4790 §9.2
    OCTET = "i;octet"  # RFC 4790 §9.3


_CASED: Final = 0x20000  # no letter from here on has case
_UPPER_ASCII: Final = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}


def collation_key(text: str, comparator: Comparator = Comparator.CASEMAP) -> str:
    """The key of a text; of texts joined by control characters, their keys so joined."""
    match comparator:
        case Comparator.CASEMAP:
            if text.isascii():
                return text.upper()
            return unicodedata.normalize("NFKD", text.translate(_titlecase()))
        case Comparator.ASCII:
            return text.upper() if text.isascii() else text.translate(_UPPER_ASCII)
        case Comparator.OCTET:
            return text


@lru_cache(1)
def _titlecase() -> dict[int, str]:
    """Simple titlecase mappings (RFC 5051 §2, step 2a).  Mappings to more than one character are not simple."""
    found: dict[int, str] = {}
    for code in range(_CASED):
        character = chr(code)
        title = character.title()
        if title != character and len(title) == 1:
            found[code] = title
    return found
