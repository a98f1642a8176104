"""Flags as clients name them, turned into the model's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mailkeep.imap.done import Bad
from mailkeep.model.flags import System, is_keyword, spelled
from mailkeep.service.messages import Flags

SYSTEM: Final = {
    "\\Seen": System.SEEN.value,
    "\\Answered": System.ANSWERED.value,
    "\\Flagged": System.FLAGGED.value,
    "\\Deleted": System.DELETED.value,
    "\\Draft": System.DRAFT.value,
}


def parse_flags(names: Iterable[str]) -> Flags:
    """System flags (in the RFC's spelling) as a mask, keywords by name.  Raises: Bad."""
    mask = 0
    keywords: dict[str, str] = {}
    for name in names:
        if name.startswith("\\"):
            if name not in SYSTEM:
                raise Bad(f"{name} is not a flag that can be set")
            mask |= SYSTEM[name]
        elif is_keyword(name):
            keywords.setdefault(name.casefold(), spelled(name))
        else:
            raise Bad("A keyword is an atom of at most 255 characters without brackets")
    return Flags(mask, tuple(keywords.values()))
