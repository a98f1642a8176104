"""STARTTLS: go on under TLS."""

from __future__ import annotations

from mailkeep.smtp.session import Session
from mailkeep.smtp.wire.reply import Reply


def starttls(session: Session, _: None) -> Reply:
    """Say that hands can be shaken.  RFC 3207 §4.

    What was sent behind the command was sent in the clear, by whomever: nobody means it honestly, so the dialogue ends.
    """
    if session.tls:
        return Reply(503, "5.5.1", "TLS is active already")
    if not session.can_start_tls:
        return Reply(454, "4.7.0", "TLS is not available")
    if session.reader.buffered():
        session.closing = True
        return Reply(503, "5.5.1", "Nothing may follow STARTTLS before the handshake")
    session.starting_tls = True
    return Reply(220, "2.0.0", "Begin the handshake")
