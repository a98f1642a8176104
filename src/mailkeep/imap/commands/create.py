"""CREATE."""

from __future__ import annotations

from mailkeep.formats.objectid import mailboxid
from mailkeep.imap.done import Done, Refused
from mailkeep.imap.session import Authenticated
from mailkeep.imap.wire import response
from mailkeep.imap.wire.create import Create
from mailkeep.model.errors import AlreadyExists
from mailkeep.model.mailbox import DELIMITER, Role
from mailkeep.service.trees import parse_name


async def create(s: Authenticated, cmd: Create) -> Done:
    """Make a mailbox, with what is missing above it.  RFC 9051 §6.3.4; special use: RFC 6154 §3.

    A delimiter at the end says that the client wants to make children; the name itself is made all the same.
    Raises: AlreadyExists, Invalid, LimitReached.
    """
    name = cmd.mailbox.removesuffix(DELIMITER) if len(cmd.mailbox) > 1 else cmd.mailbox
    role = _role(cmd.use)
    if role is not None and parse_name(name) is not None:
        raise Refused("Only a mailbox of one's own can have a special use", b"USEATTR")
    try:
        made = await s.places.create(s.account, name, role)
    except AlreadyExists as error:
        if role is None or await s.places.find(s.account, name) is not None:
            raise
        raise Refused(error.text, b"USEATTR") from error
    tell_normalized(s, name, made.name)
    return Done(code=response.mailboxid(mailboxid(made.account, made.mailbox.id)))


def tell_normalized(s: Authenticated, asked: str, made: str) -> None:
    """Another spelling than asked for is told (RFC 9051 §6.3.4), to clients that know the extended LIST."""
    if asked != made and s.session.enabled.rev2:
        old = response.mailbox(asked, utf8=True)
        name = response.mailbox(made, utf8=True)
        s.session.write(response.list_line((), name, extended=response.oldname(old)))


def _role(use: tuple[str, ...]) -> Role | None:
    """The one special use asked for.  Raises: Refused."""
    if not use:
        return None
    role = Role.parse(use[0])
    if role is None or len(use) > 1:
        raise Refused("This special use is not supported", b"USEATTR")
    return role
