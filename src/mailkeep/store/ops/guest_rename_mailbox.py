"""RENAME by a guest, within the account of somebody else."""

from __future__ import annotations

from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.model.mailbox import Mailbox
from mailkeep.store.contract import Op
from mailkeep.store.ops.rename_mailbox import rename_mailbox
from mailkeep.store.steps.rights import require, require_parent


def guest_rename_mailbox(account: AccountId, guest: AccountId, mailbox: MailboxId, path: str, now: int) -> Op[Mailbox]:
    """Needs ``x`` on the mailbox and ``k`` on the new parent (RFC 4314 §4).

    Raises: what `rename_mailbox` raises, and Forbidden.
    """
    yield from require(account, mailbox, guest, "x")
    yield from require_parent(account, path, guest)
    return (yield from rename_mailbox(account, mailbox, path, now))
