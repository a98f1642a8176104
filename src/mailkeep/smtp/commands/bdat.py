"""BDAT: a chunk of the message, of a size told before."""

from __future__ import annotations

from mailkeep.smtp.session import Session
from mailkeep.smtp.wire.bdat import Bdat
from mailkeep.smtp.wire.reply import Reply


def bdat(session: Session, command: Bdat) -> None:
    """Read the chunk that follows, whatever becomes of it.  RFC 3030 §2."""
    session.chunk = command
    session.reader.expect_chunk(command.size)
    transaction = session.transaction
    if transaction is not None and transaction.recipients and transaction.spool is None:
        transaction.spool = session.open_spool()


async def chunk_read(session: Session, chunk: Bdat) -> Reply | None:
    """The chunk has been read.  Returns: its reply, or None when those for the recipients have been given.

    RFC 3030 §2; RFC 2033 §4.3: after LAST there is one reply for each recipient, and none where there is none.
    """
    session.chunk = None
    transaction = session.transaction
    if transaction is None:
        return Reply(503, "5.5.1", "Begin with MAIL FROM")
    if transaction.spool is None:
        if not chunk.last:
            return Reply(503, "5.5.1", "There is no recipient")
        session.reset()
        return Reply(503, "5.5.1", "There is no recipient") if session.role.one_answer else None
    limit = session.options.max_message
    if transaction.spool.size > limit:
        transaction.failed = Reply(552, "5.3.4", f"Message is larger than {limit} octets")
    if chunk.last:
        await session.finish()
        return None
    return transaction.failed or Reply(250, "2.0.0", f"{chunk.size} octets received")
