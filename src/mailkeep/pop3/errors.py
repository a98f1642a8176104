"""Domain errors as replies of POP3.  The table is complete; a test proves it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mailkeep.model import errors as e
from mailkeep.pop3.wire.reply import Code, Reply, error

CODES: Final[Mapping[type[e.MailError], Code]] = {
    e.NotFound: Code.NONE,
    e.AlreadyExists: Code.NONE,
    e.Forbidden: Code.NONE,
    e.OverQuota: Code.NONE,
    e.NeverFits: Code.NONE,
    e.TooLarge: Code.NONE,
    e.LimitReached: Code.SYS_TEMP,
    e.Conflict: Code.IN_USE,
    e.StateTooOld: Code.SYS_TEMP,
    e.Invalid: Code.NONE,
    e.Unsupported: Code.NONE,
    e.Unavailable: Code.SYS_TEMP,
    e.NoSpace: Code.SYS_TEMP,
    e.AuthenticationFailed: Code.AUTH,
}

BUG: Final = error("Internal error, it has been logged; closing connection", Code.SYS_TEMP)


class Refused(Exception):
    """A command is refused with this reply."""

    def __init__(self, text: str, code: Code = Code.NONE) -> None:
        super().__init__(text)
        self.reply = error(text, code)


def reply_to(fault: e.MailError) -> Reply:
    """The reply that tells the client."""
    return error(fault.text, CODES[type(fault)])
