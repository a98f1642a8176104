"""Matching of mailbox names with the patterns of LIST (RFC 9051 §6.3.9): ``*`` and ``%``."""

from __future__ import annotations


def matches(pattern: str, name: str, delimiter: str = "/") -> bool:
    """Whether the whole `name` matches; ``%`` stands for anything without `delimiter`, ``*`` for anything.

    INBOX is matched in any case, as a whole name and as the first level of one.
    Time is at most len(pattern) * len(name), whatever the pattern.
    """
    if name == "INBOX" or name.startswith("INBOX" + delimiter):
        first, slash, rest = pattern.partition(delimiter)
        pattern = first.upper() + slash + rest
    # `reached[i]`: what has been read of the pattern can end before name[i]
    reached = {0}
    for piece in _pieces(pattern):
        if piece == "*":
            reached = set(range(min(reached), len(name) + 1))
        elif piece == "%":
            reached = _within_level(reached, name, delimiter)
        else:
            reached = {i + len(piece) for i in reached if name.startswith(piece, i)}
        if not reached:
            return False
    return len(name) in reached


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


def _within_level(reached: set[int], name: str, delimiter: str) -> set[int]:
    out: set[int] = set()
    end = -1  # everything up to here is in `out` already
    for i in sorted(reached):
        if i > end:
            end = name.find(delimiter, i)
            if end < 0:
                end = len(name)
            out.update(range(i, end + 1))
    return out
