"""Numbers of things, as people write them."""

from __future__ import annotations


def count(number: float, one: str, many: str = "") -> str:
    """``1 message``, ``2 messages``; `many` where it is not `one` with an s.

    A whole number stays as programs read it; of another the thousands are parted: ``2,000 messages``.
    """
    shown = str(number) if isinstance(number, int) else f"{number:,.0f}"
    return f"{shown} {one if number == 1 else many or one + 's'}"
