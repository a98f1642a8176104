r"""EXPUNGE: entries with \Deleted become tombstones."""

from __future__ import annotations

from mailkeep.model.flags import System
from mailkeep.model.ids import AccountId, MailboxId, ModSeq
from mailkeep.model.uidset import EMPTY, UidSet
from mailkeep.store.contract import Op, Sql
from mailkeep.store.steps.account import lock_mailbox, raise_modseq
from mailkeep.store.steps.entries import Chosen, add_up, bury, choose_deleted


def expunge(account: AccountId, mailbox: MailboxId, uids: UidSet | None, now: int) -> Op[tuple[ModSeq, UidSet]]:
    r"""RFC 9051 §6.4.3, and §6.4.9 when `uids` narrows it down; only entries with \Deleted go.

    Returns the modseq that tells of it, and the UIDs.  Raises: NotFound.
    """
    locked = yield from lock_mailbox(account, mailbox)
    if not locked.deleted:
        return locked.highest, EMPTY
    chosen = yield from _choose(account, mailbox, uids)
    if not chosen.uids:
        return locked.highest, EMPTY
    gone = yield from bury(account, mailbox, chosen, locked.modseq, now, moved=False)
    yield raise_modseq(account, locked.modseq, -chosen.octets, -len(chosen.uids))
    return locked.modseq, gone


def _choose(account: AccountId, mailbox: MailboxId, uids: UidSet | None) -> Op[Chosen]:
    if uids is None:
        return (yield from choose_deleted(account, mailbox))
    rows = yield Sql(
        "SELECT e.uid, e.flags, m.size FROM entry e JOIN message m ON m.account = e.account AND m.message = e.message"
        " WHERE e.account = ? AND e.mailbox = ? AND e.uid IN ? AND e.flags & ? != 0 ORDER BY e.uid",
        (account, mailbox, uids, System.DELETED.value),
    )
    return add_up(rows)
