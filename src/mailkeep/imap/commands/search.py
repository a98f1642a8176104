"""SEARCH and UID SEARCH."""

from __future__ import annotations

import time
from collections.abc import Sequence

from mailkeep.imap.done import Refused
from mailkeep.imap.search_query import to_query
from mailkeep.imap.session import Selected
from mailkeep.imap.wire import response
from mailkeep.imap.wire.search import CHARSETS, Return, Search
from mailkeep.model.ids import Uid
from mailkeep.model.uidset import EMPTY, UidSet


async def search(s: Selected, cmd: Search) -> None:
    """Which messages match.  RFC 9051 §6.4.4, RFC 3501 §6.4.4, RFC 4731, RFC 5182, RFC 7162 §3.1.5.

    A message that is gone but not yet told is not found.
    """
    saves = cmd.returns is not None and Return.SAVE in cmd.returns
    if saves:
        s.saved = EMPTY  # `$` is empty unless this search ends well (RFC 5182 §2.1)
    if not cmd.charset_known:
        raise Refused("Only US-ASCII and UTF-8 are known", response.badcharset(CHARSETS))
    await s.refresh()
    if cmd.modseq:
        s.session.enabled.condstore = True
    query = to_query(s, cmd.key, int(time.time()))
    found = await s.session.services.search.search(s.shared, s.view.all_uids(), query)
    if saves:
        s.saved = _saved(cmd.returns or Return.NONE, found)
    _tell(s, cmd, found)


def _tell(s: Selected, cmd: Search, found: Sequence[int]) -> None:
    numbers = found if cmd.uid else s.view.seqs(found)
    if cmd.returns is None and not s.session.enabled.rev2:
        s.session.write(response.search(numbers, _highest(s, found) if cmd.modseq else None))
        return
    returns = Return.ALL if cmd.returns is None else cmd.returns
    if returns == Return.SAVE:
        return  # RFC 9051 §6.4.4: SAVE alone asks for no answer
    result = response.SearchResult(
        uid=cmd.uid,
        min=numbers[0] if Return.MIN in returns and numbers else None,
        max=numbers[-1] if Return.MAX in returns and numbers else None,
        all=UidSet(numbers).ranges if Return.ALL in returns else None,
        count=len(numbers) if Return.COUNT in returns else None,
        modseq=_told_modseq(s, returns, found) if cmd.modseq and found else None,
    )
    s.session.write(response.esearch(s.session.tag, result))


def _told_modseq(s: Selected, returns: Return, found: Sequence[int]) -> int:
    """RFC 7162 §3.1.10: of the first or last message if only MIN or MAX were asked for, else of all."""
    ends = returns & (Return.MIN | Return.MAX)
    if ends and not returns & (Return.ALL | Return.COUNT):
        chosen = [found[0]] * (Return.MIN in ends) + [found[-1]] * (Return.MAX in ends)
        return _highest(s, chosen)
    return _highest(s, found)


def _highest(s: Selected, uids: Sequence[int]) -> int:
    return max((state.modseq for uid in uids if (state := s.shared.state(Uid(uid)))), default=0)


def _saved(returns: Return, found: Sequence[int]) -> UidSet:
    """What ``$`` holds: with MIN or MAX and neither ALL nor COUNT, only these (RFC 5182 §2.4)."""
    if not found:
        return EMPTY
    ends = returns & (Return.MIN | Return.MAX)
    if ends and not returns & (Return.ALL | Return.COUNT):
        return UidSet([found[0]] * (Return.MIN in ends) + [found[-1]] * (Return.MAX in ends))
    return UidSet(found)
