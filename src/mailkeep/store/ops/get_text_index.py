"""How far an account's text index has come."""

from __future__ import annotations

from mailkeep.model.errors import NotFound
from mailkeep.model.ids import AccountId
from mailkeep.model.uidset import EMPTY, UidSet
from mailkeep.store.contract import Op, Sql, TextIndex


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
