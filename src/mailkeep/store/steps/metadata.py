"""Whose an entry of metadata is."""

from __future__ import annotations

from mailkeep.model.ids import AccountId
from mailkeep.model.metadata import is_private

NOBODY = 0  # owns what is shared


def owner_of(entry: str, reader: AccountId) -> int:
    """The account whose private entry it is, or NOBODY."""
    return reader if is_private(entry) else NOBODY
