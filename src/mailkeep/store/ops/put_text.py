"""Keep one segment of an account's text index."""

from __future__ import annotations

from mailkeep.model.ids import AccountId
from mailkeep.model.uidset import EMPTY, UidSet
from mailkeep.store.contract import SEGMENT, Op, Sql, TextSegment
from mailkeep.store.ops.get_text_index import get_text_index


def put_text(account: AccountId, new: TextSegment) -> Op[bool]:
    """Write a segment, in place of an earlier one; False: a message of it, or the index, has gone: nothing is written.

    No modseq: nothing a client sees depends on it.  Raises: NotFound.
    """
    now = yield from get_text_index(account)
    [(alive,)] = yield Sql("SELECT count(*) FROM message WHERE account = ? AND message IN ?", (account, new.messages))
    if alive != len(new.messages):
        return False
    same = now.version == new.version
    if not same and new.segment:
        return False  # the index has been dropped: it begins with the first segment
    of_segment = UidSet.of_ranges([(new.segment * SEGMENT, new.segment * SEGMENT + SEGMENT - 1)])
    loose = ((now.loose if same else EMPTY) - of_segment) | new.loose
    indexed_to = max(now.indexed_to, new.indexed_to) if same else new.indexed_to
    yield Sql("DELETE FROM text_stale WHERE account = ? AND segment = ?", (account, new.segment))
    for kind, segment, data in new.data:
        yield Sql(
            "INSERT INTO text_segment VALUES (?, ?, ?, ?)"
            " ON CONFLICT (account, kind, segment) DO UPDATE SET data = excluded.data",
            (account, kind, segment, data),
        )
    yield Sql(
        "INSERT INTO text_index VALUES (?, ?, ?, ?) ON CONFLICT (account) DO UPDATE SET"
        " version = excluded.version, indexed_to = excluded.indexed_to, loose = excluded.loose",
        (account, new.version, indexed_to, loose.to_bytes()),
    )
    return True
