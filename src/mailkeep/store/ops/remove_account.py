"""Remove all rows of an account, some at a time."""

from __future__ import annotations

from typing import Final

from mailkeep.model.ids import AccountId
from mailkeep.store.contract import Op, Sql

STEP: Final = 2000  # rows removed by one operation: a fraction of a second

# table and the columns that tell its rows apart within the account.  The account's own row goes first: from then on
# every other operation says NotFound.
TABLES: Final = (
    ("log", "mailbox, modseq, kind"),
    ("epoch", "at"),
    ("entry", "mailbox, uid"),
    ("gone", "mailbox, uid"),
    ("derived", "kind, message"),
    ("text_segment", "kind, segment"),
    ("text_stale", "segment"),
    ("text_index", "account"),
    ("message", "message"),
    ("threadref", "hash"),
    ("snapshot", "mailbox"),
    ("garbage", "blob"),
    ("blob", "blob"),
    ("keyword", "bit"),
    ("subscription", "name"),
    ("acl", "mailbox, who"),
    ("metadata", "mailbox, who, entry"),
    ("mailbox", "mailbox"),
)


def remove_account(account: AccountId) -> Op[bool]:
    """True when nothing is left, False: call again.  May be repeated, also for an account that never was.

    Octets in packs remain until the packs are rewritten.
    """
    yield Sql("DELETE FROM account WHERE account = ?", (account,))
    for table, key in TABLES:
        rows = yield Sql(f"SELECT {key} FROM {table} WHERE account = ? LIMIT 1", (account,))  # noqa: S608  our constants
        if rows:
            yield Sql(
                f"DELETE FROM {table} WHERE account = ? AND ({key}) IN"  # noqa: S608  our constants
                f" (SELECT {key} FROM {table} WHERE account = ? LIMIT {STEP})",
                (account, account),
            )
            return False
    return True
