"""AUTHENTICATE."""

from __future__ import annotations

from base64 import b64encode

from mailkeep.formats import sasl
from mailkeep.imap.commands.login import log_in
from mailkeep.imap.done import Bad, Done, Refused
from mailkeep.imap.session import Session
from mailkeep.imap.wire import authenticate as wire
from mailkeep.imap.wire import response


async def authenticate(session: Session, cmd: wire.Authenticate) -> Done:
    """Log in by a SASL mechanism, with or without initial response.  RFC 9051 §6.2.2, RFC 4959.

    Raises: AuthenticationFailed, Unavailable, LimitReached.
    """
    mechanism = sasl.MECHANISMS.get(cmd.mechanism)
    if mechanism is None or f"AUTH={cmd.mechanism}" in session.options.off:
        raise Refused("Unsupported authentication mechanism", b"CANNOT")
    if not session.plaintext_allowed:
        raise Refused("A password is taken under TLS only", b"PRIVACYREQUIRED")
    exchange = mechanism()
    answer = cmd.initial
    while True:
        try:
            step = exchange.step(answer)
        except sasl.SaslError as error:
            raise Refused(str(error), b"AUTHENTICATIONFAILED") from error
        match step:
            case sasl.Credentials(user, password):
                return await log_in(session, user, password)
            case sasl.Challenge(octets):
                session.write(response.continuation(b64encode(octets)))
                answer = wire.response(await session.read_line())
                if answer is None:
                    raise Bad("Authentication cancelled")
