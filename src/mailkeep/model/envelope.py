"""An envelope: who sends a message to whom, and what is to be reported (RFC 5321 §2.3.1, RFC 3461)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, Flag, auto


class Notify(Flag):
    """What a sender wants to be told of one recipient (RFC 3461 §4.1).  No flag at all is NEVER."""

    NEVER = 0
    SUCCESS = auto()
    FAILURE = auto()
    DELAY = auto()


class Return(Enum):
    """How much of a message comes back in a report of failure (RFC 3461 §4.3)."""

    FULL = "FULL"
    HDRS = "HDRS"


class Body(Enum):
    """What octets a message has (RFC 6152, RFC 3030)."""

    SEVEN_BIT = "7BIT"
    EIGHT_BIT = "8BITMIME"
    BINARY = "BINARYMIME"


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient.  `notify` is None where the sender said nothing; `original`: ORCPT as ``type;xtext-decoded``."""

    address: str
    notify: Notify | None = None
    original: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """`reverse_path` is "" for the null path.  `hold_until`: UTC seconds before which nothing leaves (RFC 4865)."""

    reverse_path: str
    recipients: tuple[Recipient, ...]
    body: Body = Body.SEVEN_BIT
    smtputf8: bool = False
    require_tls: bool = False  # RFC 8689
    returns: Return | None = None
    envelope_id: str | None = None
    hold_until: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one recipient at one attempt.

    `enhanced` is a code of RFC 3463: its first digit says the class, 2 = taken, 4 = try later, 5 = never.
    `text` is what the remote host said, or what went wrong; `host` the host that was asked, "" if none.
    `reports`: the next host has promised the report of success that was asked for (RFC 3461 §5.2.1).
    """

    enhanced: str
    text: str
    code: int = 0  # of the reply, 0 where there was none
    host: str = ""
    reports: bool = False

    @property
    def is_delivered(self) -> bool:
        """It was taken."""
        return self.enhanced.startswith("2")

    @property
    def is_final(self) -> bool:
        """It will not be tried again."""
        return not self.enhanced.startswith("4")
