"""What the server says it can do; exact for the moment at which it is asked (RFC 9051 §6.1.1).

TABLE has one line for each capability.  One that is switched off is not offered, and its commands and arguments are
refused as unknown ones are: a command names its capability in THE TABLE of commands, a grammar asks `Lexer.needs`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from mailkeep.imap.wire import response

if TYPE_CHECKING:
    from mailkeep.imap.session import Options, Session


class When(Enum):
    """The moments at which a capability is offered."""

    ALWAYS = auto()
    LOGGED_IN = auto()
    PLAIN = auto()  # once logged in, until COMPRESS
    CLEAR = auto()  # before login, while TLS could be begun
    BOUND = auto()  # before login, where TLS has channel bindings
    CERTIFICATE = auto()  # before login, where the client has shown a certificate
    PASSWORD = auto()  # before login, where a password is taken
    NO_PASSWORD = auto()  # before login, where none is taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """One line of the table.

    `rev2`: IMAP4rev2 includes it, so that IMAP4rev2 is not offered without it.  `needs`: makes no sense without
    these.  `wanted`: off unless so configured.  `fixed`: cannot be switched off.  `shown`: how it is written when its
    name alone does not say it; "": its commands work, but it is not told.
    """

    name: str
    when: When = When.LOGGED_IN
    rev2: bool = False
    needs: str = ""
    fixed: bool = False
    wanted: Callable[[Options], object] | None = None
    shown: Callable[[Options], str] | None = None


def _one(name: str, when: When = When.LOGGED_IN, *, rev2: bool = False, needs: str = "") -> Capability:
    return Capability(name=name, when=when, rev2=rev2, needs=needs)


TABLE: Final = (
    # IMAP4rev1 first: some clients look at the first word only.
    Capability(name="IMAP4rev1", when=When.ALWAYS, fixed=True),
    _one("IMAP4rev2", When.ALWAYS),
    _one("SASL-IR", When.ALWAYS, rev2=True),
    _one("ID", When.ALWAYS),
    _one("LANGUAGE", When.ALWAYS, needs="NAMESPACE"),
    _one("ENABLE", When.ALWAYS, rev2=True),
    # LITERAL- by configuration
    Capability(
        name="LITERAL+", when=When.ALWAYS, rev2=True, shown=lambda o: "LITERAL+" if o.literal_plus else "LITERAL-"
    ),
    _one("STARTTLS", When.CLEAR, rev2=True),
    Capability(name="AUTH=EXTERNAL", when=When.CERTIFICATE, wanted=lambda o: o.certificates),
    Capability(name="AUTH=SCRAM-SHA-256-PLUS", when=When.BOUND, wanted=lambda o: o.channel_binding),
    Capability(name="AUTH=SCRAM-SHA-256", when=When.PASSWORD, wanted=lambda o: o.scram),
    Capability(name="AUTH=OAUTHBEARER", when=When.PASSWORD, wanted=lambda o: o.tokens),
    Capability(name="AUTH=XOAUTH2", when=When.PASSWORD, wanted=lambda o: o.tokens),
    _one("AUTH=PLAIN", When.PASSWORD, rev2=True),
    _one("AUTH=LOGIN", When.PASSWORD),
    Capability(name="LOGINDISABLED", when=When.NO_PASSWORD, fixed=True),
    _one("COMPRESS=DEFLATE", When.PLAIN),
    _one("UNAUTHENTICATE"),
    # a client that enables it by mistake and goes on with message numbers loses its way: off unless configured
    Capability(name="UIDONLY", wanted=lambda o: o.uidonly),
    Capability(
        name="MESSAGELIMIT", wanted=lambda o: o.message_limit, shown=lambda o: f"MESSAGELIMIT={o.message_limit}"
    ),
    Capability(name="SAVELIMIT", wanted=lambda o: o.save_limit, shown=lambda o: f"SAVELIMIT={o.save_limit}"),
    _one("IDLE", rev2=True),
    _one("NOTIFY"),
    _one("NAMESPACE", rev2=True),
    _one("CHILDREN", rev2=True),
    _one("UNSELECT", rev2=True),
    _one("UIDPLUS", rev2=True),
    _one("MOVE", rev2=True),
    _one("CONDSTORE"),
    _one("QRESYNC", needs="CONDSTORE"),
    _one("LIST-EXTENDED", rev2=True),
    _one("LIST-STATUS", rev2=True, needs="LIST-EXTENDED"),
    _one("SPECIAL-USE", rev2=True),
    _one("CREATE-SPECIAL-USE", needs="SPECIAL-USE"),
    _one("STATUS=SIZE", rev2=True),
    _one("ESEARCH", rev2=True),
    _one("PARTIAL", needs="ESEARCH"),
    _one("CONTEXT=SEARCH", needs="PARTIAL"),
    _one("MULTISEARCH", needs="ESEARCH"),
    _one("SEARCHRES", rev2=True, needs="ESEARCH"),
    _one("INPROGRESS"),
    _one("WITHIN"),
    _one("I18NLEVEL=1"),  # what clients look for; level 2 includes it
    _one("I18NLEVEL=2", needs="I18NLEVEL=1"),
    _one("SORT"),
    _one("SORT=DISPLAY", needs="SORT"),
    _one("ESORT", needs="SORT"),
    _one("CONTEXT=SORT", needs="CONTEXT=SEARCH ESORT"),
    _one("SEARCH=FUZZY"),
    _one("THREAD=ORDEREDSUBJECT"),
    _one("THREAD=REFERENCES"),
    _one("THREAD=REFS"),
    _one("BINARY", rev2=True),
    _one("MULTIAPPEND"),
    _one("CATENATE"),
    _one("URL-PARTIAL", needs="CATENATE"),
    _one("PREVIEW"),
    _one("REPLACE"),
    _one("URLAUTH"),
    _one("URLAUTH=BINARY", needs="URLAUTH"),
    _one("UTF8=ACCEPT"),
    _one("OBJECTID"),
    _one("SAVEDATE"),
    _one("QUOTA"),
    _one("QUOTA=RES-STORAGE", needs="QUOTA"),
    _one("QUOTA=RES-MESSAGE", needs="QUOTA"),
    _one("QUOTA=RES-MAILBOX", needs="QUOTA"),
    _one("QUOTASET", needs="QUOTA"),
    _one("METADATA"),
    _one("FILTERS", needs="METADATA"),
    # Of a server that has METADATA this says nothing new; but some clients look for this word alone.
    _one("METADATA-SERVER", needs="METADATA"),
    _one("LIST-METADATA", needs="METADATA LIST-EXTENDED"),
    _one("ACL"),
    Capability(name="RIGHTS=", needs="ACL", fixed=True, shown=lambda _: "RIGHTS=texk"),
    _one("LIST-MYRIGHTS", needs="ACL"),
    # What Google had before SPECIAL-USE.  Clients that know both might take it for a sign of that server.
    Capability(name="XLIST", shown=lambda o: "XLIST" if o.xlist else ""),
    Capability(name="APPENDLIMIT", shown=lambda o: f"APPENDLIMIT={o.max_message}"),
)

SWITCHES: Final = {row.name.upper(): row.name for row in TABLE if not row.fixed}
"""The names of what can be switched off, by their upper-case form."""


def off_in(options: Options, names: Iterable[str]) -> frozenset[str]:
    """What is off when `names`, as the table spells them, are switched off: these, and what is not wanted."""
    return switched_off([*names, *(row.name for row in TABLE if row.wanted and not row.wanted(options))])


def switched_off(names: Iterable[str]) -> frozenset[str]:
    """`names`, and what makes no sense without them."""
    off = set(names)
    while True:
        more = {row.name for row in TABLE if not off.isdisjoint(row.needs.split())}
        if any(row.rev2 and row.name in off for row in TABLE):
            more.add("IMAP4rev2")
        if more <= off:
            return frozenset(off)
        off |= more


def capabilities(session: Session) -> tuple[str, ...]:
    """The capability names for this session as it stands."""
    options = session.options
    now = _moments(session)
    offered = [row for row in TABLE if row.when in now and row.name not in options.off]
    return tuple(shown for row in offered if (shown := row.shown(options) if row.shown else row.name))


def _moments(session: Session) -> tuple[When, ...]:
    if session.authenticated is not None:
        compressed = session.connection.compressed
        return (When.ALWAYS, When.LOGGED_IN) if compressed else (When.ALWAYS, When.LOGGED_IN, When.PLAIN)
    password = When.PASSWORD if session.plaintext_allowed else When.NO_PASSWORD
    if session.tls_context is not None and not session.connection.tls:
        return When.ALWAYS, When.CLEAR, password
    tls = session.connection.secured()
    bound = (When.BOUND,) if tls.bindings else ()
    shown = (When.CERTIFICATE,) if tls.certificate is not None else ()
    return When.ALWAYS, *bound, *shown, password


def capability_code(session: Session) -> bytes:
    """The response code that saves clients a CAPABILITY command."""
    return response.capability(capabilities(session))
