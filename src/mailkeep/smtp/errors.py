"""THE TABLE from what can go wrong in the domain to replies.  Complete: a test walks the list of errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mailkeep.model import errors
from mailkeep.smtp.wire.reply import Reply

REPLIES: Final[Mapping[type[errors.MailError], tuple[int, str]]] = {
    errors.NotFound: (550, "5.1.1"),
    errors.AlreadyExists: (550, "5.5.0"),  # no command makes anything that has a name
    errors.Forbidden: (550, "5.7.1"),
    errors.OverQuota: (452, "4.2.2"),
    errors.NeverFits: (552, "5.2.2"),
    errors.TooLarge: (552, "5.3.4"),
    errors.LimitReached: (452, "4.5.3"),
    errors.Conflict: (450, "4.2.0"),
    errors.StateTooOld: (451, "4.3.0"),  # no command asks for changes
    errors.Invalid: (501, "5.5.4"),
    errors.Unsupported: (504, "5.5.4"),
    errors.Unavailable: (451, "4.3.0"),
    errors.NoSpace: (452, "4.3.1"),
    errors.AuthenticationFailed: (535, "5.7.8"),
}

BUG: Final = Reply(421, "4.3.0", "Internal error, closing connection")


class Refused(Exception):
    """A command, a recipient or a message is refused with this reply."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text)
        self.reply = reply


def reply_to(error: errors.MailError, recipient: str = "") -> Reply:
    """The reply that tells the client; it names the recipient concerned, as bounces quote it."""
    code, enhanced = REPLIES[type(error)]
    return Reply(code, enhanced, f"<{recipient}> {error.text}" if recipient else error.text)
