"""The conversation a message belongs to: assigned when it comes, never changed, never merged."""

from __future__ import annotations

import json

from mailkeep.model.ids import AccountId
from mailkeep.store.contract import Op, Sql


def find_thread(account: AccountId, message: int, keys: tuple[int, ...]) -> Op[int]:
    """The oldest thread known by one of `keys`; otherwise a new one, named by its first message."""
    if not keys:
        return message
    if len(keys) == 1:
        rows = yield Sql("SELECT thread FROM threadref WHERE account = ? AND hash = ?", (account, keys[0]))
    else:
        rows = yield Sql(
            "SELECT min(thread) FROM threadref WHERE account = ? AND hash IN (SELECT value FROM json_each(?))"
            " HAVING count(*) > 0",
            (account, json.dumps(keys)),
        )
    return int(rows[0][0]) if rows else message


def keep_thread(account: AccountId, thread: int, keys: tuple[int, ...]) -> Op[None]:
    """From now on `keys` lead to `thread`, unless they lead elsewhere already."""
    if len(keys) == 1:
        yield Sql("INSERT INTO threadref VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (account, keys[0], thread))
    elif keys:
        yield Sql(
            "INSERT INTO threadref SELECT CAST(? AS BIGINT), value, CAST(? AS BIGINT) FROM json_each(?)"
            " WHERE true ON CONFLICT DO NOTHING",
            (account, thread, json.dumps(keys)),
        )
