"""AUTHENTICATE."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace

from mailkeep.formats.sasl import SaslError
from mailkeep.formats.scram import PLUS
from mailkeep.imap.commands.login import logged_in
from mailkeep.imap.done import Bad, Done, Refused
from mailkeep.imap.session import Session
from mailkeep.imap.wire import authenticate as wire
from mailkeep.imap.wire import response
from mailkeep.service.authentication import Service


async def authenticate(session: Session, cmd: wire.Authenticate) -> Done:
    """Log in by a SASL mechanism, with or without initial response.  RFC 9051 §6.2.2, RFC 4959.

    Raises: AuthenticationFailed, Unavailable, LimitReached.
    """
    authentication = session.services.authentication
    tls = session.connection.secured()
    if f"AUTH={PLUS}" in session.options.off:  # a client that could have it, and is not offered it, is right to say so
        tls = replace(tls, bindings={})
    if (
        cmd.mechanism not in authentication.mechanisms(Service.IMAP, tls)
        or f"AUTH={cmd.mechanism}" in session.options.off
    ):
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
        login = await authentication.log_in(
            cmd.mechanism, cmd.initial, service=Service.IMAP, peer=session.connection.peer, ask=ask, tls=tls
        )
    except SaslError as error:
        raise Refused(str(error), b"AUTHENTICATIONFAILED") from error
    return logged_in(session, login)
