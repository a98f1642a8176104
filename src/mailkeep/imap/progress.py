"""Telling a client that its command still runs (RFC 9585): it shows how far it is, and keeps the connection alive."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Final

from mailkeep.imap.wire import response

if TYPE_CHECKING:
    import asyncio

    from mailkeep.imap.session import Session

EVERY_S: Final = 10.0  # RFC 9585 §4: 10 to 15
PATIENCE_S: Final = 31 * 60.0  # as between commands


class Progress:
    """For as long as it is entered, every `EVERY_S` an untagged OK.

    Only where nothing is written meanwhile, or whole responses: it must not come between pieces of one.
    `done` of `goal` things are done, where both are known: a goal of 0 is not.
    """

    __slots__ = ("_session", "_timer", "done", "goal")

    def __init__(self, session: Session, goal: int = 0) -> None:
        self._session = session
        self._timer: asyncio.TimerHandle | None = None
        self.done = 0
        self.goal = goal

    def __enter__(self) -> Progress:
        if "INPROGRESS" not in self._session.options.off:
            self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def advance(self, things: int) -> None:
        """So many more are done."""
        self.done += things

    def _start(self) -> None:
        self._timer = self._session.connection.loop.call_later(EVERY_S, self._tell)

    def _tell(self) -> None:
        session = self._session
        if session.closing:
            return
        self._start()
        session.connection.set_deadline(PATIENCE_S)  # it is the client that waits
        if not session.connection.stalled:
            code = response.inprogress(session.tag, self.done, self.goal)
            session.write(response.status_line(response.UNTAGGED, response.OK, "Working on it", code))
            session.connection.flush()
