"""LHLO: the client introduces itself, and learns what we can do."""

from __future__ import annotations

from typing import Final

from mailkeep.smtp.session import Session
from mailkeep.smtp.wire.lhlo import Lhlo
from mailkeep.smtp.wire.reply import Reply

EXTENSIONS: Final = ("PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "CHUNKING")


def lhlo(session: Session, command: Lhlo) -> Reply:
    """Begin, or begin anew: a transaction that was open is dropped.

    RFC 2033 §4.1, RFC 5321 §4.1.4; the extensions: RFC 2920, 6152, 6531, 2034, 3030, and SIZE of RFC 1870.
    """
    session.reset()
    session.helo = command.name
    lines = (session.options.hostname, *EXTENSIONS, f"SIZE {session.options.max_message}")
    return Reply(250, "", "\n".join(lines))
