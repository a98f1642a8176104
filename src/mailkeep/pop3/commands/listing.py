"""What LIST and UIDL have in common: a line for each message, many of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import islice
from typing import Final

from mailkeep.pop3.session import Transaction
from mailkeep.pop3.wire.reply import END, ok

LINES: Final = 2048  # made in one go


async def tell(transaction: Transaction, text: str, lines: Iterator[str]) -> None:
    """An answer of these lines.  Raises: ConnectionError."""
    session = transaction.session
    session.reply(ok(text))
    while some := [*islice(lines, LINES)]:
        session.write("\r\n".join([*some, ""]).encode("ascii"))
        if len(some) == LINES:
            await session.flush()
            await asyncio.sleep(0)
    session.write(END)
