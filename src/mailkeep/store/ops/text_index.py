"""The index of texts: how far it goes, its segments, and writing one."""

from __future__ import annotations

from mailkeep.model.errors import NotFound
from mailkeep.model.ids import AccountId
from mailkeep.model.uidset import EMPTY, UidSet
from mailkeep.store.contract import SEGMENT, Op, Rows, Sql, TextIndex, TextSegment


def get_text_index(account: AccountId) -> Op[TextIndex]:
    """How far the index goes, and what is to be done.  Raises: NotFound."""
    rows = yield Sql(
        "SELECT a.next_message, coalesce(i.version, 0), coalesce(i.indexed_to, 0), i.loose,"
        " (SELECT min(s.segment) FROM text_stale s WHERE s.account = a.account)"
        " FROM account a LEFT JOIN text_index i ON i.account = a.account WHERE a.account = ?",
        (account,),
    )
    if not rows:
        raise NotFound("No such account")
    [(next_message, version, indexed_to, loose, stale)] = rows
    return TextIndex(
        version=version,
        indexed_to=indexed_to,
        loose=UidSet.from_bytes(loose) if loose else EMPTY,
        stale=stale,
        next_message=next_message,
    )


def read_text(account: AccountId, kind: str, segments: UidSet) -> Op[Rows]:
    """(segment, data) of one kind, ascending."""
    return (
        yield Sql(
            "SELECT segment, data FROM text_segment WHERE account = ? AND kind = ? AND segment IN ? ORDER BY segment",
            (account, kind, segments),
        )
    )


def put_text(account: AccountId, new: TextSegment) -> Op[bool]:
    """Write a segment, in place of an earlier one; False: one of its messages has gone meanwhile, nothing is written.

    No modseq: nothing a client sees depends on it.  Raises: NotFound.
    """
    now = yield from get_text_index(account)
    [(alive,)] = yield Sql("SELECT count(*) FROM message WHERE account = ? AND message IN ?", (account, new.messages))
    if alive != len(new.messages):
        return False
    same = now.version == new.version
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


def forget_text(account: AccountId, messages: UidSet) -> Op[None]:
    """Messages are gone for good: mark their segments, as part of the operation that removes them."""
    segments = UidSet({message // SEGMENT for message in messages})
    for segment in segments:
        yield Sql(
            "INSERT INTO text_stale SELECT account, CAST(? AS BIGINT) FROM text_index"
            " WHERE account = ? AND indexed_to > ? ON CONFLICT DO NOTHING",
            (segment, account, segment * SEGMENT),
        )
