"""What LIST and UIDL have in common: a line for each message, many of them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Final

from mailkeep.pop3.session import Transaction
from mailkeep.pop3.wire.reply import END, ok

LINES: Final = 4096  # made in one go


async def tell(transaction: Transaction, text: str, what: Callable[[int], object]) -> None:
    """The number and `what` of each message that is not marked as deleted.  Raises: ConnectionError."""
    session = transaction.session
    session.reply(ok(text))
    numbers = transaction.maildrop.numbers()
    while some := [*islice(numbers, LINES)]:
        session.write("".join([f"{number} {what(number)}\r\n" for number in some]).encode("ascii"))
        if len(some) == LINES:
            await session.flush()
    session.write(END)
