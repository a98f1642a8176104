"""What the server says it can do; exact for the moment at which it is asked (RFC 9051 §6.1.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailkeep.imap.wire import response

if TYPE_CHECKING:
    from mailkeep.imap.session import Session

# IMAP4rev1 first: some clients look at the first word only.
BASE: Final = ("IMAP4rev1", "IMAP4rev2")
LOGGED_IN: Final = (
    "IDLE",
    "NAMESPACE",
    "CHILDREN",
    "UNSELECT",
    "UIDPLUS",
    "MOVE",
    "CONDSTORE",
    "QRESYNC",
    "LIST-EXTENDED",
    "LIST-STATUS",
    "SPECIAL-USE",
    "CREATE-SPECIAL-USE",
    "STATUS=SIZE",
    "ESEARCH",
    "PARTIAL",
    "SEARCHRES",
    "WITHIN",
    "BINARY",
    "MULTIAPPEND",
    "OBJECTID",
    "SAVEDATE",
)


def capabilities(session: Session) -> tuple[str, ...]:
    """The capability names for this session as it stands."""
    literal = "LITERAL+" if session.options.literal_plus else "LITERAL-"
    always = (*BASE, "SASL-IR", "ID", "ENABLE", literal)
    if session.authenticated is not None:
        return (*always, *LOGGED_IN, f"APPENDLIMIT={session.options.max_message}")
    tls = ("STARTTLS",) if session.tls_context is not None and not session.connection.tls else ()
    login = ("AUTH=PLAIN", "AUTH=LOGIN") if session.plaintext_allowed else ("LOGINDISABLED",)
    return (*always, *tls, *login)


def capability_code(session: Session) -> bytes:
    """The response code that saves clients a CAPABILITY command."""
    return response.capability(capabilities(session))
