"""Whether the rows of an account agree with each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mailkeep.model.errors import NotFound
from mailkeep.model.ids import AccountId
from mailkeep.model.uidset import UidSet
from mailkeep.store.contract import LogKind, Op, Sql
from mailkeep.store.steps.blobs import NAMED

# Each statement names what is wrong, one row a problem, and takes the account once.  The text is filled with the row.
RULES: Final[tuple[tuple[str, str], ...]] = (
    (
        "mailbox {0}: the row counts {1} messages, {2} unseen, {3} deleted, {4} octets; there are {5}, {6}, {7}, {8}",
        "SELECT b.mailbox, b.total, b.unseen, b.deleted, b.octets, count(e.uid),"
        " coalesce(sum(e.flags & 1 = 0), 0) AS u, coalesce(sum(e.flags & 8 != 0), 0) AS d,"
        " coalesce(sum(m.size), 0) AS o"
        " FROM mailbox b LEFT JOIN entry e ON e.account = b.account AND e.mailbox = b.mailbox"
        " LEFT JOIN message m ON m.account = e.account AND m.message = e.message"
        " WHERE b.account = ? GROUP BY b.mailbox"
        " HAVING b.total != count(e.uid) OR b.unseen != u OR b.deleted != d OR b.octets != o",
    ),
    (
        "the account counts {0} octets and {1} messages in use; there are {2} and {3}",
        "SELECT a.used_octets, a.used_messages, coalesce(sum(m.size), 0) AS o, count(e.uid) AS n FROM account a"
        " LEFT JOIN entry e ON e.account = a.account LEFT JOIN message m ON m.account = e.account"
        " AND m.message = e.message WHERE a.account = ? GROUP BY a.account"
        " HAVING a.used_octets != o OR a.used_messages != n",
    ),
    (
        "mailbox {0}: UID {1} points to message {2}, which does not exist",
        "SELECT mailbox, uid, message FROM (SELECT * FROM entry UNION ALL SELECT account, mailbox, uid, message, flags,"
        " more_keywords, modseq, saved_at FROM gone) e WHERE account = ? AND NOT EXISTS"
        " (SELECT 1 FROM message m WHERE m.account = e.account AND m.message = e.message)",
    ),
    (
        "message {0} has neither an entry nor a tombstone",
        "SELECT message FROM message m WHERE account = ?"
        " AND NOT EXISTS (SELECT 1 FROM entry e WHERE e.account = m.account AND e.message = m.message)"
        " AND NOT EXISTS (SELECT 1 FROM gone g WHERE g.account = m.account AND g.message = m.message)",
    ),
    (
        "message {0}: its blob {1} does not exist or has another size",
        "SELECT message, blob FROM message m WHERE account = ? AND NOT EXISTS"
        " (SELECT 1 FROM blob b WHERE b.account = m.account AND b.blob = m.blob AND b.size = m.size)",
    ),
    (
        "blob {0} belongs to no message and is not marked as garbage",
        f"SELECT blob FROM blob WHERE account = ? AND NOT {NAMED}"  # noqa: S608  our constants
        " AND NOT EXISTS (SELECT 1 FROM garbage g WHERE g.account = blob.account AND g.blob = blob.blob)",
    ),
    (
        "queued message {0}: its blob {1} does not exist or has another size",
        "SELECT item, blob FROM queue_item q WHERE account = ? AND NOT EXISTS"
        " (SELECT 1 FROM blob b WHERE b.account = q.account AND b.blob = q.blob AND b.size = q.size)",
    ),
    (
        "queued message {0} has nothing left to do, or is beyond what the account has given out",
        "SELECT q.item FROM queue_item q JOIN account a ON a.account = q.account WHERE q.account = ?"
        " AND (q.item >= a.next_item OR NOT EXISTS"
        " (SELECT 1 FROM queue_leg l WHERE l.account = q.account AND l.item = q.item))",
    ),
    (
        "leg {1} of queued message {0} has nothing left to do, belongs to none, or is held alone",
        "SELECT l.item, l.leg FROM queue_leg l LEFT JOIN queue_item q ON q.account = l.account AND q.item = l.item"
        " WHERE l.account = ? AND (q.item IS NULL OR q.held != (l.due_at IS NULL) OR NOT EXISTS"
        " (SELECT 1 FROM queue_recipient r WHERE r.account = l.account AND r.item = l.item AND r.leg = l.leg"
        " AND (r.state = 0 OR r.owed)))",
    ),
    (
        "recipient {1} of queued message {0} waits, but nobody will see to it",
        "SELECT r.item, r.number FROM queue_recipient r WHERE r.account = ? AND (r.state = 0 OR r.owed) AND NOT EXISTS"
        " (SELECT 1 FROM queue_leg l WHERE l.account = r.account AND l.item = r.item AND l.leg = r.leg)",
    ),
    (
        "mailbox {0}: UID {1} has modseq {2}, beyond the mailbox's {3}",
        "SELECT e.mailbox, e.uid, e.modseq, b.modseq FROM (SELECT account, mailbox, uid, modseq FROM entry UNION ALL"
        " SELECT account, mailbox, uid, modseq FROM gone) e JOIN mailbox b ON b.account = e.account"
        " AND b.mailbox = e.mailbox WHERE e.account = ? AND e.modseq > b.modseq",
    ),
    (
        "mailbox {0}: UID {1} is not below UIDNEXT {2}",
        "SELECT e.mailbox, e.uid, b.uidnext FROM (SELECT account, mailbox, uid FROM entry UNION ALL"
        " SELECT account, mailbox, uid FROM gone) e JOIN mailbox b ON b.account = e.account"
        " AND b.mailbox = e.mailbox WHERE e.account = ? AND e.uid >= b.uidnext",
    ),
    (
        "mailbox {0}: UID {1} is both there and gone",
        "SELECT mailbox, uid FROM entry e WHERE account = ? AND EXISTS"
        " (SELECT 1 FROM gone g WHERE g.account = e.account AND g.mailbox = e.mailbox AND g.uid = e.uid)",
    ),
    (
        "mailbox {0} holds messages, but is deleted, not selectable, or missing",
        "SELECT DISTINCT mailbox FROM entry e WHERE account = ? AND NOT EXISTS (SELECT 1 FROM mailbox b"
        " WHERE b.account = e.account AND b.mailbox = e.mailbox AND b.deleted_at IS NULL AND b.selectable = 1)",
    ),
    (
        "mailbox {0} stands below {1}, which is deleted or missing",
        "SELECT mailbox, parent FROM mailbox c WHERE account = ? AND deleted_at IS NULL AND parent != 0 AND NOT EXISTS"
        " (SELECT 1 FROM mailbox p WHERE p.account = c.account AND p.mailbox = c.parent AND p.deleted_at IS NULL)",
    ),
    (
        "mailbox {0} is shared with {1}, but deleted or missing",
        "SELECT mailbox, who FROM acl a WHERE account = ? AND NOT EXISTS (SELECT 1 FROM mailbox b"
        " WHERE b.account = a.account AND b.mailbox = a.mailbox AND b.deleted_at IS NULL)",
    ),
    (
        "mailbox {0}: modseq {1}, UIDVALIDITY {2} or its number is beyond what the account has given out",
        "SELECT b.mailbox, b.modseq, b.uidvalidity FROM mailbox b JOIN account a ON a.account = b.account"
        " WHERE b.account = ? AND (b.modseq > a.modseq OR b.meta_modseq > a.modseq OR b.uidvalidity > a.uidvalidity"
        " OR b.mailbox >= a.next_mailbox)",
    ),
    (
        "metadata {1} of mailbox {0}, which is deleted or missing, or of modseq {2}, which was never given out",
        "SELECT d.mailbox, d.entry, d.modseq FROM metadata d JOIN account a ON a.account = d.account"
        " WHERE d.account = ? AND (d.modseq > a.modseq OR d.mailbox != 0 AND NOT EXISTS (SELECT 1 FROM mailbox b"
        " WHERE b.account = d.account AND b.mailbox = d.mailbox AND b.deleted_at IS NULL))",
    ),
    (
        "message {0} is beyond what the account has given out",
        "SELECT m.message FROM message m JOIN account a ON a.account = m.account WHERE m.account = ?"
        " AND m.message >= a.next_message",
    ),
    (
        "the log has a row of modseq {0}, which was never given out or should have been pruned",
        "SELECT l.modseq FROM log l JOIN account a ON a.account = l.account WHERE l.account = ?"
        " AND (l.modseq > a.modseq OR l.modseq <= a.log_floor)",
    ),
)


def check(account: AccountId) -> Op[tuple[str, ...]]:
    """What is wrong, in words; nothing when all is well.  Costs as much as the account.  Raises: NotFound."""
    rows = yield Sql("SELECT log_floor FROM account WHERE account = ?", (account,))
    if not rows:
        raise NotFound("No such account")
    problems: list[str] = []
    for text, statement in RULES:
        wrong = yield Sql(statement, (account,))
        problems.extend(text.format(*row) for row in wrong)
    problems.extend((yield from _check_log(account, rows[0][0])))
    problems.extend((yield from _check_keywords(account)))
    return tuple(problems)


def _check_log(account: AccountId, floor: int) -> Op[Iterable[str]]:
    """Every change after `floor` must be told by a row of the log."""
    rows = yield Sql(
        "SELECT mailbox, modseq, kind, uids FROM log WHERE account = ? AND kind <= ?", (account, LogKind.GONE.value)
    )
    told = {(mailbox, modseq, kind == LogKind.GONE): UidSet() for mailbox, modseq, kind, _ in rows}
    for mailbox, modseq, kind, uids in rows:
        told[mailbox, modseq, kind == LogKind.GONE] |= UidSet.from_bytes(uids)
    changes = yield Sql(
        "SELECT mailbox, uid, modseq, 0 FROM entry WHERE account = ? AND modseq > ?"
        " UNION ALL SELECT mailbox, uid, modseq, 1 FROM gone WHERE account = ? AND modseq > ?",
        (account, floor, account, floor),
    )
    nothing = UidSet()
    return [
        f"mailbox {mailbox}: the log does not tell what happened to UID {uid} at modseq {modseq}"
        for mailbox, uid, modseq, gone in changes
        if uid not in told.get((mailbox, modseq, bool(gone)), nothing)
    ]


def _check_keywords(account: AccountId) -> Op[Iterable[str]]:
    known = yield Sql("SELECT bit FROM keyword WHERE account = ?", (account,))
    used = yield Sql("SELECT DISTINCT flags >> 5, more_keywords FROM entry WHERE account = ?", (account,))
    numbers: set[int] = set()
    for mask, more in used:
        numbers.update(bit + 5 for bit in range(57) if mask >> bit & 1)
        numbers.update(UidSet.from_bytes(more or b""))
    return [f"keyword {number} is in use but has no name" for number in sorted(numbers - {bit for (bit,) in known})]
