"""What EHLO tells: the extensions that each kind of session offers, and when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from mailkeep.service.authentication import Service
from mailkeep.smtp.session import Session

Say = Callable[[Session], str | None]
"""The line of an extension; None while it is not offered."""


def of(session: Session, extensions: tuple[str | Say, ...]) -> tuple[str, ...]:
    """The lines of those that are offered now."""
    said = (each if isinstance(each, str) else each(session) for each in extensions)
    return tuple(line for line in said if line is not None)


def size(session: Session) -> str:
    """RFC 1870 §4."""
    return f"SIZE {session.options.max_message}"


def starttls(session: Session) -> str | None:
    """RFC 3207 §4.2: not once it is active."""
    return "STARTTLS" if session.can_start_tls and not session.tls else None


def auth(session: Session) -> str | None:
    """RFC 4954 §3; a password is taken under TLS only."""
    if session.users is None or session.user is not None or not session.tls:
        return None
    return f"AUTH {' '.join(session.users.authentication.mechanisms(Service.SMTP, session.secured()))}"


def requiretls(session: Session) -> str | None:
    """RFC 8689 §2: under TLS only."""
    return "REQUIRETLS" if session.tls else None


def burl(session: Session) -> str:
    """RFC 4468 §3.1: of use only to those who have authenticated."""
    return "BURL imap" if session.user is not None else "BURL"


def futurerelease(session: Session) -> str | None:
    """RFC 4865 §3: how long, and until when a message can be held."""
    longest = session.options.max_hold_s
    if not longest:
        return None
    latest = datetime.fromtimestamp(int(session.clock()) + longest, UTC)
    return f"FUTURERELEASE {longest} {latest:%Y-%m-%dT%H:%M:%SZ}"


def limits(session: Session) -> str:
    """RFC 9422 §4.3: recipients of one transaction."""
    return f"LIMITS RCPTMAX={session.options.max_recipients}"


# RFC 2920, RFC 6152, RFC 6531, RFC 2034, RFC 3030
_PLAIN: Final = ("PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "CHUNKING")

LMTP: Final[tuple[str | Say, ...]] = (*_PLAIN, size)
RECEPTION: Final[tuple[str | Say, ...]] = (*_PLAIN, "BINARYMIME", size, starttls, requiretls, limits)
SUBMISSION: Final[tuple[str | Say, ...]] = (*RECEPTION, auth, "DSN", futurerelease, burl)
