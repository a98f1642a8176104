"""Change as data: "what happened since N", and the hint that something happened."""

from __future__ import annotations

from dataclasses import dataclass

from mailkeep.model.ids import AccountId, MailboxId, ModSeq
from mailkeep.model.message import FlagState
from mailkeep.model.uidset import UidSet


@dataclass(frozen=True, slots=True)
class Delta:
    """All that happened to one mailbox in (since, upto], as the latest state per UID.

    `changed` ascends by UID and holds new entries too; a UID is never in both parts.
    """

    upto: ModSeq
    changed: tuple[FlagState, ...]
    gone: UidSet


@dataclass(frozen=True, slots=True)
class Hint:
    """Something may have changed: go and ask.  It may be lost or doubled without harm.

    `tree`: mailboxes, subscriptions or keywords of the account changed too.  `metadata`: entries of metadata did.
    """

    account: AccountId
    mailboxes: frozenset[MailboxId]
    modseq: ModSeq
    tree: bool = False
    metadata: bool = False
