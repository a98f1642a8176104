"""FETCH and UID FETCH (RFC 9051 §6.4.5, RFC 3501 §6.4.5, RFC 7162 §3.1.4, §3.2.6, RFC 8474 §6, RFC 8514 §4.3)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from mailkeep.imap.wire.sequence_set import SequenceSet


class Item(Enum):
    """Items without arguments; the value is what stands in the response."""

    FLAGS = b"FLAGS"
    INTERNALDATE = b"INTERNALDATE"
    SIZE = b"RFC822.SIZE"
    ENVELOPE = b"ENVELOPE"
    BODY = b"BODY"
    BODYSTRUCTURE = b"BODYSTRUCTURE"
    UID = b"UID"
    MODSEQ = b"MODSEQ"
    EMAILID = b"EMAILID"
    THREADID = b"THREADID"
    SAVEDATE = b"SAVEDATE"


class Text(Enum):
    """Which text of a part a section names."""

    ALL = ""
    HEADER = "HEADER"
    FIELDS = "HEADER.FIELDS"
    FIELDS_NOT = "HEADER.FIELDS.NOT"
    TEXT = "TEXT"
    MIME = "MIME"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """``BODY[…]<offset.count>`` and ``BODY.PEEK``; also RFC822, RFC822.HEADER and RFC822.TEXT.

    `part`: () is the message, (1, 2) is ``1.2``.  `fields`: names as written, for FIELDS and FIELDS_NOT.
    `label` stands in the response as it is, with ``<offset>`` already added: ``BODY[HEADER.FIELDS (Date)]<0>``.
    """

    label: bytes
    part: tuple[int, ...] = ()
    text: Text = Text.ALL
    fields: tuple[str, ...] = ()
    partial: tuple[int, int] | None = None
    peek: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """``BINARY[part]<offset.count>`` and ``BINARY.PEEK``: the decoded octets of a part.  `label`: as in `Section`."""

    label: bytes
    part: tuple[int, ...]
    partial: tuple[int, int] | None = None
    peek: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BinarySize:
    """``BINARY.SIZE[part]``: the size of the decoded octets.  `label`: as in `Section`."""

    label: bytes
    part: tuple[int, ...]


FetchItem = Item | Section | Binary | BinarySize


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """The command; `items` in the order asked, each once, macros expanded.

    `changed_since`: CHANGEDSINCE, or None (0 is accepted: iOS sends it).  `vanished` comes only with UID and CHANGEDSINCE.
    """

    numbers: SequenceSet
    items: tuple[FetchItem, ...]
    uid: bool
    changed_since: int | None = None
    vanished: bool = False
