"""SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS."""

from __future__ import annotations

from typing import Final

from mailkeep.imap.done import Bad
from mailkeep.imap.session import Authenticated
from mailkeep.imap.wire import acl as wire
from mailkeep.imap.wire import response
from mailkeep.model.errors import Invalid, NotFound
from mailkeep.model.rights import ANY, NONE, VIRTUAL, parse_rights, shown
from mailkeep.service.places import MISSING, Place
from mailkeep.service.sharing import How

HOW: Final = {wire.Modify.REPLACE: How.REPLACE, wire.Modify.ADD: How.ADD, wire.Modify.REMOVE: How.REMOVE}


async def setacl(s: Authenticated, cmd: wire.SetAcl) -> None:
    """Change what an identifier may do with a mailbox.  RFC 4314 §3.1.

    Raises: NotFound, Forbidden, Invalid (no such user; rights of the owner), LimitReached.
    """
    try:
        rights = parse_rights(cmd.rights)
    except Invalid as error:
        raise Bad(error.text) from error
    place = await s.places.get(s.account, cmd.mailbox)
    await s.session.services.sharing.change(place, cmd.identifier, HOW[cmd.modify], rights)


async def deleteacl(s: Authenticated, cmd: wire.Identified) -> None:
    """Take an identifier off the list.  RFC 4314 §3.2.  Raises: NotFound, Forbidden, Invalid."""
    place = await s.places.get(s.account, cmd.mailbox)
    await s.session.services.sharing.change(place, cmd.identifier, How.REPLACE, NONE)


async def getacl(s: Authenticated, name: str) -> None:
    """The list of a mailbox.  RFC 4314 §3.3.  Raises: NotFound, Forbidden."""
    place = await s.places.get(s.account, name)
    entries = await s.session.services.sharing.list(place)
    s.session.write(wire.acl(_name(s, place), [(identifier, shown(rights)) for identifier, rights in entries]))


async def listrights(s: Authenticated, cmd: wire.Identified) -> None:
    """What an identifier can be given; no rights are tied together.  RFC 4314 §3.4, §2.1.1.

    Raises: NotFound, Forbidden, Invalid (no such user).
    """
    place = await s.places.get(s.account, cmd.mailbox)
    always, optional = s.session.services.sharing.grantable(place, cmd.identifier)
    groups = [*optional, *VIRTUAL] if optional else []
    s.session.write(wire.listrights(_name(s, place), cmd.identifier, shown(always), groups))


async def myrights(s: Authenticated, name: str) -> None:
    """What the user may do with a mailbox.  RFC 4314 §3.5.  Raises: NotFound."""
    place = await s.places.get(s.account, name)
    if not any(right in place.rights for right in ANY):
        raise NotFound(MISSING)
    tell_rights(s, place)


def tell_rights(s: Authenticated, place: Place) -> None:
    """The untagged MYRIGHTS of a mailbox."""
    s.session.write(wire.myrights(_name(s, place), shown(place.rights)))


def _name(s: Authenticated, place: Place) -> bytes:
    return response.mailbox(place.name, utf8=s.session.enabled.utf8_names)
