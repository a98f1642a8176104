"""IDLE."""

from __future__ import annotations

from mailkeep.imap.done import Bad
from mailkeep.imap.session import Authenticated
from mailkeep.imap.wire import response


async def idle(s: Authenticated, _: None) -> None:
    """Tell what happens as it happens, until DONE.  RFC 9051 §6.3.13, RFC 2177.

    Works without a selected mailbox too.  The engine sends a word now and then, so that routers keep the connection.
    """
    session = s.session
    session.write(response.continuation(b"idling"))
    session.connection.set_deadline(session.options.keep_alive_s)
    session.idling = True
    try:
        while True:
            news = session.listen()  # telling may take long: what happens meanwhile is told in the next round
            if session.selected is not None:
                await session.selected.sync(may_expunge=True)
            if s.watch is not None:
                await s.watch.tell()
            await s.tell_metadata()
            await session.connection.drain()
            line = session.next_line()
            if line is not None:
                break
            await session.wait(news)
    finally:
        session.idling = False
    if line.upper() != b"DONE":
        raise Bad("DONE is expected to end IDLE")
