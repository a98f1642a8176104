"""What the tests of the grammar share: octets fed in pieces, and every parser by the name of its command."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from mailkeep.imap.wire import (
    acl,
    append,
    authenticate,
    cancelupdate,
    command,
    comparator,
    copy,
    create,
    enable,
    esearch,
    expunge,
    fetch,
    genurlauth,
    id_,
    language,
    list_,
    login,
    mailbox_name,
    metadata,
    no_args,
    notify,
    quota,
    rename,
    replace,
    resetkey,
    search,
    select,
    sort,
    status,
    store,
    thread,
    urlfetch,
)
from mailkeep.imap.wire.framing import Event, Framer, Limits, LiteralData, NeedContinuation, Raw, Streamed
from mailkeep.imap.wire.lexer import Lexer

LIMITS: Final = Limits(max_append=10_000_000)

PARSERS: Final[dict[str, Callable[[Lexer], Any]]] = {
    **dict.fromkeys(
        (
            "CAPABILITY", "NOOP", "LOGOUT", "STARTTLS", "NAMESPACE", "IDLE", "CLOSE", "UNSELECT", "EXPUNGE", "CHECK",
        ),
        no_args,
    ),
    **dict.fromkeys(("DELETE", "SUBSCRIBE", "UNSUBSCRIBE"), mailbox_name),
    "AUTHENTICATE": authenticate.parse,
    "LOGIN": login.parse,
    "ENABLE": enable.parse,
    "ID": id_.parse,
    "LANGUAGE": language.parse,
    "COMPARATOR": comparator.parse,
    "SORT": sort.parse,
    "UID SORT": sort.parse_uid,
    "THREAD": thread.parse,
    "UID THREAD": thread.parse_uid,
    "SELECT": select.parse,
    "EXAMINE": select.parse,
    "CREATE": create.parse,
    "NOTIFY": notify.parse,
    "RENAME": rename.parse,
    "LIST": list_.parse,
    "LSUB": list_.parse_lsub,
    "XLIST": list_.parse_lsub,
    "STATUS": status.parse,
    "SETACL": acl.parse_setacl,
    "DELETEACL": acl.parse_identified,
    "LISTRIGHTS": acl.parse_identified,
    "GETACL": mailbox_name,
    "MYRIGHTS": mailbox_name,
    "GETQUOTA": quota.parse_get,
    "GETQUOTAROOT": mailbox_name,
    "SETQUOTA": quota.parse_set,
    "GETMETADATA": metadata.parse_get,
    "SETMETADATA": metadata.parse_set,
    "APPEND": append.parse,
    "UID EXPUNGE": expunge.parse_uid,
    "SEARCH": search.parse,
    "UID SEARCH": search.parse_uid,
    "ESEARCH": esearch.parse,
    "CANCELUPDATE": cancelupdate.parse,
    "FETCH": fetch.parse,
    "UID FETCH": fetch.parse_uid,
    "STORE": store.parse,
    "UID STORE": store.parse_uid,
    "COPY": copy.parse,
    "UID COPY": copy.parse_uid,
    "MOVE": copy.parse,
    "UID MOVE": copy.parse_uid,
    "GENURLAUTH": genurlauth.parse,
    "RESETKEY": resetkey.parse,
    "URLFETCH": urlfetch.parse,
    "REPLACE": replace.parse,
    "UID REPLACE": replace.parse_uid,
}  # fmt: skip


def octet_by_octet(octets: bytes) -> list[bytes]:
    return [octets[i : i + 1] for i in range(len(octets))]


def events(pieces: Iterable[bytes], limits: Limits = LIMITS) -> Iterator[Event]:
    """Events of a framer that is fed piece by piece and lets every literal come."""
    framer = Framer(limits)
    for piece in pieces:
        framer.feed(piece)
        while (event := framer.next()) is not None:
            if isinstance(event, NeedContinuation):
                framer.accept()
            yield event


def outcome(pieces: Iterable[bytes], limits: Limits = LIMITS) -> list[Event]:
    """Events as they would be without streaming, so that every way of splitting must give the same."""
    out: list[Event] = []
    for event in events(pieces, limits):
        if isinstance(event, LiteralData):
            sofar = event.literal.sink or b""
            assert isinstance(sofar, bytes)
            event.literal.sink = sofar + event.chunk
        elif isinstance(event, Raw):
            out.append(Raw(event.text, tuple(map(_content, event.literals))))
        elif not isinstance(event, NeedContinuation):
            out.append(event)
    return out


def _content(literal: bytes | Streamed) -> bytes:
    content = literal.sink if isinstance(literal, Streamed) else literal
    assert isinstance(content, bytes)
    return content


def raw(line: bytes) -> Raw:
    """The one command in these octets, to which the line end is added."""
    (event,) = outcome([line + b"\r\n"])
    assert isinstance(event, Raw)
    return event


def parse(line: bytes, *, utf8: bool = False) -> Any:
    """The value of a whole command without its tag: ``FETCH 1 FLAGS``."""
    head = command.parse(raw(b"a " + line), utf8=utf8)
    return PARSERS[head.name](head.args)
