"""What a row of THE TABLE says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from mailkeep.smtp.session import Session
from mailkeep.smtp.wire.reply import Reply

Answer = Reply | None


class When(Enum):
    """The state that a command needs; the value is what a client is told who is not in it (RFC 5321 §4.1.4).

    Each needs what stands above it too, but only users of the submission service authenticate.
    """

    ALWAYS = ""
    GREETED = "Introduce yourself first"
    AUTHENTICATED = "Authentication required"
    IN_TRANSACTION = "Begin with MAIL FROM"


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    `parse` reads the argument (and raises WireError); `run` gets the session and what `parse` made of it, and returns
    the reply, or None when it will follow later; it may have to wait for it, and may raise Refused or MailError.
    `mistake_is_fatal`: after a syntax error nobody can tell where the next command begins, so the connection closes.
    """

    verb: str
    when: When
    parse: Callable[[str], Any]
    run: Callable[[Session, Any], Answer | Awaitable[Answer]]
    mistake_is_fatal: bool = False
