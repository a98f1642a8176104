"""The queue as a list."""

from __future__ import annotations

from typing import Final

from mailkeep.model.ids import AccountId
from mailkeep.model.queued import QueueLine, State
from mailkeep.store.contract import Op, Row, Sql

DOMAINS: Final = 5  # of one item that are named


def queue_list(account: AccountId, domain: str | None, after: tuple[int, int], limit: int) -> Op[tuple[QueueLine, ...]]:
    """Items of this database, of one account or (0) of all, after a place (account, item), ascending; to one domain.

    Not those of accounts that are being moved away, or of which only a part is here.
    """
    whose = "account > 0" if not account else "account = ?"
    to = (
        ""
        if domain is None
        else (
            " AND EXISTS (SELECT 1 FROM queue_leg l WHERE l.account = q.account AND l.item = q.item AND l.domain = ?)"
        )
    )
    rows = yield Sql(
        f"SELECT account, item, size, queued_at, held, reverse_path FROM queue_item q WHERE {whose}"  # noqa: S608  our constants
        f" AND (account, item) > (?, ?){to}"
        " AND NOT EXISTS (SELECT 1 FROM held h WHERE h.account = q.account)"
        " AND EXISTS (SELECT 1 FROM account a WHERE a.account = q.account) ORDER BY account, item LIMIT ?",
        (*((account,) if account else ()), *after, *(() if domain is None else (domain,)), limit),
    )
    lines = []
    for row in rows:
        lines.append((yield from _line(row)))  # noqa: PERF401  no comprehension can do this
    return tuple(lines)


def _line(row: Row) -> Op[QueueLine]:
    account, item, size, queued_at, held, reverse_path = row
    legs = yield Sql(
        "SELECT domain, attempts, due_at FROM queue_leg WHERE account = ? AND item = ? ORDER BY due_at", (account, item)
    )
    [(waiting,)] = yield Sql(
        "SELECT count(*) FROM queue_recipient WHERE account = ? AND item = ? AND state = ?",
        (account, item, State.WAITING.value),
    )
    last = yield Sql(
        "SELECT text FROM queue_recipient WHERE account = ? AND item = ? AND outcome_at IS NOT NULL"
        " ORDER BY state, outcome_at DESC LIMIT 1",
        (account, item),
    )
    domains = tuple(dict.fromkeys(domain for domain, _, _ in legs))
    return QueueLine(
        account=AccountId(account),
        number=item,
        size=size,
        queued_at=queued_at,
        held=bool(held),
        reverse_path=reverse_path,
        waiting=waiting,
        domains=domains[:DOMAINS],
        attempts=legs[0][1] if legs else 0,
        due_at=legs[0][2] if legs else None,
        reason=last[0][0] if last else "",
    )


def queue_count(account: AccountId) -> Op[tuple[int, int]]:  # noqa: ARG001  of all accounts
    """Items of this database, and how many of them are held."""
    [(items,)] = yield Sql("SELECT count(*) FROM queue_item")
    [(held,)] = yield Sql("SELECT count(*) FROM queue_item WHERE held = 1")
    return items, held
