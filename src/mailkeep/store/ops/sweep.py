"""Forget what is old: tombstones, then messages, then blobs; and prune the log."""

from __future__ import annotations

from typing import Final

from mailkeep.model.ids import AccountId, ModSeq
from mailkeep.model.uidset import UidSet
from mailkeep.store.contract import Op, Sql, Swept
from mailkeep.store.steps.account import lock_account
from mailkeep.store.steps.blobs import NAMED, bury_blobs
from mailkeep.store.steps.forget_text import forget_text

STEP: Final = 500  # rows of a kind that one operation removes
STRANGERS: Final = STEP // 2  # of each of two kinds
GRACE_S: Final = 3600  # between the death of a blob and its removal: whoever reads it now may go on
DAY_S: Final = 86400
ONCE_S: Final = 60 * DAY_S  # for which keys of deliveries are remembered: longer than any message is queued
KNOWN_S: Final = 35 * DAY_S  # senders that come once a month stay known; RFC 6647 §5 asks for a week at least
LOG_ROWS: Final = 10_000  # of an account; older ones are pruned,
LOG_STEP: Final = 2_000  # so many at a time


def sweep(account: AccountId, now: int, keep_s: int) -> Op[Swept]:
    """One step: tombstones older than `keep_s`, or beyond the quota, and all that only they kept alive.

    Call it until it is done.  No modseq: what a client can see does not change.
    Raises: NotFound.
    """
    modseq = yield from lock_account(account)
    buried = yield from _expire(account, now, keep_s)
    emptied, octets = yield from _empty_garbage(account, now)
    pruned = yield from _prune_log(account, ModSeq(modseq - 1), now, keep_s)
    forgotten = yield from _forget_deliveries(account, now)
    strangers = yield from _forget_strangers(account, now)
    yield Sql(
        "DELETE FROM mailbox WHERE account = ? AND deleted_at < ? AND NOT EXISTS"
        " (SELECT 1 FROM gone g WHERE g.account = mailbox.account AND g.mailbox = mailbox.mailbox) AND NOT EXISTS"
        " (SELECT 1 FROM mailbox c WHERE c.account = mailbox.account AND c.parent = mailbox.mailbox)",
        (account, now - keep_s),
    )
    done = buried < STEP and emptied < STEP and pruned < LOG_STEP and forgotten < STEP and strangers < STRANGERS
    return Swept(done=done, rows=buried + emptied + pruned + forgotten + strangers, octets=octets)


def _expire(account: AccountId, now: int, keep_s: int) -> Op[int]:
    """Remove old tombstones, and messages that have neither entry nor tombstone any more; returns how many went."""
    rows = yield Sql(
        "SELECT g.mailbox, g.uid, g.message, g.gone_at, m.size FROM gone g"
        " JOIN message m ON m.account = g.account AND m.message = g.message"
        " WHERE g.account = ? ORDER BY g.gone_at LIMIT ?",
        (account, STEP),
    )
    excess = yield from _octets_beyond_quota(account)
    expired: dict[int, list[int]] = {}
    messages: list[int] = []
    for mailbox, uid, message, gone_at, size in rows:
        if gone_at >= now - keep_s and excess <= 0:
            break
        excess -= size
        expired.setdefault(mailbox, []).append(uid)
        messages.append(message)
    for mailbox, uids in expired.items():
        yield Sql("DELETE FROM gone WHERE account = ? AND mailbox = ? AND uid IN ?", (account, mailbox, UidSet(uids)))
    if messages:
        yield from _bury_messages(account, UidSet(messages), now)
    return len(messages)


def _octets_beyond_quota(account: AccountId) -> Op[int]:
    [(quota,)] = yield Sql("SELECT quota FROM account WHERE account = ?", (account,))
    if quota is None:
        return 0
    [(octets,)] = yield Sql(
        "SELECT coalesce(sum(m.size), 0) FROM gone g JOIN message m ON m.account = g.account AND m.message = g.message"
        " WHERE g.account = ?",
        (account,),
    )
    return int(octets) - int(quota)


def _bury_messages(account: AccountId, messages: UidSet, now: int) -> Op[None]:
    rows = yield Sql(
        "SELECT message, blob FROM message m WHERE account = ? AND message IN ?"
        " AND NOT EXISTS (SELECT 1 FROM entry e WHERE e.account = m.account AND e.message = m.message)"
        " AND NOT EXISTS (SELECT 1 FROM gone g WHERE g.account = m.account AND g.message = m.message)",
        (account, messages),
    )
    if not rows:
        return
    dead = UidSet(message for message, _ in rows)
    kinds = yield Sql("SELECT DISTINCT kind FROM derived WHERE account = ?", (account,))
    for (kind,) in kinds:
        yield Sql("DELETE FROM derived WHERE account = ? AND kind = ? AND message IN ?", (account, kind, dead))
    yield Sql("DELETE FROM message WHERE account = ? AND message IN ?", (account, dead))
    yield from forget_text(account, dead)
    yield bury_blobs(account, UidSet(blob for _, blob in rows), now)


def _empty_garbage(account: AccountId, now: int) -> Op[tuple[int, int]]:
    """Remove blobs that have been dead for a while; one that a new message shares lives again."""
    rows = yield Sql("SELECT blob FROM garbage WHERE account = ? AND at <= ? LIMIT ?", (account, now - GRACE_S, STEP))
    if not rows:
        return 0, 0
    blobs = UidSet(blob for (blob,) in rows)
    removed = yield Sql(
        f"DELETE FROM blob WHERE account = ? AND blob IN ? AND NOT {NAMED} RETURNING size, pack",  # noqa: S608  our constants
        (account, blobs),
    )
    yield Sql("DELETE FROM garbage WHERE account = ? AND blob IN ?", (account, blobs))
    return len(rows), sum(size for size, pack in removed if pack is None)


def _forget_strangers(account: AccountId, now: int) -> Op[int]:
    """Those who never came again, and those who have not been here for long.  Returns how many went."""
    count = 0
    for known, before in ((0, now - DAY_S), (1, now - KNOWN_S)):
        gone = yield Sql(
            "DELETE FROM greylist WHERE account = ? AND key IN"
            " (SELECT key FROM greylist WHERE account = ? AND known = ? AND at < ? LIMIT ?) RETURNING 1",
            (account, account, known, before, STRANGERS),
        )
        count += len(gone)
    return count


def _prune_log(account: AccountId, modseq: ModSeq, now: int, keep_s: int) -> Op[int]:
    """Keep `LOG_ROWS` rows, and none older than `keep_s` as far as epochs tell.  Returns how many went."""
    [(last, old)] = yield Sql(
        "SELECT coalesce(max(at), 0), coalesce(max(CASE WHEN at < ? THEN modseq END), 0) FROM epoch WHERE account = ?",
        (now - keep_s, account),
    )
    if now - last >= DAY_S:
        yield Sql("INSERT INTO epoch VALUES (?, ?, ?)", (account, now, modseq))
    surplus = yield Sql(
        "SELECT modseq FROM log WHERE account = ? ORDER BY modseq DESC LIMIT 1 OFFSET ?", (account, LOG_ROWS)
    )
    floor = max(old, surplus[0][0] if surplus else 0)
    [(present,)] = yield Sql("SELECT log_floor FROM account WHERE account = ?", (account,))
    count = 0
    if floor > present:
        beyond = yield Sql(
            "SELECT modseq FROM log WHERE account = ? AND modseq <= ? ORDER BY modseq LIMIT 1 OFFSET ?",
            (account, floor, LOG_STEP - 1),
        )
        floor = beyond[0][0] if beyond else floor  # all that one operation did lies on one side of it
        [(count,)] = yield Sql("SELECT count(*) FROM log WHERE account = ? AND modseq <= ?", (account, floor))
        yield Sql("DELETE FROM log WHERE account = ? AND modseq <= ?", (account, floor))
        yield Sql("DELETE FROM epoch WHERE account = ? AND modseq < ?", (account, floor))
        yield Sql("DELETE FROM metadata WHERE account = ? AND modseq <= ? AND value IS NULL", (account, floor))
        yield Sql("UPDATE account SET log_floor = ? WHERE account = ?", (floor, account))
    return int(count)


def _forget_deliveries(account: AccountId, now: int) -> Op[int]:
    rows = yield Sql(
        "DELETE FROM delivered WHERE account = ? AND key IN"
        " (SELECT key FROM delivered WHERE account = ? AND at < ? ORDER BY at LIMIT ?) RETURNING key",
        (account, account, now - ONCE_S, STEP),
    )
    return len(rows)
