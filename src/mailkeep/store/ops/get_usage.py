"""What an account holds, and what it may hold."""

from __future__ import annotations

from mailkeep.model.errors import NotFound
from mailkeep.model.ids import AccountId
from mailkeep.model.quota import Quota, Usage
from mailkeep.store.contract import Op, Sql


def get_usage(account: AccountId) -> Op[Usage]:
    """Raises: NotFound."""
    rows = yield Sql(
        "SELECT used_octets, used_messages, quota, quota_messages, quota_mailboxes,"
        " (SELECT count(*) FROM mailbox m WHERE m.account = a.account AND m.deleted_at IS NULL)"
        " FROM account a WHERE account = ?",
        (account,),
    )
    if not rows:
        raise NotFound("No such account")
    [(octets, messages, quota, quota_messages, quota_mailboxes, mailboxes)] = rows
    return Usage(
        octets=octets,
        messages=messages,
        mailboxes=mailboxes,
        quota=Quota(octets=quota, messages=quota_messages, mailboxes=quota_mailboxes),
    )
