"""LOGIN."""

from __future__ import annotations

from mailkeep.imap.capabilities import capability_code
from mailkeep.imap.done import Done, Refused
from mailkeep.imap.session import Session
from mailkeep.imap.wire.login import Login
from mailkeep.model.ids import AccountId


async def login(session: Session, cmd: Login) -> Done:
    """Log in with a password.  RFC 9051 §6.2.3.

    Raises: AuthenticationFailed, Unavailable, LimitReached.
    """
    if not session.plaintext_allowed:
        raise Refused("A password is taken under TLS only", b"PRIVACYREQUIRED")
    account = await session.services.accounts.authenticate(cmd.user, cmd.password, session.connection.peer)
    return logged_in(session, account, cmd.user)


def logged_in(session: Session, account: AccountId, user: str) -> Done:
    """What LOGIN and AUTHENTICATE have in common; the answer carries the new capabilities.  Raises: LimitReached."""
    session.log_in(account, user)
    return Done("Logged in", capability_code(session))
