"""Mailbox names as the store keeps them."""

from __future__ import annotations

import unicodedata
from typing import Final

from mailkeep.model.errors import Invalid
from mailkeep.model.mailbox import DELIMITER, INBOX, MAX_DEPTH, MAX_LEAF_OCTETS

UNFIT: Final = {"Cc", "Cs", "Zl", "Zp"}  # control characters, lone surrogates, line and paragraph separators


def parse_path(path: str) -> tuple[str, ...]:
    """The leaves of a full name, top first, in NFC; ``inbox`` at the top becomes INBOX, however it is written.

    Raises: Invalid (an empty leaf, too long, too deep, control characters).
    """
    if not unicodedata.is_normalized("NFC", path):
        path = unicodedata.normalize("NFC", path)
    leaves = path.split(DELIMITER)
    if leaves[0].upper() == INBOX:
        leaves[0] = INBOX
    if len(leaves) > MAX_DEPTH:
        raise Invalid(f"A mailbox name has at most {MAX_DEPTH} levels")
    for leaf in leaves:
        if not leaf:
            raise Invalid("A level of a mailbox name is empty")
        if not leaf.isprintable() and any(unicodedata.category(c) in UNFIT for c in leaf):
            raise Invalid("A mailbox name contains a control character")
        if len(leaf.encode()) > MAX_LEAF_OCTETS:
            raise Invalid(f"A level of a mailbox name is longer than {MAX_LEAF_OCTETS} octets")
    return tuple(leaves)


def normal_path(path: str) -> str:
    """`path` as it is kept.  Raises: Invalid, as `parse_path`."""
    return DELIMITER.join(parse_path(path))
