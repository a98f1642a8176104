"""APPEND."""

from __future__ import annotations

import hashlib

from mailkeep.imap.done import Done, Refused
from mailkeep.imap.flags import parse_flags
from mailkeep.imap.session import Authenticated
from mailkeep.imap.wire import append as wire
from mailkeep.imap.wire import response
from mailkeep.imap.wire.framing import Streamed
from mailkeep.service.messages import Incoming
from mailkeep.service.spool import Octets, Spool


async def append(s: Authenticated, cmd: wire.Append) -> Done:
    """Put new messages into a mailbox, all or none.  RFC 9051 §6.3.12, RFC 3502.

    The octets are kept as they came, a bare LF too (eM Client sends such).
    Raises: NotFound (as TRYCREATE), TooLarge, OverQuota, Unavailable.
    """
    place = await s.places.find(s.account, cmd.mailbox)
    if place is None or not place.mailbox.selectable:
        raise Refused("There is no such mailbox", b"TRYCREATE")
    if not all(_size(message.data) for message in cmd.messages):
        raise Refused("An empty message is not stored")  # RFC 3502 §6.3.11: so a client gives up
    incoming = [
        Incoming(octets=_octets(message.data), flags=parse_flags(message.flags), internaldate=message.internaldate)
        for message in cmd.messages
    ]
    appended = await s.messages.append(place.account, place.mailbox.id, incoming)
    return Done(code=response.appenduid(appended.uidvalidity, appended.uids))


def _size(data: bytes | Streamed) -> int:
    return len(data) if isinstance(data, bytes) else data.size


def _octets(data: bytes | Streamed) -> Octets:
    if isinstance(data, bytes):
        return Octets(len(data), hashlib.sha256(data).digest(), data, None)
    assert isinstance(data.sink, Spool)
    return data.sink.finish()
