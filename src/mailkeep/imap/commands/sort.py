"""SORT and UID SORT."""

from __future__ import annotations

import time
from array import array
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from mailkeep.imap.commands.search import begin_context, check_charset, highest, keep_context, search_selected
from mailkeep.imap.contexts import Sorting
from mailkeep.imap.filters import expand
from mailkeep.imap.progress import Progress
from mailkeep.imap.search_query import to_query
from mailkeep.imap.search_result import answer, asks_nothing, chosen
from mailkeep.imap.session import Selected
from mailkeep.imap.wire import response
from mailkeep.imap.wire import sort as wire
from mailkeep.imap.wire.search_return import Return, Returns
from mailkeep.imap.wire.sort import Sort
from mailkeep.model.order import Criterion, SortKey
from mailkeep.model.uidset import EMPTY, UidSet
from mailkeep.service.lanes import cut
from mailkeep.service.numbering import aside

PIECE: Final = 4096  # numbers that are written at once


async def sort(s: Selected, cmd: Sort) -> None:
    """What matches, in order.  RFC 5256 §3, RFC 5267 §3 and §4 (ESORT, CONTEXT=SORT), RFC 5957, RFC 7162 §3.1.5.

    A message that is gone but not yet told is not found.
    """
    saved = EMPTY  # and so it stays unless this ends well (RFC 5182 §2.1)
    saves = cmd.returns is not None and Return.SAVE in cmd.returns.options
    try:
        check_charset(s.session, cmd.search)
        cmd = replace(cmd, search=await expand(s.owner, cmd.search))
        context = begin_context(s, replace(cmd.search, returns=cmd.returns))
        found = await search_selected(s, cmd.search)
        criteria = tuple(Criterion(SortKey(each.key.value), each.reverse) for each in cmd.criteria)
        with Progress(s.session):
            scores = await _scores(s, cmd, found)
            ordered = await s.session.services.order.sort(s.shared, found, criteria, s.session.collation, scores)
        if saves and cmd.returns is not None:
            saved = UidSet(chosen(cmd.returns, ordered))
    finally:
        if saves:
            s.saved = saved
    await _tell(s, cmd, ordered, scores or {})
    if context is not None:
        context.sorting = Sorting(criteria, s.session.collation, array("I", ordered))
        by_relevancy = any(each.key is SortKey.RELEVANCY for each in criteria)  # which changes with each message
        keep_context(s, context, sorted(ordered), refused=by_relevancy)


async def _scores(s: Selected, cmd: Sort, found: Sequence[int]) -> dict[int, int] | None:
    """How well each message fits, if that is asked for (RFC 6203 §6)."""
    sorts = any(each.key is wire.SortKey.RELEVANCY for each in cmd.criteria)
    if not sorts and (cmd.returns is None or Return.RELEVANCY not in cmd.returns.options):
        return None
    query = to_query(s, cmd.search.key, int(time.time()))
    return dict(zip(found, await s.session.services.search.relevancy(s.shared, found, query), strict=True))


async def _tell(s: Selected, cmd: Sort, ordered: Sequence[int], scores: dict[int, int]) -> None:
    numbers = ordered if cmd.search.uid else await aside(len(ordered), s.view.numbers_of, ordered)
    if cmd.returns is None:
        await _tell_plain(s, numbers, highest(s.shared, ordered) if cmd.search.modseq else None)
    elif not asks_nothing(cmd.returns):
        modseq = highest(s.shared, chosen(cmd.returns, ordered)) if cmd.search.modseq else None
        told = [scores[uid] for uid in ordered] if Return.RELEVANCY in cmd.returns.options else None
        line = partial(_extended, s.session.tag, cmd.returns, numbers, uid=cmd.search.uid, modseq=modseq, scores=told)
        s.session.write(await aside(len(numbers), line))


def _extended(
    tag: bytes, returns: Returns, numbers: Sequence[int], *, uid: bool, modseq: int | None, scores: list[int] | None
) -> bytes:
    return response.esearch(tag, answer(returns, numbers, uid=uid, modseq=modseq, scores=scores))


async def _tell_plain(s: Selected, numbers: Sequence[int], modseq: int | None) -> None:
    session = s.session
    session.write(b"* SORT")
    for some in cut(numbers, PIECE):
        session.write(response.spaced(some))
        await session.connection.drain()
    if numbers and modseq is not None:
        session.write(b" (MODSEQ %d)" % modseq)
    session.write(b"\r\n")
