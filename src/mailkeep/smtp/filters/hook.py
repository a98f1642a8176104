"""The hook of the administrator: Python in processes of its own (see `mailkeep.hook`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from mailkeep.hook.frames import Ask, Said
from mailkeep.hook.pool import HookFault, Kind, Pool
from mailkeep.smtp.filters.fault import FilterFault, Terms, Within
from mailkeep.smtp.filters.lines import header_field
from mailkeep.smtp.judging import Action, Arriving, Opinion
from mailkeep.smtp.wire.reply import Reply

PROCESSES: Final = 4  # at once; further messages wait
MAX_HEADERS: Final = 100


class Hook:
    """A judge that asks `on_delivery` of a Python file."""

    def __init__(self, path: Path, terms: Terms) -> None:
        self._pool = Pool(path, Kind.DELIVERY, terms.patience_s)
        self._within = Within("hook", terms, at_once=PROCESSES)

    async def judge(self, arriving: Arriving) -> Opinion:
        """See `Judge`."""
        return await self._within.ask(self._ask, arriving)

    async def _ask(self, arriving: Arriving) -> Opinion:
        try:
            return read_answer(await self._pool.ask(_question(arriving)))
        except HookFault as error:
            raise FilterFault(str(error)) from error

    def close(self) -> None:
        """End the processes, those at work when they are done."""
        self._pool.close()


def _question(arriving: Arriving) -> Ask:
    octets = arriving.octets
    return Ask(
        peer=arriving.peer,
        peer_name=arriving.peer_name,
        helo=arriving.helo,
        tls=arriving.tls,
        sender=arriving.reverse_path,
        recipients=arriving.recipients,
        size=octets.size,
        fields=arriving.fields,
        data=octets.data,
        path=None if octets.path is None else str(octets.path),
    )


def read_answer(frame: bytes) -> Opinion:
    """What the process said, whatever the hook has made it say.  Raises: FilterFault."""
    try:
        said = _DECODER.decode(frame)
        action = Action(said.action)
    except (msgspec.DecodeError, ValueError) as error:
        raise FilterFault("its answer is none") from error
    if said.fault:
        raise FilterFault(said.fault[:200])
    fields = b"".join(_fields(said))
    words = " ".join(said.text.split())
    match action:
        case Action.DEFER:
            return Opinion(action, Reply(451, "4.7.1", words or "Try again later"), fields)
        case Action.REJECT:
            return Opinion(action, Reply(550, "5.7.1", words or "Message refused"), fields)
        case Action.ACCEPT | Action.JUNK | Action.DISCARD:
            return Opinion(action, fields=fields)


def _fields(said: Said) -> Iterator[bytes]:
    """Header lines.  Raises: FilterFault (not header fields)."""
    if len(said.headers) > MAX_HEADERS:
        raise FilterFault("its decision has too many headers")
    for name, value in said.headers:
        whole = header_field(name, value)
        if whole is None:
            raise FilterFault("its decision has a header that is none")
        yield whole


_DECODER: Final = msgspec.msgpack.Decoder(Said)
