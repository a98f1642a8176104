"""APPEND."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import assert_never

from mailkeep.imap.done import Done, Refused
from mailkeep.imap.flags import parse_flags
from mailkeep.imap.message_limit import require_saved
from mailkeep.imap.session import MESSAGES_OF_APPEND, Authenticated
from mailkeep.imap.wire import append as wire
from mailkeep.imap.wire import response
from mailkeep.imap.wire.framing import Streamed
from mailkeep.model.errors import NotFound
from mailkeep.service.messages import Incoming
from mailkeep.service.pace import Pace
from mailkeep.service.places import MISSING, Place
from mailkeep.service.spool import Octets, Spool
from mailkeep.service.urls import Stretch


async def append(s: Authenticated, cmd: wire.Append) -> Done:
    """Put new messages into a mailbox, all or none.  RFC 9051 §6.3.12, RFC 3502, RFC 4469.

    The octets are kept as they came, a bare LF too (eM Client sends such).  A copy of sent mail that the server has
    kept already is not stored again: APPENDUID then tells where that is.
    Raises: NotFound (as TRYCREATE), TooLarge, OverQuota, Unavailable.
    """
    place = await target_place(s, cmd.mailbox)
    require_saved(s.session, len(cmd.messages))
    incoming = await take_in(s, cmd.messages)
    if len(incoming) == 1 and not place.foreign:
        appended = await s.session.services.sent.store(place.account, place.mailbox, incoming[0])
    else:
        appended = await s.messages.append(place.account, place.mailbox.id, incoming, place.guest)
    return Done(code=response.appenduid(appended.uidvalidity, appended.uids))


async def target_place(s: Authenticated, name: str) -> Place:
    """Where to.  Raises: Refused with TRYCREATE, where there is none that the user may know of; Forbidden."""
    place = await s.places.find(s.account, name)
    if place is None or not place.mailbox.selectable:
        raise Refused(MISSING, b"TRYCREATE")
    try:
        place.require("i")
    except NotFound as error:
        raise Refused(MISSING, b"TRYCREATE") from error
    return place


async def take_in(s: Authenticated, messages: Sequence[wire.Message]) -> list[Incoming]:
    """The messages of APPEND or REPLACE, whole and ready for the store.  Raises: Refused, TooLarge, Unavailable."""
    if not s.session.enabled.utf8 and any(map(_is_utf8, messages)):
        raise Refused("ENABLE UTF8=ACCEPT first")  # RFC 6855 §4
    flags = [parse_flags(message.flags) for message in messages]
    opened = [await _open(s, message.data) for message in messages]
    sizes = [sum(map(_size, source)) for source in opened]
    if not all(sizes):
        raise Refused("An empty message is not stored")  # RFC 3502 §6.3.11: so a client gives up
    if max(sizes) > s.session.options.max_message or sum(sizes) > MESSAGES_OF_APPEND * s.session.options.max_message:
        raise Refused("Message is larger than allowed", b"TOOBIG")
    return [
        Incoming(octets=await _octets(s, source), flags=each, internaldate=message.internaldate)
        for message, source, each in zip(messages, opened, flags, strict=True)
    ]


def _is_utf8(message: wire.Message) -> bool:
    if isinstance(message.data, wire.Catenation):
        return any(isinstance(part, wire.TextPart) and part.utf8 for part in message.data.parts)
    return message.utf8


Source = bytes | Streamed | Stretch
"""A stretch of a message that comes: it was sent, or it is there."""


async def _open(s: Authenticated, data: bytes | Streamed | wire.Catenation) -> list[Source]:
    """What a message is made of.  Raises: Refused with BADURL, and the first URL that leads nowhere (RFC 4469 §4.1)."""
    if not isinstance(data, wire.Catenation):
        return [data]
    sources: list[Source] = []
    pace = Pace()
    for part in data.parts:
        match part:
            case wire.TextPart():
                sources.append(part.data)
            case wire.UrlPart(url):
                try:
                    sources.append(await s.session.services.urls.open_own(s.account, url))
                except NotFound as error:
                    raise Refused(error.text, response.badurl(url)) from error
        if pace.is_over:
            await pace.give_way()
    return sources


def _size(source: Source) -> int:
    return len(source) if isinstance(source, bytes) else source.size


async def _octets(s: Authenticated, sources: Sequence[Source]) -> Octets:
    match sources:
        case [bytes(data)]:
            return Octets(len(data), hashlib.sha256(data).digest(), data, None)
        case [Streamed() as only]:
            return _streamed(only)
        case _:
            return await _join(s.session.open_spool(), sources)


async def _join(spool: Spool, sources: Iterable[Source]) -> Octets:
    pace = Pace()
    for source in sources:
        for piece in _pieces(source):
            spool.write(piece)
            if pace.is_over:
                await pace.give_way()
    return spool.finish()


def _pieces(source: Source) -> Iterable[bytes]:
    match source:
        case bytes():
            return (source,)
        case Streamed():
            return _streamed(source).pieces()
        case Stretch():
            return source.pieces()
    assert_never(source)


def _streamed(literal: Streamed) -> Octets:
    assert isinstance(literal.sink, Spool)
    return literal.sink.finish()
