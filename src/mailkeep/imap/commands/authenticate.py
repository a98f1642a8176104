"""AUTHENTICATE."""

from __future__ import annotations

from base64 import b64encode

from mailkeep.formats.sasl import SaslError
from mailkeep.imap.commands.login import logged_in
from mailkeep.imap.done import Bad, Done, Refused
from mailkeep.imap.session import Session
from mailkeep.imap.wire import authenticate as wire
from mailkeep.imap.wire import response
from mailkeep.service import logins


async def authenticate(session: Session, cmd: wire.Authenticate) -> Done:
    """Log in by a SASL mechanism, with or without initial response.  RFC 9051 §6.2.2, RFC 4959.

    Raises: AuthenticationFailed, Unavailable, LimitReached.
    """
    accounts = session.services.accounts
    if cmd.mechanism not in logins.mechanisms(accounts) or f"AUTH={cmd.mechanism}" in session.options.off:
        raise Refused("Unsupported authentication mechanism", b"CANNOT")
    if not session.plaintext_allowed:
        raise Refused("A password is taken under TLS only", b"PRIVACYREQUIRED")

    async def ask(challenge: bytes) -> bytes:
        session.write(response.continuation(b64encode(challenge)))
        answer = wire.response(await session.read_line())
        if answer is None:
            raise Bad("Authentication cancelled")
        return answer

    try:
        account, user = await logins.log_in(accounts, cmd.mechanism, cmd.initial, session.connection.peer, ask)
    except SaslError as error:
        raise Refused(str(error), b"AUTHENTICATIONFAILED") from error
    return logged_in(session, account, user)
