"""RETR and TOP: a message, or its beginning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mailkeep.model.errors import MailError
from mailkeep.pop3.maildrop import Octets
from mailkeep.pop3.session import Session, Transaction
from mailkeep.pop3.wire.reply import ok
from mailkeep.pop3.wire.stuffing import Stuffing
from mailkeep.pop3.wire.top import Cutter, Top

SMALL: Final = 8 * 1024  # octets that go into one TLS record, the end of the answer with them


async def retr(transaction: Transaction, number: int) -> None:
    """The whole message.  RFC 1939 §5.  Raises: NoSuchMessage, Unavailable."""
    octets = await _open(transaction, number)
    await _send(transaction.session, f"{octets.size} octets", octets.pieces())


async def top(transaction: Transaction, command: Top) -> None:
    """The header, the blank line, and so many lines of the body.  RFC 1939 §7.  Raises: NoSuchMessage, Unavailable."""
    octets = await _open(transaction, command.number)
    await _send(transaction.session, "Top of message follows", _cut(octets, command.lines))


async def _open(transaction: Transaction, number: int) -> Octets:
    return await transaction.maildrops.read(transaction.maildrop, transaction.maildrop.require(number))


def _cut(octets: Octets, lines: int) -> Iterator[bytes]:
    cutter = Cutter(lines)
    for piece in octets.pieces():
        yield cutter.take(piece)
        if cutter.done:
            return


async def _send(session: Session, text: str, pieces: Iterator[bytes]) -> None:
    """Raises: Unavailable (nothing has been sent yet), ConnectionError."""
    first = next(pieces, b"")  # what cannot be read is refused, rather than begun
    stuffing = Stuffing()
    session.reply(ok(text))
    session.write(stuffing.add(first))
    try:
        for piece in pieces:
            await session.flush()
            session.write(stuffing.add(piece))
    except MailError as error:
        raise ConnectionAbortedError from error  # a reply would be taken for a line of the message
    if session.connection.queued > SMALL:
        # Thunderbird misses the end when a packet cuts it in two
        await session.flush()
    session.write(stuffing.end())
