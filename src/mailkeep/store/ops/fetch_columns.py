"""Entries column by column, for listings: no object is made per entry."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.model.uidset import UidSet
from mailkeep.store.contract import Column, Op, Sql

EXPRESSIONS: Final[Mapping[Column, str]] = {
    Column.BLOB: "m.blob",
    Column.BODY: "b.data",
    Column.INTERNALDATE: "m.internaldate",
    Column.SIZE: "m.size",
    Column.SAVED_AT: "e.saved_at",
    Column.ORIGIN_ACCOUNT: "m.origin_account",
    Column.ORIGIN_MESSAGE: "m.origin_message",
    Column.THREAD_ACCOUNT: "m.thread_account",
    Column.THREAD: "m.thread",
}


def fetch_columns(
    account: AccountId,
    mailbox: MailboxId,
    uids: UidSet,
    columns: tuple[Column, ...],
    kinds: tuple[tuple[str, int], ...],
) -> Op[tuple[tuple[Any, ...], ...]]:
    """The UIDs that exist of `uids`, ascending, then each of `columns`, then each derived data of `kinds`.

    `kinds` are (kind, version); what there is only in another version, or not at all, is None.  () when nothing exists.
    """
    arguments = tuple(value for kind in kinds for value in kind)
    rows = yield Sql(_text(columns, len(kinds)), (*arguments, account, mailbox, uids), alone=True)
    return tuple(zip(*rows, strict=True))


@lru_cache(256)
def _text(columns: tuple[Column, ...], kinds: int) -> str:
    wanted = ["e.uid", *(EXPRESSIONS[column] for column in columns), *(f"d{i}.data" for i in range(kinds))]
    joins = ["entry e"]
    tables = {EXPRESSIONS[column][0] for column in columns}
    if tables & {"m", "b"}:
        joins.append("JOIN message m ON m.account = e.account AND m.message = e.message")
    if "b" in tables:
        joins.append("JOIN blob b ON b.account = m.account AND b.blob = m.blob")
    joins += [
        f"LEFT JOIN derived d{i} ON d{i}.account = e.account AND d{i}.kind = ? AND d{i}.version = ?"
        f" AND d{i}.message = e.message"
        for i in range(kinds)
    ]
    return (
        f"SELECT {', '.join(wanted)} FROM {' '.join(joins)}"  # noqa: S608  made of our own words
        " WHERE e.account = ? AND e.mailbox = ? AND e.uid IN ? ORDER BY e.uid"
    )
