"""AUTH: the client says who it is, and proves it."""

from __future__ import annotations

from base64 import b64encode
from typing import Final

from mailkeep.formats.sasl import MECHANISMS, Challenge, Credentials, Exchange, SaslError
from mailkeep.model.errors import AuthenticationFailed, NotFound, Unavailable
from mailkeep.smtp.commands.table import Answer
from mailkeep.smtp.session import Session, User
from mailkeep.smtp.wire.auth import Auth, response
from mailkeep.smtp.wire.command import WireError
from mailkeep.smtp.wire.reply import Reply

MAX_FAILURES: Final = 5  # of a connection

_REFUSED: Final = Reply(535, "5.7.8", "Wrong user name or password")
_CANCELLED: Final = Reply(501, "5.7.0", "Authentication is cancelled")
_LATER: Final = Reply(454, "4.7.0", "Logins cannot be checked now, try again later")


async def auth(session: Session, command: Auth) -> Reply:
    """Begin an exchange of a mechanism, with or without initial response.  RFC 4954 §4."""
    if session.user is not None:
        return Reply(503, "5.5.1", "You have authenticated already")
    if session.transaction is not None:
        return Reply(503, "5.5.1", "Not within a transaction")
    if not session.tls:
        return Reply(538, "5.7.11", "Begin with STARTTLS")
    mechanism = MECHANISMS.get(command.mechanism)
    if mechanism is None:
        return Reply(504, "5.5.4", "There is no such mechanism")
    session.exchange = mechanism()
    return await _step(session, session.exchange, command.initial)


async def go_on(session: Session, exchange: Exchange, line: bytes) -> Reply:
    """The client answers a challenge.  RFC 4954 §4."""
    try:
        answer = response(line)
    except WireError as error:
        session.exchange = None
        return error.reply
    if answer is None:
        session.exchange = None
        return _CANCELLED
    return await _step(session, exchange, answer)


def stop(session: Session, reply: Reply) -> Answer:
    """A line came that cannot be used: an exchange that is under way ends with it."""
    session.exchange = None
    return reply


async def _step(session: Session, exchange: Exchange, answer: bytes | None) -> Reply:
    try:
        step = exchange.step(answer)
    except SaslError as error:
        session.exchange = None
        return _failed(session, Reply(535, "5.7.8", str(error)))
    match step:
        case Challenge(octets):
            return Reply(334, "", b64encode(octets).decode("ascii"))
        case Credentials(user, password):
            session.exchange = None
            return await _log_in(session, user, password)


async def _log_in(session: Session, user: str, password: str) -> Reply:
    assert session.accounts is not None
    try:
        account = await session.accounts.authenticate(user, password, session.peer)
        session.user = User(account, session.accounts.address_of(account))
    except (AuthenticationFailed, NotFound):
        return _failed(session, _REFUSED)
    except Unavailable:
        return _LATER
    return Reply(235, "2.7.0", "Authenticated")


def _failed(session: Session, reply: Reply) -> Reply:
    session.failed_logins += 1
    if session.failed_logins >= MAX_FAILURES:
        session.closing = True
        return Reply(421, "4.7.0", "Too many failed logins, closing connection")
    return reply
