"""Matching of mailbox names with the patterns of LIST (RFC 9051 §6.3.9): ``*`` and ``%``."""

from __future__ import annotations

from typing import Final

DELIMITER: Final = "/"
INBOX: Final = "INBOX"


class Pattern:
    """A pattern made ready.  ``%`` stands for anything without the delimiter, ``*`` for anything.

    INBOX is matched in any case, as a whole name and as the first level of one.
    """

    __slots__ = ("_pieces",)

    def __init__(self, pattern: str) -> None:
        self._pieces = _pieces(pattern)

    def matches(self, name: str) -> bool:
        """Whether the whole `name` matches.

        However long the pattern, at most twice as many of its letters and wildcards are looked at as the name is long.
        """
        pieces = self._pieces
        if pieces == ["*"]:
            return True
        if pieces == ["%"]:
            return DELIMITER not in name
        if name == INBOX or name.startswith(INBOX + DELIMITER):
            return _matches(pieces, name, any_case=len(INBOX))
        if len(pieces) == 1:
            return pieces[0] == name
        return _matches(pieces, name)


def _matches(pieces: list[str], name: str, any_case: int = 0) -> bool:
    """Where in the name what has been read of the pattern can end: bit i of `ends` stands for the place before name[i].

    Sets of places are integers, so that a step of the pattern costs a few machine instructions for each 64 places.
    The first `any_case` letters of the name are capitals, and match small ones too.
    """
    places: dict[str, int] = {}
    for i, letter in enumerate(name):
        places[letter] = places.get(letter, 0) | 1 << i
        if i < any_case:
            places[letter.lower()] = places.get(letter.lower(), 0) | 1 << i
    everywhere = (1 << len(name) + 1) - 1
    within = (everywhere >> 1) & ~places.get(DELIMITER, 0)
    ends = 1
    for piece in pieces:
        if piece == "*":
            ends = everywhere & -(ends & -ends)  # from the first place on
        elif piece == "%":
            ends = _spread(ends, within, len(name))
        else:
            for letter in piece:
                ends = (ends & places.get(letter, 0)) << 1
                if not ends:
                    return False
    return bool(ends >> len(name))


def _spread(ends: int, within: int, length: int) -> int:
    """The places that can be reached from `ends` by steps over the places in `within`; the stride doubles."""
    stride = 1
    while stride <= length:
        ends |= (ends & within) << stride
        within &= within >> stride
        stride *= 2
    return ends


def _pieces(pattern: str) -> list[str]:
    """Runs of plain text, and wildcards one by one; neighbours that say the same are one."""
    pieces: list[str] = []
    start = 0
    for i, letter in enumerate(pattern):
        if letter not in "*%":
            continue
        if start < i:
            pieces.append(pattern[start:i])
        start = i + 1
        if pieces and pieces[-1] in ("*", "%"):
            pieces[-1] = "*" if "*" in (pieces[-1], letter) else "%"
        else:
            pieces.append(letter)
    if start < len(pattern):
        pieces.append(pattern[start:])
    return pieces
