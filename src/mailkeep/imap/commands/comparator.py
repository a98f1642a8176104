"""COMPARATOR."""

from __future__ import annotations

from mailkeep.formats.collation import Comparator
from mailkeep.imap.done import Refused
from mailkeep.imap.session import Authenticated
from mailkeep.imap.wire import response
from mailkeep.imap.wire.comparator import ComparatorOrder
from mailkeep.service.order import Collation


async def comparator(s: Authenticated, orders: tuple[ComparatorOrder, ...]) -> None:
    """Tell or change the active comparator, which SEARCH, SORT and THREAD compare texts by.  RFC 5255 §4.7, §4.8.

    Of several that match, the first argument's first one is taken; all of them are listed.
    """
    session = s.session
    matching = {each: order.reverse for order in reversed(orders) for each in _meant(order)}
    if orders:
        if not matching:
            raise Refused("There is no such comparator", b"BADCOMPARATOR")
        chosen = next(each for order in orders for each in _meant(order))
        session.collation = Collation(chosen, reverse=matching[chosen])
    active = session.collation
    name = ("-" if active.reverse else "") + active.comparator.value
    listed = [each.value for each in Comparator if each in matching]
    session.write(response.comparator(name, listed if len(listed) > 1 else ()))


def _meant(order: ComparatorOrder) -> list[Comparator]:
    """The comparators that an argument means, the widely useful ones first (RFC 4790 §3.2)."""
    if order.name.lower() == "default":
        return [Collation().comparator]
    return [each for each in Comparator if order.matches(each.value)]
