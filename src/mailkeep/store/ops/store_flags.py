"""STORE: change flags and keywords of entries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from mailkeep.model.flags import More, System
from mailkeep.model.ids import AccountId, MailboxId, ModSeq
from mailkeep.model.message import NO_MORE, FlagState, Stored
from mailkeep.model.uidset import EMPTY, UidSet
from mailkeep.store.contract import How, LogKind, Op, Row, Sql
from mailkeep.store.steps.account import lock_mailbox, log, raise_modseq
from mailkeep.store.steps.entries import ascending
from mailkeep.store.steps.keywords import NONE, decode_more, encode_more, find_keywords, intern_keywords

SEEN: Final = System.SEEN.value
DELETED: Final = System.DELETED.value
COUNTED: Final = SEEN | DELETED  # flags that the mailbox row counts

# what becomes of the column `flags`, by what STORE does
UPDATES: Final = {
    how: f"UPDATE entry SET flags = {after}, more_keywords = ?, modseq = ?"  # noqa: S608  our constant
    " WHERE account = ? AND mailbox = ? AND uid IN ?"
    for how, after in (
        (How.ADD, "flags | CAST(? AS BIGINT)"),
        (How.REMOVE, "flags & ~ CAST(? AS BIGINT)"),
        (How.REPLACE, "CAST(? AS BIGINT)"),
    )
}


def store_flags(
    account: AccountId,
    mailbox: MailboxId,
    uids: UidSet,
    how: How,
    mask: int,
    keywords: tuple[str, ...],
    unchanged_since: ModSeq | None,
) -> Op[Stored]:
    """RFC 9051 §6.4.6; `unchanged_since` RFC 7162 §3.1.3.  `mask` holds system flags; keywords go by name.

    UIDs that do not exist are passed over; entries that have the flags already keep their modseq.
    Raises: NotFound, Invalid (not a keyword), LimitReached (keywords).
    """
    locked = yield from lock_mailbox(account, mailbox)
    rows: Sequence[Row] = yield Sql(
        "SELECT uid, flags, more_keywords, modseq FROM entry WHERE account = ? AND mailbox = ? AND uid IN ?"
        " ORDER BY uid",
        (account, mailbox, uids),
    )
    refused = EMPTY
    if unchanged_since is not None:
        if unchanged_since or mask or how is How.REPLACE:
            failed = [row[0] for row in rows if row[3] > unchanged_since]
        else:
            failed = yield from _having(account, rows, keywords)
        refused = ascending(failed)
        if failed:
            passed = {row[0] for row in rows} - {*failed}
            rows = [row for row in rows if row[0] in passed]
    if not rows:
        return Stored((), EMPTY, refused)
    numbered = NONE
    if keywords:
        numbered = yield from (find_keywords if how is How.REMOVE else intern_keywords)(account, keywords)
    bits, more = numbered.bits(keywords)
    update = _Update(how, bits | mask, more)
    changed = update.changed(rows)
    if not changed:
        return Stored(_states(rows), EMPTY, refused)
    modseq = locked.modseq
    for column, group in update.by_keywords(changed).items():
        yield Sql(
            UPDATES[how],
            (update.mask, column, modseq, account, mailbox, ascending(group)),
        )
    unseen, deleted = update.counts(changed)
    yield Sql(
        "UPDATE mailbox SET modseq = ?, unseen = unseen + ?, deleted = deleted + ? WHERE account = ? AND mailbox = ?",
        (modseq, unseen, deleted, account, mailbox),
    )
    done = ascending([row[0] for row in changed])
    yield log(account, mailbox, modseq, LogKind.FLAGS, done)
    yield raise_modseq(account, modseq)
    return Stored(update.states(rows, done, modseq), done, refused, locked.highest)


def _having(account: AccountId, rows: Iterable[Row], keywords: tuple[str, ...]) -> Op[list[int]]:
    """The UIDs, ascending, that have some of the keywords: with UNCHANGEDSINCE 0 only these fail (RFC 7162 §3.1.3)."""
    numbered = yield from find_keywords(account, keywords)
    bits, more = numbered.bits(keywords)
    return [row[0] for row in rows if row[1] & bits or (more and {*decode_more(row[2])} & {*more})]


class _Update:
    """What happens to each row (uid, flags, more_keywords, modseq)."""

    def __init__(self, how: How, mask: int, more: More) -> None:
        self.how = how
        self.mask = int(mask)  # a plain integer: the complement of an IntFlag has no bits of keywords
        self.more = set(more)
        self._columns: dict[bytes | None, bytes | None] = {}  # column before → after: few, whatever the rows

    def flags(self, before: int) -> int:
        match self.how:
            case How.ADD:
                return before | self.mask
            case How.REMOVE:
                return before & ~self.mask
            case How.REPLACE:
                return self.mask

    def column(self, before: bytes | None) -> bytes | None:
        """`more_keywords` after the change."""
        if before not in self._columns:
            self._columns[before] = encode_more(tuple(sorted(self._more(set(decode_more(before))))))
        return self._columns[before]

    def _more(self, before: set[int]) -> set[int]:
        match self.how:
            case How.ADD:
                return before | self.more
            case How.REMOVE:
                return before - self.more
            case How.REPLACE:
                return self.more

    def changed(self, rows: Sequence[Row]) -> list[Row]:
        """Rows that will be different."""
        mask = self.mask
        if not self.more and self.how is How.ADD:
            return [row for row in rows if row[1] & mask != mask]
        if not self.more and self.how is How.REMOVE:
            return [row for row in rows if row[1] & mask]
        return [row for row in rows if self.flags(row[1]) != row[1] or self.column(row[2]) != row[2]]

    def by_keywords(self, rows: Iterable[Row]) -> dict[bytes | None, list[int]]:
        """UIDs by what `more_keywords` becomes."""
        groups: dict[bytes | None, list[int]] = {}
        for uid, _, before, _ in rows:
            groups.setdefault(self.column(before), []).append(uid)
        return groups

    def counts(self, rows: Iterable[Row]) -> tuple[int, int]:
        r"""By how much the numbers of unseen and of \Deleted entries change."""
        if self.how is not How.REPLACE and not self.mask & COUNTED:
            return 0, 0
        unseen = deleted = 0
        for _, before, _, _ in rows:
            after = self.flags(before)
            unseen += (before & SEEN) - (after & SEEN)
            deleted += (after & DELETED) - (before & DELETED)
        return unseen // SEEN, deleted // DELETED

    def states(self, rows: Sequence[Row], changed: UidSet, modseq: ModSeq) -> tuple[FlagState, ...]:
        """All rows as they are now."""
        everything = len(changed) == len(rows)
        return tuple(
            FlagState(uid, self.flags(flags), _more(self.column(column)), modseq)
            if everything or uid in changed
            else FlagState(uid, flags, _more(column), before)
            for uid, flags, column, before in rows
        )


def _more(column: bytes | None) -> More:
    return NO_MORE if column is None else decode_more(column)


def _states(rows: Sequence[Row]) -> tuple[FlagState, ...]:
    return tuple(FlagState(uid, flags, _more(column), modseq) for uid, flags, column, modseq in rows)
