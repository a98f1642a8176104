"""CREATE by a guest."""

from __future__ import annotations

from mailkeep.model.ids import AccountId
from mailkeep.model.mailbox import Mailbox
from mailkeep.store.contract import Op
from mailkeep.store.ops.create_mailbox import create_mailbox
from mailkeep.store.steps.account import lock_account
from mailkeep.store.steps.rights import require_parent

SUBSCRIBED = True


def guest_create_mailbox(account: AccountId, guest: AccountId, path: str, now: int) -> Op[Mailbox]:
    """Needs ``k`` on the nearest mailbox above that is there, whose list the new one gets (RFC 4314 §4).

    The owner is subscribed to it, or he might not see it.  Raises: what `create_mailbox` raises, and Forbidden.
    """
    yield from lock_account(account)
    yield from require_parent(account, path, guest)
    return (yield from create_mailbox(account, path, None, SUBSCRIBED, now))
