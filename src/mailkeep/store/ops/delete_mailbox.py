"""DELETE: the mailbox becomes a tombstone, its entries too."""

from __future__ import annotations

from mailkeep.model.errors import Invalid
from mailkeep.model.ids import AccountId, MailboxId, ModSeq
from mailkeep.model.mailbox import INBOX
from mailkeep.model.uidset import UidSet
from mailkeep.store.contract import LogKind, Op, Sql
from mailkeep.store.steps.account import lock_mailbox, log, raise_modseq
from mailkeep.store.steps.entries import bury, choose
from mailkeep.store.steps.tree import has_children, read_mailbox


def delete_mailbox(account: AccountId, mailbox: MailboxId, now: int) -> Op[ModSeq]:
    r"""RFC 9051 §6.3.5.  One with children stays as \NoSelect; otherwise the name is free at once.

    Raises: NotFound, Invalid (INBOX; a \NoSelect mailbox that has children).
    """
    locked = yield from lock_mailbox(account, mailbox)
    doomed = yield from read_mailbox(account, mailbox)
    if doomed.name == INBOX:
        raise Invalid("INBOX cannot be deleted")
    parent = yield from has_children(account, mailbox)
    if parent and not doomed.selectable:
        raise Invalid("The mailbox has others below it; delete those first")
    chosen = yield from choose(account, mailbox, UidSet.of_ranges([(1, locked.uidnext)]))
    if chosen.uids:
        yield from bury(account, mailbox, chosen, locked.modseq, now, moved=False)
    selectable, deleted_at = (0, None) if parent else (int(doomed.selectable), now)
    yield Sql(
        "UPDATE mailbox SET selectable = ?, deleted_at = ?, role = NULL, modseq = ?, meta_modseq = ?"
        " WHERE account = ? AND mailbox = ?",
        (selectable, deleted_at, locked.modseq, locked.modseq, account, mailbox),
    )
    yield Sql("DELETE FROM snapshot WHERE account = ? AND mailbox = ?", (account, mailbox))
    # a mailbox of that name made later must not inherit it (RFC 5464 §4.1)
    yield Sql("DELETE FROM metadata WHERE account = ? AND mailbox = ?", (account, mailbox))
    yield Sql("DELETE FROM acl WHERE account = ? AND mailbox = ?", (account, mailbox))  # RFC 4314 §4
    yield log(account, mailbox, locked.modseq, LogKind.MAILBOX_DELETED)
    yield raise_modseq(account, locked.modseq, -chosen.octets, -len(chosen.uids))
    return locked.modseq
