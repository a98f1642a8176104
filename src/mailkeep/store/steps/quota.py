"""Whether an account's quota has room."""

from __future__ import annotations

from mailkeep.model.errors import NeverFits, NotFound, OverQuota
from mailkeep.model.ids import AccountId
from mailkeep.store.contract import Op, Sql


def require_room(account: AccountId, octets: int, messages: int) -> Op[None]:
    """Raises: NotFound (the account), OverQuota, NeverFits (not even an empty account could take so much)."""
    rows = yield Sql(
        "SELECT used_octets, used_messages, quota, quota_messages FROM account WHERE account = ?", (account,)
    )
    if not rows:
        raise NotFound("No such account")
    [(used_octets, used_messages, quota, quota_messages)] = rows
    if (quota is not None and octets > quota) or (quota_messages is not None and messages > quota_messages):
        raise NeverFits("This is more than the account's quota")
    if quota is not None and used_octets + octets > quota:
        raise OverQuota("The account's quota would be exceeded")
    if quota_messages is not None and used_messages + messages > quota_messages:
        raise OverQuota(f"The account's quota of {quota_messages} messages would be exceeded")


def require_mailbox_room(account: AccountId, count: int) -> Op[None]:
    """There are `count` mailboxes, and one more is wanted.  Raises: OverQuota."""
    [(quota,)] = yield Sql("SELECT quota_mailboxes FROM account WHERE account = ?", (account,))
    if quota is not None and count >= quota:
        raise OverQuota(f"The account's quota of {quota} mailboxes would be exceeded")
