"""CAPA: what this server can do."""

from __future__ import annotations

from mailkeep.pop3.session import Session
from mailkeep.pop3.wire.reply import several
from mailkeep.service.authentication import Service


def capa(session: Session, _: None) -> None:
    """One capability a line.  RFC 2449 §5."""
    session.write(several("Capabilities follow", capabilities(session)))


def capabilities(session: Session) -> tuple[str, ...]:
    """Those of now: what is told before login is told afterwards too, but for STLS, which is not allowed then.

    RFC 2449 §6, RFC 2595 §4, RFC 3206 §6, RFC 5034 §3, RFC 6856 §2 and §3.
    """
    options = session.options
    said = ["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING"]
    if session.plaintext_allowed:
        mechanisms = session.services.authentication.mechanisms(Service.POP3, session.connection.secured())
        said += ["USER", f"SASL {' '.join(mechanisms)}"]
    if session.tls_context is not None and not session.connection.tls and session.transaction is None:
        said.append("STLS")
    if options.login_delay:
        said.append(f"LOGIN-DELAY {options.login_delay}")
    if options.expire:
        said.append(f"EXPIRE {options.expire}")
    return (*said, "UTF8 USER", "LANG", "IMPLEMENTATION mailkeep")
