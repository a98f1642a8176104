r"""A read-write SELECT takes what is \Recent."""

from __future__ import annotations

from mailkeep.model.errors import NotFound
from mailkeep.model.ids import AccountId, MailboxId, Uid
from mailkeep.store.contract import Op, Sql


def claim_recent(account: AccountId, mailbox: MailboxId) -> Op[Uid]:
    r"""The first UID that was still \Recent; from now on none is.  No modseq.  Raises: NotFound."""
    rows = yield Sql(
        "SELECT first_recent, uidnext FROM mailbox WHERE account = ? AND mailbox = ? AND deleted_at IS NULL",
        (account, mailbox),
    )
    if not rows:
        raise NotFound("No such mailbox")
    [(first, uidnext)] = rows
    if first < uidnext:
        yield Sql("UPDATE mailbox SET first_recent = ? WHERE account = ? AND mailbox = ?", (uidnext, account, mailbox))
    return Uid(first)
