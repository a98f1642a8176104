"""COPY by a guest, within the account of somebody else."""

from __future__ import annotations

from mailkeep.model.flags import System
from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.model.message import Copied
from mailkeep.model.rights import changeable
from mailkeep.model.uidset import UidSet
from mailkeep.store.contract import Op
from mailkeep.store.ops.copy import copy
from mailkeep.store.ops.guest_store_flags import ALL_SYSTEM, strip
from mailkeep.store.steps.rights import require


def guest_copy(
    account: AccountId, guest: AccountId, mailbox: MailboxId, uids: UidSet, target: MailboxId, now: int
) -> Op[Copied]:
    """Needs ``r`` here and ``i`` there; flags that he may not change there are left behind (RFC 4314 §4).

    Raises: what `copy` raises, and Forbidden.
    """
    yield from require(account, mailbox, guest, "r")
    yield from require(account, target, guest, "i")
    copied = yield from copy(account, mailbox, uids, target, now)
    yield from strip_forbidden(account, guest, copied)
    return copied


def strip_forbidden(account: AccountId, guest: AccountId, copied: Copied) -> Op[None]:
    """Take away the flags of new entries that the guest may not change."""
    may = changeable((yield from require(account, copied.mailbox, guest, "i")))
    if copied.target and may != ALL_SYSTEM:
        stay = None if may & System.FLAGGED else ()
        yield from strip(account, copied.mailbox, UidSet(copied.target), ALL_SYSTEM & ~may, stay)
