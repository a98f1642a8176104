"""What a row of the command table says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from mailkeep.imap.done import Done
from mailkeep.imap.wire.lexer import Lexer


class State(Enum):
    """Where a command is allowed (RFC 9051 §3), and so what its handler is given."""

    ANY = auto()  # a Session
    NOT_AUTHENTICATED = auto()  # a Session
    AUTHENTICATED = auto()  # an Authenticated, with a mailbox selected or not
    SELECTED = auto()  # a Selected


@dataclass(frozen=True, slots=True)
class Command:
    """All that the engine must know of a command.

    `capability`: what it belongs to; unknown while that is switched off (see `imap.capabilities`).
    `may_expunge`: False where the client counts on its message numbers while it waits (RFC 9051 §7.5.1).
    `removes`: EXPUNGE or VANISHED is part of what it answers.
    `writes`: it changes something that stays, and is not for logins that may only read.
    """

    name: str
    state: State
    parse: Callable[[Lexer], Any]
    handler: Callable[[Any, Any], Awaitable[Done | None]]
    may_expunge: bool = True
    capability: str = ""
    removes: bool = False
    writes: bool = False
