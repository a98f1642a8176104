"""A mailbox that can take back what was in it."""

from __future__ import annotations

from mailkeep.model.ids import AccountId, MailboxId, ModSeq
from mailkeep.store.contract import LogKind, Op, Sql
from mailkeep.store.steps.account import log
from mailkeep.store.steps.tree import TOP, find_child, new_uidvalidity, path_of


def revive(account: AccountId, mailbox: MailboxId, modseq: ModSeq, now: int) -> Op[tuple[MailboxId, int]]:
    r"""`mailbox` itself, brought back if it was deleted; or the one that has its name now.  Returns UIDVALIDITY too.

    Those above it are brought back as well.
    """
    [(parent, leaf, uidvalidity, selectable, deleted_at)] = yield Sql(
        "SELECT parent, name, uidvalidity, selectable, deleted_at FROM mailbox WHERE account = ? AND mailbox = ?",
        (account, mailbox),
    )
    if deleted_at is None and selectable:
        return mailbox, uidvalidity
    if deleted_at is not None:
        if parent != TOP:
            parent, _ = yield from revive(account, MailboxId(parent), modseq, now)
        heir = yield from find_child(account, parent, leaf)
        if heir is not None:
            return (yield from revive(account, MailboxId(heir[0]), modseq, now))
    uidvalidity = yield from new_uidvalidity(account, now)
    yield Sql(
        "UPDATE mailbox SET parent = ?, uidvalidity = ?, selectable = 1, deleted_at = NULL, modseq = ?,"
        " meta_modseq = ? WHERE account = ? AND mailbox = ?",
        (parent, uidvalidity, modseq, modseq, account, mailbox),
    )
    yield log(account, mailbox, modseq, LogKind.MAILBOX_MADE)
    name = yield from path_of(account, parent, leaf)
    yield Sql("INSERT INTO subscription VALUES (?, ?) ON CONFLICT DO NOTHING", (account, name))
    return mailbox, uidvalidity
