"""SETACL and DELETEACL: change what somebody may do with a mailbox."""

from __future__ import annotations

from typing import Final

from mailkeep.model.errors import LimitReached
from mailkeep.model.ids import AccountId, MailboxId, ModSeq
from mailkeep.model.rights import NONE, Rights, ordered
from mailkeep.store.contract import How, LogKind, Op, Sql
from mailkeep.store.steps.account import lock_account, log, raise_modseq
from mailkeep.store.steps.rights import require
from mailkeep.store.steps.tree import read_mailbox

MAX_ENTRIES: Final = 1000  # of the list of one mailbox


def set_acl(
    account: AccountId, guest: AccountId | None, mailbox: MailboxId, who: str, how: How, rights: Rights
) -> Op[ModSeq]:
    """RFC 4314 §3.1, §3.2: an entry without rights is none.  `guest`: who asks, None for the owner.

    Raises: NotFound, Forbidden (the guest has no right ``a``), LimitReached.
    """
    if guest is not None:
        yield from require(account, mailbox, guest, "a")
    modseq = yield from lock_account(account)
    yield from read_mailbox(account, mailbox)
    rows = yield Sql("SELECT who, rights FROM acl WHERE account = ? AND mailbox = ?", (account, mailbox))
    entries: dict[str, Rights] = dict(rows)
    before = entries.get(who, NONE)
    after = _after(before, how, rights)
    if after == before:
        return ModSeq(modseq - 1)
    if after and not before and len(entries) >= MAX_ENTRIES:
        raise LimitReached(f"A mailbox is shared with at most {MAX_ENTRIES} others")
    yield Sql("DELETE FROM acl WHERE account = ? AND mailbox = ? AND who = ?", (account, mailbox, who))
    if after:
        yield Sql("INSERT INTO acl VALUES (?, ?, ?, ?)", (account, mailbox, who, after))
    yield log(account, mailbox, modseq, LogKind.ACL)
    yield raise_modseq(account, modseq)
    return modseq


def _after(before: Rights, how: How, rights: Rights) -> Rights:
    match how:
        case How.ADD:
            return ordered(before + rights)
        case How.REMOVE:
            return ordered(set(before) - set(rights))
        case How.REPLACE:
            return ordered(rights)
