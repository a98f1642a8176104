"""Keep what was derived from messages after they had come."""

from __future__ import annotations

from mailkeep.model.ids import AccountId, MessageId
from mailkeep.store.contract import Derived, Op, Sql


def put_derived(account: AccountId, rows: tuple[tuple[MessageId, Derived], ...]) -> Op[None]:
    """No modseq: nothing a client sees depends on it.  Messages that no longer exist are passed over."""
    for message, derived in rows:
        yield Sql(
            "INSERT INTO derived SELECT account, CAST(? AS TEXT), message, CAST(? AS BIGINT), ?"
            " FROM message WHERE account = ? AND message = ?"
            " ON CONFLICT (account, kind, message) DO UPDATE SET version = excluded.version, data = excluded.data",
            (derived.kind, derived.version, derived.data, account, message),
        )
