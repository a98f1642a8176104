"""CREATE."""

from __future__ import annotations

from mailkeep.formats.objectid import mailboxid
from mailkeep.imap.done import Done, Refused
from mailkeep.imap.session import Authenticated
from mailkeep.imap.wire import response
from mailkeep.imap.wire.create import Create
from mailkeep.model.mailbox import DELIMITER, Role


async def create(s: Authenticated, cmd: Create) -> Done:
    """Make a mailbox, with what is missing above it.  RFC 9051 §6.3.4; special use: RFC 6154 §3.

    A delimiter at the end says that the client wants to make children; the name itself is made all the same.
    Raises: AlreadyExists, Invalid, LimitReached.
    """
    name = cmd.mailbox.removesuffix(DELIMITER) if len(cmd.mailbox) > 1 else cmd.mailbox
    made = await s.places.create(s.account, name, _role(cmd.use))
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
    roles = {f"\\{role}".lower(): role for role in Role}
    if len(use) > 1 or use[0].lower() not in roles:
        raise Refused("This special use is not supported", b"USEATTR")
    return roles[use[0].lower()]
