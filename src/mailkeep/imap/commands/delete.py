"""DELETE."""

from __future__ import annotations

from mailkeep.imap.done import Done, Refused
from mailkeep.imap.session import Authenticated
from mailkeep.model.errors import Invalid


async def delete(s: Authenticated, name: str) -> Done:
    """Delete a mailbox; with children it stays as a name.  RFC 9051 §6.3.5.  Raises: NotFound, Invalid."""
    place = await s.places.get(s.account, name)
    try:
        await s.places.delete(s.account, name)
    except Invalid as error:
        if place.mailbox.selectable:
            raise
        raise Refused(str(error), b"HASCHILDREN") from error
    return Done()
