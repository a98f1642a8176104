"""How many messages one command may deal with: MESSAGELIMIT and SAVELIMIT (RFC 9738).

What a command deals with are the messages with the highest UIDs; the client repeats it for the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mailkeep.imap.done import Done, Refused
from mailkeep.imap.wire import response

if TYPE_CHECKING:
    from mailkeep.imap.session import Session

TEXT = "Some messages were not dealt with"


def cut(session: Session, uids: Sequence[int]) -> tuple[Sequence[int], bytes]:
    """The highest of `uids`, which ascend, as many as are allowed; and the response code, if these are not all."""
    most = session.options.message_limit
    if not most or len(uids) <= most:
        return uids, b""
    kept = uids[-most:]
    return kept, response.messagelimit(most, kept[0])


def with_limit(session: Session, done: Done, code: bytes) -> Done:
    """The answer with the code of `cut`; beside another code it is told untagged (§3.1)."""
    if not code:
        return done
    if done.code:
        session.untagged(b"NO [%b] %b" % (code, TEXT.encode("ascii")))
        return done
    return replace(done, code=code, text=TEXT)


def require_within(session: Session, count: int) -> None:
    """Raises: Refused, when so many messages are asked for by a range of results (§3.1)."""
    most = session.options.message_limit
    if most and count > most:
        raise Refused(f"A command deals with at most {most} messages", response.messagelimit(most))


def require_saved(session: Session, count: int, uids: Sequence[int] = ()) -> None:
    """For what is done whole or not at all.  Raises: Refused, when there are more than may be saved at once (§3.1)."""
    options = session.options
    most = min((limit for limit in (options.message_limit, options.save_limit) if limit), default=0)
    if most and count > most:
        lowest = uids[-most] if uids else None
        raise Refused(f"A command deals with at most {most} messages", response.messagelimit(most, lowest))
