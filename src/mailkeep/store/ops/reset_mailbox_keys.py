"""RESETKEY: what was authorized with the old keys is authorized no more."""

from __future__ import annotations

from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.store.contract import Op, Sql
from mailkeep.store.steps.account import lock_account


def reset_mailbox_keys(account: AccountId, holder: AccountId | None, mailbox: MailboxId | None) -> Op[None]:
    """RFC 4467 §7: forget the key of one mailbox, or with None all of the user's; another is made when it is needed.

    Raises: NotFound (the account).
    """
    yield from lock_account(account)
    if mailbox is None:
        yield Sql("DELETE FROM mailbox_key WHERE account = ?", (account,))
    else:
        yield Sql(
            "DELETE FROM mailbox_key WHERE account = ? AND holder = ? AND mailbox = ?", (account, holder, mailbox)
        )
