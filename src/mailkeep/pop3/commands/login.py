"""USER and PASS: the client says who it is, and proves it by a password."""

from __future__ import annotations

from typing import Final

from mailkeep.model.errors import AuthenticationFailed
from mailkeep.pop3.session import Session
from mailkeep.pop3.wire.reply import Code, Reply, error, ok
from mailkeep.service.authentication import Login, Service

MAX_FAILURES: Final = 5  # of a connection


def user(session: Session, name: str) -> Reply:
    """Remember the name; it says nothing of whether there is such a user.  RFC 1939 §7.  Raises: Refused."""
    session.require_privacy()
    session.user = name
    return ok("Now the password")


async def pass_(session: Session, password: str) -> Reply:
    """Log in, right after USER.  RFC 1939 §7; codes: RFC 3206.  Raises: Refused, Unavailable, LimitReached."""
    session.require_privacy()
    name, session.user = session.user, ""
    if not name:
        return error("PASS comes right after USER")
    try:
        login = await session.services.authentication.password(
            name, password, service=Service.POP3, peer=session.connection.peer
        )
    except AuthenticationFailed:
        return failed(session, "Wrong user name or password")
    return await logged_in(session, login)


async def logged_in(session: Session, login: Login) -> Reply:
    """What PASS and AUTH have in common.  Raises: Refused, Unavailable, LimitReached."""
    transaction = await session.enter(login)
    return ok(f"Logged in, {len(transaction.maildrop)} messages")


def failed(session: Session, text: str) -> Reply:
    """What the client proved is wrong; after some of those it is to go.  RFC 3206 §5."""
    session.failed_logins += 1
    session.closing = session.failed_logins >= MAX_FAILURES
    return error(text, Code.AUTH)
