"""APPEND by a guest."""

from __future__ import annotations

from dataclasses import replace

from mailkeep.model.flags import System
from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.model.message import Appended
from mailkeep.model.rights import Rights, changeable
from mailkeep.store.contract import NewMessage, Op
from mailkeep.store.ops.append import append
from mailkeep.store.steps.rights import require


def guest_append(
    account: AccountId, guest: AccountId, mailbox: MailboxId, messages: tuple[NewMessage, ...], now: int
) -> Op[Appended]:
    """Needs ``i``; flags that the guest may not change are left out (RFC 4314 §4).

    Raises: what `append` raises, and Forbidden.
    """
    rights = yield from require(account, mailbox, guest, "i")
    allowed = tuple(with_allowed_flags(message, rights) for message in messages)
    return (yield from append(account, mailbox, allowed, now))


def with_allowed_flags(message: NewMessage, rights: Rights) -> NewMessage:
    """The message with those of its flags that `rights` allow to change."""
    mask = changeable(rights)
    return replace(message, mask=message.mask & mask, keywords=message.keywords if mask & System.FLAGGED else ())
