"""Change as data: "what happened since N", and the hint that something happened."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from mailkeep.model.ids import AccountId, MailboxId, ModSeq
from mailkeep.model.message import FlagState
from mailkeep.model.uidset import UidSet


# Not frozen: made by the thousand, and frozen costs four times as much.
@dataclass(slots=True)
class Delta:
    """All that happened to one mailbox in (since, upto], as the latest state per UID.

    `changed` ascends by UID and holds new entries too; a UID is never in both parts.
    """

    upto: ModSeq
    changed: tuple[FlagState, ...]
    gone: UidSet


# Not frozen: made by the thousand, and frozen costs four times as much.
@dataclass(slots=True)
class Hint:
    """Something may have changed: go and ask.  It may be lost or doubled without harm.

    `tree`: mailboxes, subscriptions or keywords of the account changed too.  `metadata`: entries of metadata did.
    `queue`: the number of a message that it has to send, if there is one.
    """

    account: AccountId
    mailboxes: frozenset[MailboxId]
    modseq: ModSeq
    tree: bool = False
    metadata: bool = False
    queue: int = 0


class What(Enum):
    """What can happen in an account."""

    ADDED = auto()  # messages
    FLAGS = auto()
    GONE = auto()  # messages
    MADE = auto()  # a mailbox
    RENAMED = auto()
    DELETED = auto()
    SUBSCRIPTION = auto()
    RIGHTS = auto()  # of others, on a mailbox


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that happened in a mailbox; `mailbox` is 0 for a subscription.

    `name`: of a deleted mailbox its last name, of a renamed one the name before, of a subscription the name subscribed
    to or no longer; else "".
    """

    what: What
    mailbox: MailboxId
    modseq: ModSeq
    name: str = ""


@dataclass(frozen=True, slots=True)
class News:
    """What happened in an account up to modseq `upto`, in order."""

    upto: ModSeq
    happened: tuple[Happened, ...]
