"""Mailbox names as the store keeps them."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

from mailkeep.model.errors import Invalid
from mailkeep.model.mailbox import DELIMITER, INBOX, MAX_DEPTH, MAX_LEAF_OCTETS

SHORT: Final = 128  # characters of a name that is remembered
MAX_TYPED: Final = 3 * MAX_LEAF_OCTETS  # characters, before composing: NFC makes one of at most three
UNFIT: Final = {"Cc", "Cs", "Zl", "Zp"}  # control characters, lone surrogates, line and paragraph separators


def parse_path(path: str) -> tuple[str, ...]:
    """The leaves of a full name, top first, in NFC; ``inbox`` at the top becomes INBOX, however it is written.

    Raises: Invalid (an empty leaf, too long, too deep, control characters).
    """
    return (_remembered if len(path) <= SHORT else _parse)(path)


def _parse(path: str) -> tuple[str, ...]:
    if path.count(DELIMITER) >= MAX_DEPTH:
        raise Invalid(f"A mailbox name has at most {MAX_DEPTH} levels")
    leaves = [_normal(leaf) for leaf in path.split(DELIMITER)]  # nothing is composed with a delimiter
    if leaves[0].upper() == INBOX:
        leaves[0] = INBOX
    for leaf in leaves:
        if not leaf:
            raise Invalid("A level of a mailbox name is empty")
        if not leaf.isprintable() and any(unicodedata.category(c) in UNFIT for c in leaf):
            raise Invalid("A mailbox name contains a control character")
        if len(leaf.encode()) > MAX_LEAF_OCTETS:
            raise Invalid(f"A level of a mailbox name is longer than {MAX_LEAF_OCTETS} octets")
    return tuple(leaves)


_remembered: Final = lru_cache(1024)(_parse)  # the same names are named all day


def _normal(leaf: str) -> str:
    if len(leaf) > MAX_TYPED:  # bounded first: the work of `normalize` can grow with the square of its text
        raise Invalid(f"A level of a mailbox name is longer than {MAX_LEAF_OCTETS} octets")
    return leaf if unicodedata.is_normalized("NFC", leaf) else unicodedata.normalize("NFC", leaf)


def normal_path(path: str) -> str:
    """`path` as it is kept.  Raises: Invalid, as `parse_path`."""
    return DELIMITER.join(parse_path(path))
