"""What happened in a mailbox after a modseq: from the log, or from the rows where the log no longer reaches."""

from __future__ import annotations

from dataclasses import dataclass

from mailkeep.model.errors import NotFound
from mailkeep.model.ids import AccountId, MailboxId, ModSeq
from mailkeep.model.uidset import EMPTY, UidSet
from mailkeep.store.contract import LogKind, Op, Sql


@dataclass(frozen=True, slots=True)
class Marks:
    """Where a mailbox and the account's log stand."""

    highest: ModSeq
    uidnext: int
    log_floor: ModSeq


def read_marks(account: AccountId, mailbox: MailboxId) -> Op[Marks]:
    """Raises: NotFound."""
    rows = yield Sql(
        "SELECT m.modseq, m.uidnext, a.log_floor FROM mailbox m JOIN account a ON a.account = m.account"
        " WHERE m.account = ? AND m.mailbox = ? AND m.deleted_at IS NULL",
        (account, mailbox),
    )
    if not rows:
        raise NotFound("No such mailbox")
    return Marks(*rows[0])


def logged(account: AccountId, mailbox: MailboxId, since: ModSeq) -> Op[tuple[UidSet, UidSet]]:
    """UIDs that came or changed, and those that went, after `since`, as far as the log reaches."""
    rows = yield Sql(
        "SELECT kind, uids FROM log WHERE account = ? AND mailbox = ? AND modseq > ? AND kind <= ?",
        (account, mailbox, since, LogKind.GONE.value),
    )
    touched: list[tuple[int, int]] = []
    gone: list[tuple[int, int]] = []
    for kind, uids in rows:
        (gone if kind == LogKind.GONE.value else touched).extend(UidSet.from_bytes(uids).ranges)
    return UidSet.of_ranges(touched), UidSet.of_ranges(gone)


def missing(account: AccountId, mailbox: MailboxId, uidnext: int) -> Op[UidSet]:
    """All UIDs below `uidnext` that are not there: what went, when nobody knows when (RFC 7162 §3.2.5.2)."""
    if uidnext <= 1:
        return EMPTY
    rows = yield Sql("SELECT uid FROM entry WHERE account = ? AND mailbox = ?", (account, mailbox))
    return UidSet.of_ranges([(1, uidnext - 1)]) - UidSet(uid for (uid,) in rows)
