"""ID."""

from __future__ import annotations

import structlog

from mailkeep.imap.session import Session
from mailkeep.imap.wire import response
from mailkeep.imap.wire.id_ import Fields

log = structlog.get_logger()


async def id_(session: Session, client: Fields) -> None:
    """Who is who; the client's words go to the log only.  RFC 2971 §3.1."""
    log.debug("imap.client", fields=dict(client))
    session.write(response.id_((("name", "mailkeep"), ("version", session.options.version or None))))
