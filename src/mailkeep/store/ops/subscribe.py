"""SUBSCRIBE and UNSUBSCRIBE: by name; the name need not exist."""

from __future__ import annotations

from typing import Final

from mailkeep.model.errors import LimitReached
from mailkeep.model.ids import AccountId, ModSeq
from mailkeep.store.contract import LogKind, Op, Sql
from mailkeep.store.names import normal_path
from mailkeep.store.steps.account import lock_account, log_name, raise_modseq

MAX_SUBSCRIPTIONS: Final = 20_000  # of an account; names that do not exist count too


def subscribe(account: AccountId, name: str) -> Op[ModSeq]:
    """RFC 9051 §6.3.7.  Returns 0 when nothing changes.

    Raises: NotFound (the account), Invalid (the name), LimitReached.
    """
    modseq = yield from lock_account(account)
    path = normal_path(name)
    if (yield Sql("SELECT 1 FROM subscription WHERE account = ? AND name = ?", (account, path))):
        return ModSeq(0)
    [(count,)] = yield Sql("SELECT count(*) FROM subscription WHERE account = ?", (account,))
    if count >= MAX_SUBSCRIPTIONS:
        raise LimitReached(f"An account has at most {MAX_SUBSCRIPTIONS} subscriptions")
    yield Sql("INSERT INTO subscription VALUES (?, ?)", (account, path))
    return (yield from _changed(account, modseq, path))


def unsubscribe(account: AccountId, name: str) -> Op[ModSeq]:
    """RFC 9051 §6.3.8; quietly, when there is no such subscription.  Returns 0 then.

    Raises: NotFound (the account), Invalid.
    """
    modseq = yield from lock_account(account)
    path = normal_path(name)
    if not (yield Sql("SELECT 1 FROM subscription WHERE account = ? AND name = ?", (account, path))):
        return ModSeq(0)
    yield Sql("DELETE FROM subscription WHERE account = ? AND name = ?", (account, path))
    return (yield from _changed(account, modseq, path))


def _changed(account: AccountId, modseq: ModSeq, path: str) -> Op[ModSeq]:
    yield log_name(account, 0, modseq, LogKind.SUBSCRIPTION, path)
    yield raise_modseq(account, modseq)
    return modseq
