"""Entries of a mailbox: chosen, counted, duplicated, buried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mailkeep.model.flags import System
from mailkeep.model.ids import AccountId, MailboxId, ModSeq, Uid
from mailkeep.model.uidset import UidSet
from mailkeep.store.contract import LogKind, Op, Row, Sql
from mailkeep.store.steps.account import log


@dataclass(frozen=True, slots=True)
class Chosen:
    """Entries that an operation works on, and what they add up to."""

    uids: tuple[Uid, ...]  # ascending
    unseen: int
    deleted: int
    octets: int

    @property
    def set(self) -> UidSet:
        """The UIDs as a set."""
        return ascending(self.uids)


def ascending(uids: Sequence[int]) -> UidSet:
    """A set from ascending UIDs, quickly when they have no gap."""
    if uids and uids[-1] - uids[0] == len(uids) - 1:
        return UidSet.span(uids[0], uids[-1])
    return UidSet(uids)


def choose(account: AccountId, mailbox: MailboxId, uids: UidSet) -> Op[Chosen]:
    """Those of `uids` that exist."""
    rows = yield Sql(
        "SELECT e.uid, e.flags, m.size FROM entry e JOIN message m ON m.account = e.account AND m.message = e.message"
        " WHERE e.account = ? AND e.mailbox = ? AND e.uid IN ? ORDER BY e.uid",
        (account, mailbox, uids),
    )
    return add_up(rows)


def choose_deleted(account: AccountId, mailbox: MailboxId) -> Op[Chosen]:
    r"""All that carry \Deleted.  The first statement is answered by an index of these alone, however many others."""
    rows = yield Sql(
        "SELECT uid, flags FROM entry WHERE account = ? AND mailbox = ? AND flags & 8 != 0 ORDER BY uid",
        (account, mailbox),
    )
    return (yield from choose(account, mailbox, ascending([uid for uid, _ in rows])))


def add_up(rows: Sequence[Row]) -> Chosen:
    """From rows (uid, flags, size), ascending."""
    if not rows:
        return Chosen((), 0, 0, 0)
    uids, flags, sizes = zip(*rows, strict=True)
    unseen = sum(1 for mask in flags if not mask & System.SEEN.value)
    deleted = sum(1 for mask in flags if mask & System.DELETED.value)
    return Chosen(uids, unseen, deleted, sum(sizes))


def duplicate(
    account: AccountId, mailbox: MailboxId, chosen: Chosen, target: MailboxId, modseq: ModSeq, now: int
) -> Op[tuple[Uid, ...]]:
    """New entries in `target` for the same messages, in order, with counts and log; returns their UIDs."""
    [(first,)] = yield add_to_mailbox(account, target, modseq, chosen)
    yield Sql(
        "INSERT INTO entry SELECT account, CAST(? AS BIGINT), CAST(? AS BIGINT) + row_number() OVER (ORDER BY uid),"
        " message, flags, more_keywords, CAST(? AS BIGINT), CAST(? AS BIGINT)"
        " FROM entry WHERE account = ? AND mailbox = ? AND uid IN ?",
        (target, first - 1, modseq, now, account, mailbox, chosen.set),
    )
    new = range(first, first + len(chosen.uids))
    yield log(account, target, modseq, LogKind.ADDED, ascending(new))
    return tuple(map(Uid, new))


def add_to_mailbox(account: AccountId, mailbox: MailboxId, modseq: ModSeq, chosen: Chosen) -> Sql:
    """Take as many UIDs and count what comes; answers with the first UID."""
    count = len(chosen.uids)
    return Sql(
        "UPDATE mailbox SET uidnext = uidnext + ?, modseq = ?, total = total + ?, unseen = unseen + ?,"
        " deleted = deleted + ?, octets = octets + ? WHERE account = ? AND mailbox = ? RETURNING uidnext - ?",
        (count, modseq, count, chosen.unseen, chosen.deleted, chosen.octets, account, mailbox, count),
    )


def bury(
    account: AccountId, mailbox: MailboxId, chosen: Chosen, modseq: ModSeq, now: int, *, moved: bool
) -> Op[UidSet]:
    """Turn entries into tombstones, with counts and log.  `moved`: the messages live on under other UIDs."""
    uids = chosen.set
    yield Sql(
        "INSERT INTO gone SELECT account, mailbox, uid, message, flags, more_keywords, CAST(? AS BIGINT), saved_at,"
        " CAST(? AS BIGINT), CAST(? AS BIGINT)"
        " FROM entry WHERE account = ? AND mailbox = ? AND uid IN ?",
        (modseq, now, int(moved), account, mailbox, uids),
    )
    yield Sql("DELETE FROM entry WHERE account = ? AND mailbox = ? AND uid IN ?", (account, mailbox, uids))
    yield Sql(
        "UPDATE mailbox SET modseq = ?, total = total - ?, unseen = unseen - ?, deleted = deleted - ?,"
        " octets = octets - ? WHERE account = ? AND mailbox = ?",
        (modseq, len(chosen.uids), chosen.unseen, chosen.deleted, chosen.octets, account, mailbox),
    )
    yield log(account, mailbox, modseq, LogKind.GONE, uids)
    return uids
