"""Entries with what was derived from their messages, and small bodies: one statement for a set of UIDs."""

from __future__ import annotations

from functools import lru_cache

from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.model.message import NO_MORE, Entry
from mailkeep.model.uidset import UidSet
from mailkeep.store.contract import Also, Fetched, Op, Row, Rows, Sql
from mailkeep.store.steps.keywords import decode_more

ENTRY_COLUMNS = 13


def fetch(
    account: AccountId, mailbox: MailboxId, uids: UidSet, kinds: tuple[str, ...], also: Also
) -> Op[list[Fetched]]:
    """What exists of `uids`, ascending; with `Also.GONE` expunged ones too, from their tombstones.

    `kinds` of derived data come with it, see `Fetched`.  A long list is for the caller to read in several ranges, each
    a snapshot of its own.  A mailbox that does not exist is empty.
    """
    # No snapshot over both statements is needed: what is expunged in between was found by the first.
    found = yield _select("entry", account, mailbox, uids, kinds, also)
    fetched = _build(found, kinds, gone=False)
    if Also.GONE in also and len(found) < len(uids):
        buried = yield _select("gone", account, mailbox, uids, kinds, also)
        if buried:
            fetched += _build(buried, kinds, gone=True)
            fetched.sort(key=lambda one: one.entry.uid)
    return fetched


def _select(
    table: str, account: AccountId, mailbox: MailboxId, uids: UidSet, kinds: tuple[str, ...], also: Also
) -> Sql:
    return Sql(_text(table, len(kinds), Also.BODIES in also), (*kinds, account, mailbox, uids), alone=True)


@lru_cache(64)
def _text(table: str, kinds: int, bodies: bool) -> str:  # noqa: FBT001  a cache key
    columns = [
        "e.uid, e.message, e.flags, e.more_keywords, e.modseq, e.saved_at, m.internaldate, m.size, m.blob,"
        " m.origin_account, m.origin_message, m.thread_account, m.thread"
    ]
    joins = [f"{table} e JOIN message m ON m.account = e.account AND m.message = e.message"]
    for i in range(kinds):
        columns.append(f"d{i}.version, d{i}.data")
        joins.append(
            f"LEFT JOIN derived d{i} ON d{i}.account = e.account AND d{i}.kind = ? AND d{i}.message = e.message"
        )
    if bodies:
        columns.append("b.data")
        joins.append("LEFT JOIN blob b ON b.account = m.account AND b.blob = m.blob")
    return (
        f"SELECT {', '.join(columns)} FROM {' '.join(joins)}"  # noqa: S608  made of our own words
        " WHERE e.account = ? AND e.mailbox = ? AND e.uid IN ? ORDER BY e.uid"
    )


def _build(rows: Rows, kinds: tuple[str, ...], *, gone: bool) -> list[Fetched]:
    places = [ENTRY_COLUMNS + 2 * i for i in range(len(kinds))]
    body = ENTRY_COLUMNS + 2 * len(kinds)
    fetched = []
    for row in rows:
        one = Fetched()
        one.entry = _entry(row)
        one.derived = tuple([None if row[i] is None else (row[i], row[i + 1]) for i in places])
        one.body = row[body] if len(row) > body else None
        one.gone = gone
        fetched.append(one)
    return fetched


def _entry(row: Row) -> Entry:
    entry = Entry()
    entry.uid = row[0]
    entry.message = row[1]
    entry.mask = row[2]
    entry.more = NO_MORE if row[3] is None else decode_more(row[3])
    entry.modseq = row[4]
    entry.saved_at = row[5]
    entry.internaldate = row[6]
    entry.size = row[7]
    entry.blob = row[8]
    entry.emailid = (row[9], row[10])
    entry.threadid = (row[11], row[12])
    return entry
