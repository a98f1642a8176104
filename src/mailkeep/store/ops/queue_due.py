"""What of the queue is to be tried next."""

from __future__ import annotations

from typing import NamedTuple

from mailkeep.model.ids import AccountId
from mailkeep.model.queued import queue_id
from mailkeep.store.contract import Op, Rows, Sql

# Not of accounts that are being moved, or of which only a part is here yet, or any more.
HERE = (
    " AND NOT EXISTS (SELECT 1 FROM held h WHERE h.account = l.account)"
    " AND EXISTS (SELECT 1 FROM account a WHERE a.account = l.account)"
)


class Due(NamedTuple):
    """A leg whose time has come.  A named tuple, because they are made by the thousand; ordered as they are read."""

    due_at: int
    account: AccountId
    item: int
    leg: int
    domain: str

    @property
    def id(self) -> str:
        """The name of its item."""
        return queue_id(self.account, self.item)


def queue_due(account: AccountId, after: tuple[int, int, int, int], until: int, limit: int) -> Op[list[Due]]:  # noqa: ARG001  of all accounts
    """Legs of this database that are due at `until`, ascending, after a place (due_at, account, item, leg).

    Asked of every database: `account` says nothing.
    """
    rows = yield Sql(
        "SELECT due_at, account, item, leg, domain FROM queue_leg l WHERE due_at IS NOT NULL"  # noqa: S608  our constants
        f" AND (due_at, account, item, leg) > (?, ?, ?, ?) AND due_at <= ?{HERE}"
        " ORDER BY due_at, account, item, leg LIMIT ?",
        (*after, until, limit),
        alone=True,
    )
    return _due(rows)


def queue_due_of(account: AccountId, domain: str, until: int, limit: int) -> Op[list[Due]]:
    """Legs of one account to one domain that are due, ascending; the earliest."""
    rows = yield Sql(
        "SELECT due_at, account, item, leg, domain FROM queue_leg l WHERE account = ? AND domain = ?"  # noqa: S608  our constants
        f" AND due_at IS NOT NULL AND due_at <= ?{HERE} ORDER BY due_at, item, leg LIMIT ?",
        (account, domain, until, limit),
        alone=True,
    )
    return _due(rows)


def queue_due_item(account: AccountId, item: int, until: int) -> Op[list[Due]]:
    """Legs of one item that are due, ascending."""
    rows = yield Sql(
        "SELECT due_at, account, item, leg, domain FROM queue_leg l WHERE account = ? AND item = ?"  # noqa: S608  our constants
        f" AND due_at <= ?{HERE} ORDER BY due_at, leg",
        (account, item, until),
        alone=True,
    )
    return _due(rows)


def _due(rows: Rows) -> list[Due]:
    return [Due(due_at, AccountId(account), item, leg, domain) for due_at, account, item, leg, domain in rows]


def queue_next(account: AccountId, after: int) -> Op[int | None]:  # noqa: ARG001  of all accounts
    """When the first leg of this database is due after a moment; None: no one is."""
    rows = yield Sql(
        f"SELECT due_at FROM queue_leg l WHERE due_at IS NOT NULL AND due_at > ?{HERE} ORDER BY due_at LIMIT 1",  # noqa: S608  our constants
        (after,),
        alone=True,
    )
    return rows[0][0] if rows else None
