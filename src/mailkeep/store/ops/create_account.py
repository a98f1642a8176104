"""Give a new account its rows and its first mailboxes."""

from __future__ import annotations

from typing import Final

from mailkeep.model.ids import AccountId, ModSeq
from mailkeep.model.mailbox import INBOX, Role
from mailkeep.model.quota import Quota
from mailkeep.store.contract import Op, Sql
from mailkeep.store.steps.tree import NewMailbox, make_path

FIRST_MAILBOXES: Final[tuple[tuple[str, Role | None], ...]] = (
    (INBOX, None),
    ("Sent", Role.SENT),
    ("Drafts", Role.DRAFTS),
    ("Trash", Role.TRASH),
    ("Junk", Role.JUNK),
    ("Archive", Role.ARCHIVE),
)


def create_account(account: AccountId, quota: Quota, now: int) -> Op[None]:
    """Make the rows unless they are there: may be repeated after a crash.  All first mailboxes are subscribed."""
    rows = yield Sql("SELECT 1 FROM account WHERE account = ?", (account,), locks=True)
    if rows:
        return
    yield Sql(
        "INSERT INTO account (account, modseq, next_mailbox, next_message, next_blob, uidvalidity, log_floor,"
        " used_octets, used_messages, quota, quota_messages) VALUES (?, 1, 1, 1, 1, 0, 0, 0, 0, ?, ?)",
        (account, quota.octets, quota.messages),
    )
    for path, role in FIRST_MAILBOXES:
        yield from make_path(account, path, ModSeq(1), NewMailbox(role=role, subscribe=True, now=now))
    # the first mailboxes are there whatever the limit
    yield Sql("UPDATE account SET quota_mailboxes = ? WHERE account = ?", (quota.mailboxes, account))
