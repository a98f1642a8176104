"""What can go wrong in the domain, without a word about any protocol.

The list is closed: each protocol has a complete table from it to its own answers.
"""

from __future__ import annotations

import errno


class MailError(Exception):
    """Base of every error that a client may be told about.  `text` is safe to show to the client."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class NotFound(MailError):
    """There is no such thing, or it is not visible to this account."""


class AlreadyExists(MailError):
    """The name is taken."""


class Forbidden(MailError):
    """Visible, but the right is missing."""


class OverQuota(MailError):
    """The account's quota would be exceeded."""


class NeverFits(OverQuota):
    """Not even an empty account of that quota could take so much."""


class TooLarge(MailError):
    """A message or value is larger than allowed."""


class LimitReached(MailError):
    """A count that the server bounds (keywords, mailboxes, connections) would be exceeded."""


class Conflict(MailError):
    """In use, or changed meanwhile."""


class StateTooOld(MailError):
    """Changes back to the given state are no longer known: the client must resynchronise whole."""


class Invalid(MailError):
    """The request is well-formed but can never be carried out (a forbidden name, say)."""


class Unsupported(MailError):
    """Well-formed, but this server does not do it."""


class Unavailable(MailError):
    """A passing fault (disk full, database gone): try later.  The outcome of a write may be unknown."""


class NoSpace(Unavailable):
    """The disk is full; nothing was written."""


class AuthenticationFailed(MailError):
    """Wrong user name or password; the text never tells which."""


def storage_fault(error: OSError, what: str) -> Unavailable:
    """What to tell of a file that cannot be written; `what` begins the sentence."""
    kind = NoSpace if error.errno in (errno.ENOSPC, errno.EDQUOT) else Unavailable
    return kind(f"{what}: {error.strerror}")
