r"""A read-write SELECT takes what is \Recent."""

from __future__ import annotations

from mailkeep.model.ids import AccountId, MailboxId, Uid
from mailkeep.store.contract import Op, Sql


def claim_recent(account: AccountId, mailbox: MailboxId, last: Uid) -> Op[None]:
    r"""Messages up to UID `last` are \Recent no more.  No modseq; a mailbox that is not there is passed over."""
    yield Sql(
        "UPDATE mailbox SET first_recent = ? WHERE account = ? AND mailbox = ? AND first_recent <= ?",
        (last + 1, account, mailbox, last),
    )
