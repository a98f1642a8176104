"""LOGIN."""

from __future__ import annotations

from mailkeep.imap.capabilities import capability_code
from mailkeep.imap.done import Done, Refused
from mailkeep.imap.session import Session
from mailkeep.imap.wire import login as wire
from mailkeep.service.authentication import Login, Service


async def login(session: Session, cmd: wire.Login) -> Done:
    """Log in with a password.  RFC 9051 §6.2.3.

    Raises: AuthenticationFailed, Unavailable, LimitReached.
    """
    if not session.plaintext_allowed:
        raise Refused("A password is taken under TLS only", b"PRIVACYREQUIRED")
    return logged_in(
        session,
        await session.services.authentication.password(
            cmd.user, cmd.password, service=Service.IMAP, peer=session.connection.peer
        ),
    )


def logged_in(session: Session, login: Login) -> Done:
    """What LOGIN and AUTHENTICATE have in common; the answer carries the new capabilities.  Raises: LimitReached."""
    session.log_in(login)
    return Done("Logged in", capability_code(session))
