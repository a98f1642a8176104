"""Sections of a message (RFC 9051 §6.4.5.1, RFC 3501 §6.4.5) as offsets, and the BINARY form of parts.

A section is looked up in the tree of parts alone; the octets are read only to choose header fields or to decode.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from mailkeep.formats.mime.encoding import UnknownEncoding, decode_transfer
from mailkeep.formats.mime.scan import Part

if TYPE_CHECKING:
    from collections.abc import Iterable
    from mmap import mmap


class Text(Enum):
    """The last word of a section: what of the part is wanted."""

    ALL = auto()  # BODY[], BODY[1.2]
    HEADER = auto()
    FIELDS = auto()  # HEADER.FIELDS (names)
    FIELDS_NOT = auto()  # HEADER.FIELDS.NOT (names)
    TEXT = auto()
    MIME = auto()


@dataclass(frozen=True, slots=True)
class Section:
    """``[1.2.HEADER.FIELDS (From)]`` as a value.

    `names` are lower-case field names, for FIELDS and FIELDS_NOT only.  MIME needs a path (grammar: section-part).
    """

    path: tuple[int, ...] = ()
    text: Text = Text.ALL
    names: frozenset[bytes] = frozenset()
