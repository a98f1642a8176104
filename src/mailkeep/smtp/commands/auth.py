"""AUTH: the client says who it is, and proves it."""

from __future__ import annotations

from typing import Final

from mailkeep.formats.sasl import SaslError
from mailkeep.model.errors import AuthenticationFailed, Unavailable, Unsupported
from mailkeep.service.authentication import Service
from mailkeep.smtp.session import Session, User
from mailkeep.smtp.wire.auth import Auth
from mailkeep.smtp.wire.reply import Reply

MAX_FAILURES: Final = 5  # of a connection

_LATER: Final = Reply(454, "4.7.0", "Logins cannot be checked now, try again later")


async def auth(session: Session, command: Auth) -> Reply:
    """Carry out the exchange of a mechanism, with or without initial response.  RFC 4954 §4.  Raises: Refused."""
    if session.user is not None:
        return Reply(503, "5.5.1", "You have authenticated already")
    if session.transaction is not None:
        return Reply(503, "5.5.1", "Not within a transaction")
    if not session.tls:
        return Reply(530, "5.7.0", "Begin with STARTTLS")  # RFC 3207 §4; RFC 4954 has given up 538
    assert session.users is not None
    authentication = session.users.authentication
    try:
        login = await authentication.log_in(
            command.mechanism,
            command.initial,
            service=Service.SMTP,
            peer=session.peer,
            ask=session.ask,
            tls=session.secured(),
        )
    except Unsupported as error:
        return Reply(504, "5.5.4", error.text)
    except SaslError as error:
        return _failed(session, str(error))
    except AuthenticationFailed:
        return _failed(session, "Wrong user name or password")
    except Unavailable:
        return _LATER
    session.enter(User(login.account, login.user), authentication.watch(login, session.dismiss))
    return Reply(235, "2.7.0", "Authenticated")


def _failed(session: Session, text: str) -> Reply:
    session.failed_logins += 1
    if session.failed_logins >= MAX_FAILURES:
        session.closing = True
        return Reply(421, "4.7.0", "Too many failed logins, closing connection")
    return Reply(535, "5.7.8", text)
