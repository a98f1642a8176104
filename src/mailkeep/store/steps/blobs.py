"""Octets of an account: kept, shared, and let go when nothing names them any more."""

from __future__ import annotations

from mailkeep.model.errors import Unavailable
from mailkeep.model.ids import AccountId
from mailkeep.model.uidset import UidSet
from mailkeep.store.contract import NewBlob, Op, Sql

# True of a row of `blob` (its columns account and blob) that a message or an item of the queue names.
NAMED = (
    "(EXISTS (SELECT 1 FROM message m WHERE m.account = blob.account AND m.blob = blob.blob)"
    " OR EXISTS (SELECT 1 FROM queue_item q WHERE q.account = blob.account AND q.blob = blob.blob))"
)


def keep_blob(account: AccountId, number: int, blob: NewBlob) -> Op[int]:
    """The blob's number: an old one if the account has these octets already, and they are worth the look."""
    if blob.pack is not None:
        rows = yield Sql(
            "SELECT blob FROM blob WHERE account = ? AND sha256 = ? AND pack IS NOT NULL", (account, blob.sha256)
        )
        if rows:
            return int(rows[0][0])
        if not (yield Sql("SELECT 1 FROM place WHERE shard = ?", (blob.shard,))):
            # between the octets and this row the account went to another shard
            raise Unavailable("The account has been moved: try again")
    yield Sql(
        "INSERT INTO blob VALUES (?, ?, ?, ?, ?, ?, ?)",
        (account, number, blob.sha256, blob.size, blob.data, blob.pack, blob.offset),
    )
    return number


def bury_blobs(account: AccountId, blobs: UidSet, now: int) -> Sql:
    """What named these is no more: those that nothing names now will be removed."""
    return Sql(
        "INSERT INTO garbage SELECT account, blob, CAST(? AS BIGINT) FROM blob WHERE account = ? AND blob IN ?"  # noqa: S608  our constants
        f" AND NOT {NAMED} ON CONFLICT DO NOTHING",
        (now, account, blobs),
    )
