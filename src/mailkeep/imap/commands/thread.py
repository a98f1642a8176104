"""THREAD and UID THREAD."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Final

from mailkeep.imap.commands.search import check_charset, search_selected
from mailkeep.imap.filters import expand
from mailkeep.imap.progress import Progress
from mailkeep.imap.session import Selected
from mailkeep.imap.wire.thread import Thread
from mailkeep.model.order import Threading
from mailkeep.service.numbering import aside
from mailkeep.service.order import Threads

PIECE: Final = 4096  # members that are written at once


async def thread(s: Selected, cmd: Thread) -> None:
    """What matches, as threads.  RFC 5256 §3, draft-ietf-morg-inthread §4.

    A message that is gone but not yet told is not found.
    """
    check_charset(s.session, cmd.search)
    cmd = replace(cmd, search=await expand(s.owner, cmd.search))
    found = await search_selected(s, cmd.search)
    threading = Threading(cmd.algorithm.value)
    with Progress(s.session):
        threads = await s.session.services.order.thread(s.shared, found, threading, s.session.collation)
    members = threads.members
    await _tell(s, threads, members if cmd.search.uid else await aside(len(members), s.view.numbers_of, members))


async def _tell(s: Selected, threads: Threads, numbers: Sequence[int]) -> None:
    session, brackets = s.session, threads.brackets
    session.write(b"* THREAD " if numbers else b"* THREAD")
    for start in range(0, len(numbers), PIECE):
        stop = start + PIECE
        pairs = zip(brackets[start:stop], map(str, numbers[start:stop]), strict=False)
        session.write("".join(chain.from_iterable(pairs)).encode("ascii"))
        await session.connection.drain()
    session.write(brackets[-1].encode("ascii") + b"\r\n")
