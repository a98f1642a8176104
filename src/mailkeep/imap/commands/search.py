"""SEARCH and UID SEARCH."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from mailkeep.imap.commands.fetch import write_rows
from mailkeep.imap.contexts import Context, Contexts, make_context
from mailkeep.imap.done import COMPLETED, Bad, Done, Refused
from mailkeep.imap.filters import expand
from mailkeep.imap.message_limit import cut, with_limit
from mailkeep.imap.progress import Progress
from mailkeep.imap.search_query import to_query
from mailkeep.imap.search_result import answer, asks_nothing, chosen
from mailkeep.imap.session import Selected, Session
from mailkeep.imap.wire import response
from mailkeep.imap.wire.fetch import peeking
from mailkeep.imap.wire.search import CHARSETS, And, Key, Numbers, Search, Uids
from mailkeep.imap.wire.search_return import Return, Returns
from mailkeep.model import query as q
from mailkeep.model.ids import Uid
from mailkeep.model.uidset import EMPTY, UidSet
from mailkeep.service.pace import Pace
from mailkeep.service.view import View

ALL: Final = Returns(Return.ALL)
LONG: Final = 300  # keys; to read so many takes about a millisecond


async def search(s: Selected, cmd: Search) -> Done:
    """Which messages match.  RFC 9051 §6.4.4, RFC 4731, RFC 5182, RFC 7162 §3.1.5, RFC 9394, RFC 5267 §4.

    A message that is gone but not yet told is not found.
    """
    check_charset(s.session, cmd)
    cmd = await expand(s.owner, cmd)
    context = begin_context(s, cmd)
    await s.refresh()
    known, limit = cut(s.session, await _candidates(s, cmd.key)) if s.session.options.message_limit else (None, b"")
    found = await search_selected(s, cmd, known)
    await _tell(s, cmd, found)
    keep_context(s, context, found)
    return with_limit(s.session, COMPLETED, limit)


def begin_context(s: Selected, cmd: Search, mailbox: tuple[bytes, int] | None = None) -> Context | None:
    """With UPDATE, a context of what will be found.  `mailbox`: see `Context`.  Raises: Bad (RFC 5267 §4.3)."""
    if cmd.returns is None or Return.UPDATE not in cmd.returns.options:
        return None
    if s.contexts is not None and s.session.tag in s.contexts:
        raise Bad("Tag reuse")
    context = make_context(s, cmd.key, uid=cmd.uid, mailbox=mailbox)
    context.items = tuple(map(peeking, cmd.returns.items))
    return context


def keep_context(s: Selected, context: Context | None, found: Sequence[int], *, refused: bool = False) -> None:
    """Tell of changes to `found` from now on, or say that this is `refused` or too much (RFC 5267 §4.3.1)."""
    if context is None:
        return
    context.results.extend(found)
    if s.contexts is None:
        s.contexts = Contexts(s, write_rows)
    if refused or not s.contexts.add(context):
        code = response.noupdate(context.tag)
        s.session.write(response.status_line(response.UNTAGGED, response.NO, "Too many contexts", code))


def check_charset(session: Session, cmd: Search) -> None:
    """Raises: Bad, Refused; then ``$`` is empty, if the search was to save its results there (RFC 5182 §2.1)."""
    if cmd.charset_given and session.enabled.utf8:
        raise Bad("With UTF8=ACCEPT everything is in UTF-8")  # RFC 9755 §3
    if not cmd.charset_known:
        if session.selected is not None and _saves(cmd):
            session.selected.saved = EMPTY
        word = response.BAD if cmd.filters else response.NO  # RFC 5466 §3.1
        raise Refused("Only US-ASCII and UTF-8 are known", response.badcharset(CHARSETS), word)


async def search_selected(s: Selected, cmd: Search, among: Sequence[int] | None = None) -> Sequence[int]:
    """The UIDs that match, ascending, of all or those `among`; they are saved if that is asked for."""
    if cmd.keys > LONG:
        await Pace().give_way()  # its turn is over
    await s.refresh()
    if cmd.modseq:
        s.session.enable_condstore()
    query = to_query(s, cmd.key, int(time.time()))  # the program may begin from what `$` was before
    if _saves(cmd):
        s.saved = EMPTY  # and so it stays unless this search ends well (RFC 5182 §2.1)
    known = s.view.all_uids() if among is None else among
    with Progress(s.session, len(s.shared.uids)) as progress:
        found = await s.session.services.search.search(s.shared, known, query, progress.advance)
    if _saves(cmd):
        s.saved = UidSet(chosen(cmd.returns or ALL, found))
    return found


async def _candidates(s: Selected, key: Key) -> Sequence[int]:
    """The messages that have to be looked at: those of the sets that stand at the top of the program."""
    uids = s.view.all_uids()
    pace = Pace()
    for each in key.keys if isinstance(key, And) else (key,):
        if isinstance(each, (Numbers, Uids)):
            by_uid = isinstance(each, Uids)
            named = (
                UidSet(s.resolve(each.numbers, uid=by_uid))
                if by_uid or not each.numbers.exceeds(s.view.count)
                else None
            )
            uids = uids if named is None else [uid for uid in uids if uid in named]
            if pace.is_over:
                await pace.give_way()
    return uids


def _saves(cmd: Search) -> bool:
    return cmd.returns is not None and Return.SAVE in cmd.returns.options


async def scores_of(session: Session, cmd: Search, view: View, found: Sequence[int], query: q.Query) -> bytes | None:
    """How well each of `found` fits, if that is to be told (RFC 6203 §4)."""
    if cmd.returns is None or Return.RELEVANCY not in cmd.returns.options:
        return None
    return await session.services.search.relevancy(view, found, query)


async def _tell(s: Selected, cmd: Search, found: Sequence[int]) -> None:
    numbers = found if cmd.uid else s.view.seqs(found)
    if cmd.returns is None and not s.session.enabled.rev2:
        s.session.write(response.search(numbers, highest(s.shared, found) if cmd.modseq else None))
        return
    returns = cmd.returns or ALL
    if asks_nothing(returns):
        return
    modseq = highest(s.shared, chosen(returns, found)) if cmd.modseq else None
    scores = await scores_of(s.session, cmd, s.shared, found, to_query(s, cmd.key, int(time.time())))
    result = answer(returns, numbers, uid=cmd.uid, modseq=modseq, scores=scores)
    s.session.write(response.esearch(s.session.tag, result))


def highest(view: View, uids: Sequence[int]) -> int | None:
    """The highest mod-sequence of these messages, None for none."""
    return max((state.modseq for uid in uids if (state := view.state(Uid(uid)))), default=None)
