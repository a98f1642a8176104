"""URLFETCH."""

from __future__ import annotations

import asyncio
from typing import Final

from mailkeep.formats.mime.encoding import IDENTITY, UnknownEncoding, decode_pieces
from mailkeep.formats.mime.scan import Part, scan
from mailkeep.formats.mime.section import Text, find_part
from mailkeep.imap.done import within_literal
from mailkeep.imap.session import Authenticated
from mailkeep.imap.wire import response
from mailkeep.imap.wire.bodystructure import bodystructure
from mailkeep.imap.wire.urlfetch import UrlRequest, Wanted
from mailkeep.model.errors import NotFound
from mailkeep.service.messages import InMemory
from mailkeep.service.pace import Pace
from mailkeep.service.urls import Opened, Reader, Stretch, Submits

QUICK: Final = 64 * 1024  # octets of a message that is looked through on the spot; a larger one in a thread


async def urlfetch(s: Authenticated, requests: tuple[UrlRequest, ...]) -> None:
    """What authorized URLs name, NIL for those that name nothing for this user.  RFC 4467 §7, RFC 5524.

    \\Seen is not set, and the selected mailbox, if there is one, has nothing to do with it.
    """
    reader = _reader(s)
    pace = Pace()
    for request in requests:
        if pace.is_over:
            await pace.give_way()
        try:
            opened = await s.session.services.urls.open_authorized(request.url, reader)
        except NotFound:
            s.session.write(response.urlfetch_nothing(request.url))
            continue
        s.session.write(response.urlfetch_begin(request.url))
        if request.wanted is None:
            await _write(s, b"", opened.stretch)
        else:
            await _write_extended(s, opened, request.wanted)
        s.session.write(b"\r\n")


def _reader(s: Authenticated) -> Reader:
    submitters = s.session.options.submitters
    submits = bool(submitters) and s.session.services.accounts.address_of(s.account) in submitters
    return Reader(s.account, Submits.FOR_ANYBODY if submits else Submits.NEVER)


async def _write_extended(s: Authenticated, opened: Opened, wanted: Wanted) -> None:
    part = await _structure(opened)
    octets: Stretch | None = opened.stretch
    if Wanted.BINARY in wanted and part is not None:
        octets = await _decoded(opened, part)
    if Wanted.BODYPARTSTRUCTURE in wanted:
        is_decoded = Wanted.BINARY in wanted and octets is not None
        s.session.write(b" (BODYPARTSTRUCTURE %b)" % _render(opened, part, octets if is_decoded else None))
    for one in (Wanted.BODY, Wanted.BINARY):
        if one in wanted:
            await _write(s, b"(%b" % str(one.name).encode("ascii"), octets)
            s.session.write(b")")


async def _write(s: Authenticated, label: bytes, octets: Stretch | None) -> None:
    """A string in pieces, after `label`; NIL for None."""
    connection = s.session.connection
    prefix = b" %b " % label if label else b" "
    if octets is None:
        connection.write(prefix + b"NIL")
        return
    # Only BINARY may give NUL as it is; it comes as literal8 then, as for FETCH.
    exact = label == b"(BINARY"
    has_nul = exact and await _has_nul(octets)
    connection.write(prefix + (b"~" if has_nul else b"") + b"{%d}\r\n" % octets.size)
    with within_literal():
        for piece in octets.pieces():
            connection.write(piece if exact else response.without_nul(piece))
            await connection.drain()


async def _has_nul(octets: Stretch) -> bool:
    pace = Pace()
    for piece in octets.pieces():
        if b"\0" in piece:
            return True
        if pace.is_over:
            await pace.give_way()
    return False


async def _structure(opened: Opened) -> Part | None:
    """The part that the URL names; None for what is no part: a header, the text of a message."""
    if opened.url.text is not Text.ALL:
        return None
    if opened.message.size > QUICK:
        return await asyncio.to_thread(_part, opened)
    return _part(opened)


def _part(opened: Opened) -> Part | None:
    return find_part(scan(opened.message.read()), opened.url.part)


async def _decoded(opened: Opened, part: Part) -> Stretch | None:
    """The octets of the part without transfer encoding; None when nobody knows how."""
    encoding = part.encoding
    # What holds parts of its own is not encoded itself, nor is the whole message.
    if encoding in IDENTITY or part.children or part.is_multipart or not opened.url.part:
        return opened.stretch
    whole = Stretch(opened.message, part.body_start, part.end)
    octets = bytearray()
    pace = Pace()
    try:
        for piece in decode_pieces(whole.pieces(), encoding):
            octets += piece
            if pace.is_over:
                await pace.give_way()
    except UnknownEncoding:
        return None
    start, count = opened.url.partial or (0, None)
    stop = len(octets) if count is None else min(start + count, len(octets))
    return Stretch(InMemory(bytes(octets)), min(start, stop), stop)


def _render(opened: Opened, part: Part | None, decoded: Stretch | None) -> bytes:
    """The structure of what is told, as it is told (RFC 5524 §3.2)."""
    if part is None:
        return b'("text" "plain" NIL NIL NIL "8bit" %d 0 NIL NIL NIL NIL)' % opened.stretch.size
    if decoded is not None:
        part.body_start, part.end, part.encoding = 0, decoded.size, "binary"
    return bodystructure(part)
