"""Change how much an account may keep."""

from __future__ import annotations

from mailkeep.model.errors import Forbidden
from mailkeep.model.ids import AccountId
from mailkeep.model.quota import Quota
from mailkeep.store.contract import Op, Sql
from mailkeep.store.steps.account import lock_account


def set_quota(account: AccountId, quota: Quota) -> Op[None]:
    """All limits anew; they may be below what is in use.  Raises: NotFound."""
    yield from lock_account(account)
    yield _update(account, quota)


def lower_quota(account: AccountId, quota: Quota) -> Op[None]:
    """The same, where no limit is above the present one or dropped.  Raises: NotFound, Forbidden."""
    yield from lock_account(account)
    [limits] = yield Sql("SELECT quota, quota_messages, quota_mailboxes FROM account WHERE account = ?", (account,))
    wanted = (quota.octets, quota.messages, quota.mailboxes)
    for new, limit in zip(wanted, limits, strict=True):
        if limit is not None and (new is None or new > limit):
            raise Forbidden("Only the administrator can raise a limit")
    yield _update(account, quota)


def _update(account: AccountId, quota: Quota) -> Sql:
    return Sql(
        "UPDATE account SET quota = ?, quota_messages = ?, quota_mailboxes = ? WHERE account = ?",
        (quota.octets, quota.messages, quota.mailboxes, account),
    )
