"""AUTH: logging in by a SASL mechanism."""

from __future__ import annotations

from mailkeep.formats.sasl import SaslError
from mailkeep.model.errors import AuthenticationFailed
from mailkeep.pop3.commands.login import failed, logged_in
from mailkeep.pop3.session import Session
from mailkeep.pop3.wire.auth import Auth
from mailkeep.pop3.wire.reply import Reply, several
from mailkeep.service.authentication import Service


async def auth(session: Session, command: Auth | None) -> Reply | None:
    """Carry out the exchange of a mechanism, with or without initial response.  RFC 5034 §4.

    Without a mechanism it tells which there are: older clients ask so.
    Raises: Refused, Unsupported, Unavailable, LimitReached.
    """
    session.require_privacy()
    authentication = session.services.authentication
    tls = session.connection.secured()
    if command is None:
        session.write(several("Mechanisms follow", authentication.mechanisms(Service.POP3, tls)))
        return None
    try:
        login = await authentication.log_in(
            command.mechanism,
            command.initial,
            service=Service.POP3,
            peer=session.connection.peer,
            ask=session.ask,
            tls=tls,
        )
    except SaslError as error:
        return failed(session, str(error))
    except AuthenticationFailed:
        return failed(session, "Wrong user name or password")
    return await logged_in(session, login)
