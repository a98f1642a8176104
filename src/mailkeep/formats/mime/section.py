"""Sections of a message (RFC 9051 §6.4.5.1, RFC 3501 §6.4.5) as offsets, and the BINARY form of parts.

A section is looked up in the tree of parts alone; octets are read only to choose header fields or to decode.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from mailkeep.formats.mime.encoding import decode_transfer
from mailkeep.formats.mime.header import select_fields

if TYPE_CHECKING:
    from collections.abc import Container
    from mmap import mmap

    from mailkeep.formats.mime.scan import Part

Span = tuple[int, int]
"""Offsets into the message: first octet, and the one after the last."""


class Text(Enum):
    """The last word of a section: what of the part is wanted.  The value is IMAP's word."""

    __hash__ = object.__hash__  # of the one object that each member is; Enum would hash its name, in Python

    ALL = ""
    HEADER = "HEADER"
    FIELDS = "HEADER.FIELDS"
    FIELDS_NOT = "HEADER.FIELDS.NOT"
    TEXT = "TEXT"
    MIME = "MIME"


def find_part(root: Part, path: tuple[int, ...]) -> Part | None:
    """The part with this number, or None.  () is the message itself.

    Numbers count the parts of a multipart, or of the multipart inside a message/rfc822; 1 is the only part of a
    message that is no multipart.
    """
    part = root
    inside = True  # whether `part` is a message, as the root and what a message/rfc822 holds are
    for number in path:
        if not inside:
            message = part.message
            if message is None and not part.is_multipart:
                return None
            part = message or part
        if part.is_multipart:
            if not 1 <= number <= len(part.children):
                return None
            part = part.children[number - 1]
        elif number != 1:
            return None
        inside = False
    return part


def locate(root: Part, path: tuple[int, ...], text: Text) -> Span | None:
    """Where a section is, or None if there is no such section; for FIELDS and FIELDS_NOT, where its header is.

    HEADER, TEXT and their like need a message: with a path, the part must hold a message.
    """
    if not path:
        message: Part | None = root
        if text is Text.MIME:
            return None
    else:
        part = find_part(root, path)
        if part is None:
            return None
        if text is Text.ALL:
            return part.body_start, part.end
        if text is Text.MIME:
            return part.header_start, part.body_start
        message = part.message
    if message is None:
        return None
    match text:
        case Text.ALL:
            return message.header_start, message.end
        case Text.TEXT:
            return message.body_start, message.end
        case _:
            return message.header_start, message.body_start


def read_section(
    data: bytes | mmap, root: Part, path: tuple[int, ...], text: Text, names: Container[bytes] = ()
) -> bytes | None:
    """The octets of a section, or None (IMAP: NIL) if there is no such section.  `names` are in lower case."""
    span = locate(root, path, text)
    if span is None:
        return None
    octets = data[span[0] : span[1]]
    if text is Text.FIELDS or text is Text.FIELDS_NOT:
        return select_fields(octets, names, exclude=text is Text.FIELDS_NOT)
    return octets


def read_binary(data: bytes | mmap, root: Part, path: tuple[int, ...]) -> bytes | None:
    """A part with its transfer encoding undone (RFC 9051 §6.4.5, BINARY), or None if there is no such part.

    Without a path, and for what holds parts of its own, these are the octets as they stand: the parts inside are
    encoded, not they.
    Raises: UnknownEncoding.
    """
    span = locate(root, path, Text.ALL)
    if span is None:
        return None
    return decode_transfer(data[span[0] : span[1]], encoding_of(root, path))


def encoding_of(root: Part, path: tuple[int, ...]) -> str:
    """The transfer encoding that BINARY undoes: none for the message itself and for what holds parts of its own."""
    part = find_part(root, path)
    if not path or part is None or part.children or part.is_multipart:
        return "binary"
    return part.encoding
