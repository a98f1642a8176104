"""ESEARCH."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mailkeep.imap.commands.search import (
    ALL,
    begin_context,
    check_charset,
    highest,
    keep_context,
    scores_of,
    search_selected,
)
from mailkeep.imap.done import Bad
from mailkeep.imap.filters import expand
from mailkeep.imap.places_of import places_of
from mailkeep.imap.progress import Progress
from mailkeep.imap.search_query import Ground, compared, query_on, to_query
from mailkeep.imap.search_result import answer, asks_nothing, chosen
from mailkeep.imap.selected import SelectedView
from mailkeep.imap.session import Authenticated
from mailkeep.imap.wire import response
from mailkeep.imap.wire.esearch import Esearch
from mailkeep.imap.wire.filter_mailboxes import Which
from mailkeep.imap.wire.search import Search
from mailkeep.model.errors import NotFound
from mailkeep.service.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailkeep.model import query as q
    from mailkeep.service.places import Place
    from mailkeep.service.view import View


async def esearch(s: Authenticated, cmd: Esearch) -> None:
    """Which messages of several mailboxes match: an ESEARCH response for each mailbox where some do.  RFC 7377.

    The selected mailbox stays as it is, and is searched as its client knows it, however it is named.
    """
    selected = s.session.selected
    about_selected = any(source.which is Which.SELECTED for source in cmd.sources)
    if about_selected and selected is None:
        raise Bad("Select a mailbox first")
    check_charset(s.session, cmd.search)
    search = await expand(s, cmd.search)
    places = [] if all(source.which is Which.SELECTED for source in cmd.sources) else await places_of(s, cmd.sources)
    if selected is not None and about_selected:
        context = begin_context(selected, search, _mailbox(s, selected.place))
        found = await search_selected(selected, search)
        await _tell(s, search, selected.place, selected.shared, found, to_query(selected, search.key, int(time.time())))
        keep_context(selected, context, found)
        places = [place for place in places if not _is(place, selected.shared)]
    pace = Pace()
    with Progress(s.session, sum(place.mailbox.total for place in places)) as progress:
        for place in places:
            if selected is not None and _is(place, selected.shared):
                found = await search_selected(selected, search)
                query = to_query(selected, search.key, int(time.time()))
                await _tell(s, search, place, selected.shared, found, query)
            elif place.mailbox.total:
                await _search(s, search, place)
            progress.advance(place.mailbox.total)
            await s.session.connection.drain()
            if pace.is_over:
                await pace.give_way()


def _is(place: Place, view: View) -> bool:
    return place.account == view.account and place.mailbox.id == view.mailbox


async def _search(s: Authenticated, cmd: Search, place: Place) -> None:
    views = s.messages.views
    try:
        view = await views.open(place.account, place.mailbox)
    except NotFound:
        return  # it has gone meanwhile
    try:
        known = SelectedView(view)
        if place.mailbox.first_recent <= known.last_uid:
            known.recent_ranges.append((place.mailbox.first_recent, known.last_uid))
        ground = Ground(known, views.keywords(place.account), int(time.time()))
        query = compared(s.session, query_on(ground, cmd.key))
        found = await s.session.services.search.search(view, known.all_uids(), query)
        await _tell(s, cmd, place, view, found, query)
    finally:
        views.close(view)


async def _tell(s: Authenticated, cmd: Search, place: Place, view: View, found: Sequence[int], query: q.Query) -> None:
    returns = cmd.returns or ALL
    if cmd.modseq:
        s.session.enable_condstore()
    if not found or asks_nothing(returns):
        return
    modseq = highest(view, chosen(returns, found)) if cmd.modseq else None
    scores = await scores_of(s.session, cmd, view, found, query)
    result = answer(returns, found, uid=True, modseq=modseq, mailbox=_mailbox(s, place), scores=scores)
    s.session.write(response.esearch(s.session.tag, result))


def _mailbox(s: Authenticated, place: Place) -> tuple[bytes, int]:
    return response.mailbox(place.name, utf8=s.session.enabled.utf8_names), place.mailbox.uidvalidity
