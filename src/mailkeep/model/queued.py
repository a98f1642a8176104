"""A message on its way out, as the queue knows it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from mailkeep.model.envelope import Envelope, Notify, Outcome, Recipient
from mailkeep.model.ids import AccountId


class State(IntEnum):
    """What has become of a recipient; the numbers are on disk."""

    WAITING = 0
    DELIVERED = 1  # the next host has it, or a mailbox
    FAILED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedRecipient:
    """One recipient.  `outcome` is that of the last attempt, at `outcome_at` (UTC seconds).

    `owed`: it is over for this one, and its sender must still be told.
    """

    number: int
    recipient: Recipient
    state: State
    owed: bool = False
    outcome: Outcome | None = None
    outcome_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedLeg:
    """Recipients of one domain (in lower-case A-labels) that travel together, of which something is left to do.

    `due_at`: UTC seconds of the next attempt, None while the item is held.  `warned`: the sender knows that it takes
    long.
    """

    number: int
    domain: str
    attempts: int
    due_at: int | None
    warned: bool
    recipients: tuple[QueuedRecipient, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedItem:
    """A message with its envelope, whose recipients are in the legs.  `finished`: those of legs that are over."""

    account: AccountId
    number: int
    blob: int
    size: int
    queued_at: int
    held: bool
    envelope: Envelope
    legs: tuple[QueuedLeg, ...]
    finished: tuple[QueuedRecipient, ...] = ()

    @property
    def id(self) -> str:
        """What people call it: never used twice by a server."""
        return queue_id(self.account, self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLine:
    """An item as a list shows it.  `waiting` recipients; `attempts`, `due_at`: of the leg that is due first."""

    account: AccountId
    number: int
    size: int
    queued_at: int
    held: bool
    reverse_path: str
    waiting: int
    domains: tuple[str, ...]
    attempts: int
    due_at: int | None
    reason: str  # what the last attempt ended with, "" before the first

    @property
    def id(self) -> str:
        """As `QueuedItem.id`."""
        return queue_id(self.account, self.number)


@dataclass(frozen=True, slots=True)
class Settlement:
    """How an attempt ended for one recipient.  `owed`: a report on it must be made before it is forgotten."""

    number: int
    outcome: Outcome
    owed: bool


def queue_id(account: int, number: int) -> str:
    """The name of an item."""
    return f"{account}-{number}"


def owes_report(notify: Notify | None, outcome: Outcome) -> bool:
    """Whether the sender must be told of a final outcome (RFC 3461 §4.1, §5.2): by default of a failure only.

    Not of a success where the next host will tell.
    """
    if outcome.is_delivered:
        return bool((notify or Notify.NEVER) & Notify.SUCCESS) and not outcome.reports
    return notify is None or bool(notify & Notify.FAILURE)


def owes_warning(notify: Notify | None) -> bool:
    """Whether the sender is told when it takes long (RFC 3461 §4.1): unless he has said what he wants, and not this."""
    return notify is None or bool(notify & Notify.DELAY)
