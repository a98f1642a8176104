"""What a row of THE TABLE says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from mailkeep.pop3.wire.reply import Reply

Answer = Reply | None


class State(Enum):
    """Where in a session a command is allowed, and what its function is given: the session, or its transaction."""

    ANY = auto()
    AUTHORIZATION = auto()
    TRANSACTION = auto()


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    `parse` reads the argument (and raises WireError); `run` gets the state and what `parse` made of it, and returns the
    reply, or None when it has written the whole answer; it may have to wait, and may raise NoSuchMessage, Refused or
    MailError.  `needs_user`: it goes with the USER right before it.
    """

    keyword: str
    state: State
    parse: Callable[[str], Any]
    run: Callable[[Any, Any], Answer | Awaitable[Answer]]
    needs_user: bool = False
