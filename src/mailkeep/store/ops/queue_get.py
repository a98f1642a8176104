"""One message of the queue."""

from __future__ import annotations

from mailkeep.model.ids import AccountId
from mailkeep.model.queued import QueuedItem
from mailkeep.store.contract import Op
from mailkeep.store.steps.queue import read_item


def queue_get(account: AccountId, item: int, leg: int | None) -> Op[QueuedItem]:
    """An item with all of its recipients, or with those of one leg.  Raises: NotFound (it, or the leg, is over)."""
    return (yield from read_item(account, item, leg))
