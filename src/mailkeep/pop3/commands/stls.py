"""STLS: go on under TLS."""

from __future__ import annotations

from mailkeep.pop3.session import Session
from mailkeep.pop3.wire.reply import Reply, error, ok


def stls(session: Session, _: None) -> Reply:
    """Say that hands can be shaken.  RFC 2595 §4.

    What was sent behind the command was sent in the clear, by whomever: nobody means it honestly, so the dialogue ends.
    """
    if session.connection.tls:
        return error("TLS is active already")
    if session.tls_context is None:
        return error("TLS is not available")
    if session.utf8:  # RFC 6856 §2.1
        return error("STLS comes before UTF8")
    if session.reader.buffered():
        session.closing = True
        return error("Nothing may follow STLS before the handshake")
    session.starting_tls = True
    return ok("Begin the handshake")
