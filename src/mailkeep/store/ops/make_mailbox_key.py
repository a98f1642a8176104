"""The key of a mailbox, made now if its user has none."""

from __future__ import annotations

from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.store.contract import Op, Sql
from mailkeep.store.ops.find_mailbox_key import find_mailbox_key
from mailkeep.store.steps.account import lock_account


def make_mailbox_key(account: AccountId, holder: AccountId, mailbox: MailboxId, fresh: bytes) -> Op[bytes]:
    """RFC 4467 §7, GENURLAUTH: the key that there is, else `fresh`.  Raises: NotFound (the account)."""
    yield from lock_account(account)
    found = yield from find_mailbox_key(account, holder, mailbox)
    if found is None:
        yield Sql("INSERT INTO mailbox_key VALUES (?, ?, ?, ?)", (account, holder, mailbox, fresh))
    return found or fresh
