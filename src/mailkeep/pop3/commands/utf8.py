"""UTF8: the client takes 8-bit octets in headers."""

from __future__ import annotations

from mailkeep.pop3.session import Session
from mailkeep.pop3.wire.reply import Reply, ok


def utf8(session: Session, _: None) -> Reply:
    """From now on messages are sent as they are.  RFC 6856 §2.1."""
    session.utf8 = True
    return ok("UTF-8 it is")
