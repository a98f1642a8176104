"""Rights on a mailbox, as the letters of RFC 4314 §2.1, always in the order of `ALL`.

l  it is visible                    i  messages may be put into it     x  it may be deleted and renamed
r  it may be opened                 p  mail may be sent to it          t  \\Deleted may be changed
s  \\Seen may be changed             k  mailboxes may be made below it  e  messages may be expunged
w  other flags may be changed       a  its rights may be changed
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mailkeep.model.errors import Invalid
from mailkeep.model.flags import System

Rights = str

ALL: Final[Rights] = "lrswipkxtea"
NONE: Final[Rights] = ""
ANY: Final[Rights] = "lrikxa"  # one of them is needed to learn one's own rights (RFC 4314 §4)
VIRTUAL: Final = {"c": "kx", "d": "te"}  # rights of RFC 2086, and what they mean (RFC 4314 §2.1.1)
OF_FLAG: Final = {System.SEEN: "s", System.DELETED: "t"}  # what changing a flag needs; any other needs "w"


def ordered(letters: Iterable[str]) -> Rights:
    """The same rights, each once, in the usual order."""
    wanted = frozenset(letters)
    return "".join([letter for letter in ALL if letter in wanted])


def parse_rights(text: str) -> Rights:
    """What a user wrote, ``c`` and ``d`` among it.  Raises: Invalid (no such right)."""
    letters = "".join([VIRTUAL.get(letter, letter) for letter in text])
    for letter in letters:
        if letter not in ALL:
            raise Invalid(f"There is no right {letter}" if letter.isascii() else "There is no such right")
    return ordered(letters)


def shown(rights: Rights) -> str:
    """As clients are told them: with ``c`` and ``d`` where some of what they mean is there."""
    return rights + "".join([virtual for virtual, real in VIRTUAL.items() if any(r in rights for r in real)])


def changeable(rights: Rights) -> int:
    """The mask of system flags that may be changed; keywords may where ``\\Flagged`` may."""
    mask = 0
    for flag in System:
        if OF_FLAG.get(flag, "w") in rights:
            mask |= flag
    return mask
