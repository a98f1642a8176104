"""COPY: entries in another mailbox for the same messages; octets stay where they are."""

from __future__ import annotations

from mailkeep.model.errors import Invalid, NotFound
from mailkeep.model.ids import AccountId, MailboxId, ModSeq
from mailkeep.model.message import Copied
from mailkeep.model.uidset import UidSet
from mailkeep.store.contract import Op, Sql
from mailkeep.store.steps.account import lock_mailbox, raise_modseq, require_uids
from mailkeep.store.steps.entries import choose, duplicate
from mailkeep.store.steps.quota import require_room


def copy(account: AccountId, mailbox: MailboxId, uids: UidSet, target: MailboxId, now: int) -> Op[Copied]:
    """RFC 9051 §6.4.7.  Flags come along; UIDs that do not exist are left out; the copies count against the quota.

    Raises: NotFound, Invalid (the target cannot hold messages), OverQuota, LimitReached (UIDs).
    """
    locked = yield from lock_mailbox(account, mailbox)
    uidvalidity, uidnext = yield from require_target(account, target)
    chosen = yield from choose(account, mailbox, uids)
    if not chosen.uids:
        return Copied(target, uidvalidity, (), (), ModSeq(locked.modseq - 1))
    yield from require_room(account, chosen.octets, len(chosen.uids))
    require_uids(uidnext, len(chosen.uids))
    new = yield from duplicate(account, mailbox, chosen, target, locked.modseq, now)
    yield raise_modseq(account, locked.modseq, chosen.octets, len(chosen.uids))
    return Copied(target, uidvalidity, chosen.uids, new, locked.modseq)


def require_target(account: AccountId, target: MailboxId) -> Op[tuple[int, int]]:
    """UIDVALIDITY and UIDNEXT of a mailbox that can hold messages.  Raises: NotFound, Invalid."""
    rows = yield Sql(
        "SELECT uidvalidity, uidnext, selectable FROM mailbox WHERE account = ? AND mailbox = ? AND deleted_at IS NULL",
        (account, target),
    )
    if not rows:
        raise NotFound("No such mailbox")
    [(uidvalidity, uidnext, selectable)] = rows
    if not selectable:
        raise Invalid("This mailbox cannot hold messages")
    return uidvalidity, uidnext
