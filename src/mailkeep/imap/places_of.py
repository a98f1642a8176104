"""Which mailboxes a list of specifiers means (RFC 5465 §6, RFC 7377 §2.2)."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import TYPE_CHECKING

from mailkeep.imap.wire.filter_mailboxes import FilterMailboxes, Which
from mailkeep.model.mailbox import DELIMITER
from mailkeep.service.pace import Pace

if TYPE_CHECKING:
    from mailkeep.imap.session import Authenticated
    from mailkeep.service.places import Place


async def places_of(s: Authenticated, sources: Iterable[FilterMailboxes], *, readable: bool = True) -> list[Place]:
    """The places that can be selected and read and are meant by any of `sources`, each once, ascending by name.

    What there is not, or what the user may not read, is left out without a word; without `readable`, it is enough that
    he may see it.  SELECTED is left to the caller.
    """
    needs = "r" if readable else "l"
    tree = [place for place in await s.places.list(s.account) if place.mailbox.selectable and place.may(needs)]
    found: dict[str, Place] = {}
    pace = Pace()
    for source in sources:
        for place in await _of_source(s, tree, source):
            if place.may(needs):
                found.setdefault(place.name, place)
        if pace.is_over:
            await pace.give_way()
    return [found[name] for name in sorted(found)]


async def _of_source(s: Authenticated, tree: list[Place], source: FilterMailboxes) -> list[Place]:
    match source.which:
        case Which.SELECTED | Which.SELECTED_DELAYED:
            return []
        case Which.PERSONAL | Which.INBOXES:  # mail may be delivered to any of one's own: RFC 5465 §6.3
            return [place for place in tree if not place.foreign]
        case Which.SUBSCRIBED:
            names = frozenset(await s.places.subscriptions(s.account))
            return [place for place in tree if place.name in names]
        case Which.MAILBOXES:
            return await _named(s, tree, source.names)
        case Which.SUBTREE:
            parents = frozenset(source.names)
            below = [place for place in tree if is_below(place.name, parents)]
            return [*await _named(s, tree, source.names), *below]
        case Which.SUBTREE_ONE:
            parents = frozenset(source.names)
            below = [place for place in tree if place.name.rpartition(DELIMITER)[0] in parents]
            return [*await _named(s, tree, source.names), *below]


async def _named(s: Authenticated, tree: list[Place], names: Iterable[str]) -> list[Place]:
    """What is named need not be visible (RFC 7377 §2.2: "l" is wanted of the others); rights are not asked."""
    visible = {place.name: place for place in tree}
    found: list[Place] = []
    pace = Pace()
    for name in names:
        if pace.is_over:
            await pace.give_way()
        place = visible.get(name) or await s.places.find(s.account, name)
        if place is not None and place.mailbox.selectable:
            found.append(place)
    return found


def is_below(name: str, parents: Container[str]) -> bool:
    """Whether `name` stands somewhere below one of `parents`."""
    while DELIMITER in name:
        name = name.rpartition(DELIMITER)[0]
        if name in parents:
            return True
    return False
