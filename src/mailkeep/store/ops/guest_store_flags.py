"""STORE by a guest."""

from __future__ import annotations

from typing import Final

from mailkeep.model.errors import Forbidden
from mailkeep.model.flags import System
from mailkeep.model.ids import AccountId, MailboxId, ModSeq
from mailkeep.model.message import Stored
from mailkeep.model.rights import changeable
from mailkeep.model.uidset import UidSet
from mailkeep.store.contract import How, Op, Sql
from mailkeep.store.ops.store_flags import store_flags
from mailkeep.store.steps.rights import NO_RIGHT, require

ALL_SYSTEM: Final = sum(flag.value for flag in System)


def guest_store_flags(
    account: AccountId,
    guest: AccountId,
    mailbox: MailboxId,
    uids: UidSet,
    how: How,
    mask: int,
    keywords: tuple[str, ...],
    unchanged_since: ModSeq | None,
) -> Op[Stored]:
    """Changes what the guest may change of what he asks for, and replaces only that (RFC 4314 §4).

    Raises: what `store_flags` raises, and Forbidden (he may change nothing of it).
    """
    may = changeable((yield from require(account, mailbox, guest, "")))
    if may == ALL_SYSTEM:
        return (yield from store_flags(account, mailbox, uids, how, mask, keywords, unchanged_since))
    names = keywords if may & System.FLAGGED else ()
    if not may or (how is not How.REPLACE and not names and not mask & may):
        raise Forbidden(NO_RIGHT)
    if how is not How.REPLACE:
        return (yield from store_flags(account, mailbox, uids, how, mask & may, names, unchanged_since))
    stay = names if may & System.FLAGGED else None
    removed = yield from strip(account, mailbox, uids, may & ~mask, stay, unchanged_since)
    added = yield from store_flags(account, mailbox, uids - removed.refused, How.ADD, mask & may, names, None)
    previous = removed.previous if removed.changed else added.previous
    return Stored(added.states, removed.changed | added.changed, removed.refused, previous)


def strip(
    account: AccountId,
    mailbox: MailboxId,
    uids: UidSet,
    mask: int,
    stay: tuple[str, ...] | None,
    unchanged_since: ModSeq | None = None,
) -> Op[Stored]:
    """Take away the system flags of `mask`, and all keywords but those that `stay` (None: all do)."""
    names: tuple[str, ...] = ()
    if stay is not None:
        folded = {name.lower() for name in stay}
        rows = yield Sql("SELECT folded FROM keyword WHERE account = ?", (account,))
        names = tuple(name for (name,) in rows if name not in folded)
    return (yield from store_flags(account, mailbox, uids, How.REMOVE, mask, names, unchanged_since))
