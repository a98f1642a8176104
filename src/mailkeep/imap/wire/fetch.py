"""FETCH and UID FETCH.

RFC 9051 §6.4.5, RFC 3501 §6.4.5, RFC 7162 §3.1.4, §3.2.6, RFC 8474 §6, RFC 8514 §4.3, RFC 8970 §3.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache
from typing import Final

from mailkeep.formats.mime.section import Text
from mailkeep.imap.wire.framing import Raw
from mailkeep.imap.wire.lexer import Lexer, ParseError
from mailkeep.imap.wire.response import astring
from mailkeep.imap.wire.search_return import Partial, read_partial
from mailkeep.imap.wire.sequence_set import SequenceSet


class Item(Enum):
    """Items without arguments; the value is what stands in the response."""

    __hash__ = object.__hash__  # of the one object that each member is; Enum would hash its name, in Python

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


@dataclass(frozen=True, slots=True)
class Preview:
    """``PREVIEW``; `lazy`: only what is there already (RFC 8970 §4.1)."""

    lazy: bool


FetchItem = Item | Section | Binary | BinarySize | Preview


# Not frozen: one is made for each command, and frozen costs four times as much.
@dataclass(slots=True, kw_only=True)
class Fetch:
    """The command; `items` in the order asked, each once, macros expanded.

    `changed_since`: CHANGEDSINCE, or None (0 is accepted: iOS sends it).  `vanished`: only with UID and CHANGEDSINCE.
    `partial`: only with UID; of the messages in `numbers`, those at these places (RFC 9394 §3.3).
    """

    numbers: SequenceSet
    items: tuple[FetchItem, ...]
    uid: bool
    changed_since: int | None = None
    vanished: bool = False
    partial: Partial | None = None


MAX_ITEMS: Final = 1000
MAX_REMEMBERED: Final = 1000  # octets of an item list
MAX_PART_DEPTH: Final = 100

_FAST: Final = (Item.FLAGS, Item.INTERNALDATE, Item.SIZE)
_MACROS: Final[dict[bytes, tuple[FetchItem, ...]]] = {
    b"FAST": _FAST,
    b"ALL": (*_FAST, Item.ENVELOPE),
    b"FULL": (*_FAST, Item.ENVELOPE, Item.BODY),
}
_WORDS: Final[dict[bytes, FetchItem]] = {
    **{item.value: item for item in Item},
    b"RFC822": Section(label=b"RFC822"),
    b"RFC822.HEADER": Section(label=b"RFC822.HEADER", text=Text.HEADER, peek=True),
    b"RFC822.TEXT": Section(label=b"RFC822.TEXT", text=Text.TEXT),
}
_NEEDS: Final = {
    b"MODSEQ": "CONDSTORE",
    b"EMAILID": "OBJECTID",
    b"THREADID": "OBJECTID",
    b"SAVEDATE": "SAVEDATE",
    b"BINARY": "BINARY",
    b"BINARY.PEEK": "BINARY",
    b"BINARY.SIZE": "BINARY",
}
_TEXTS: Final = {text.value.encode("ascii"): text for text in Text if text is not Text.ALL}

_WORD: Final = re.compile(rb"[A-Za-z0-9.]+")
_PART: Final = re.compile(rb"[1-9][0-9]{0,9}(?:\.[1-9][0-9]{0,9})*")
_PARTIAL: Final = re.compile(rb"<([0-9]{1,19})\.([1-9][0-9]{0,18})>")


def parse(lexer: Lexer) -> Fetch:
    """The arguments of FETCH."""
    return _parse(lexer, uid=False)


def parse_uid(lexer: Lexer) -> Fetch:
    """The arguments of UID FETCH."""
    return _parse(lexer, uid=True)


def _parse(lexer: Lexer, *, uid: bool) -> Fetch:
    lexer.space()
    numbers = lexer.sequence_set()
    lexer.space()
    rest = lexer.text[lexer.pos :]
    if len(rest) <= MAX_REMEMBERED and not lexer.literals:
        remembered = _remembered(rest, lexer.off)
        if remembered is not None:
            return Fetch(numbers=numbers, items=remembered, uid=uid)
    items = _items(lexer)
    modifiers = _modifiers(lexer, uid=uid) if lexer.more() else _Modifiers()
    lexer.end()
    return Fetch(
        numbers=numbers,
        items=tuple(items),
        uid=uid,
        changed_since=modifiers.changed_since,
        vanished=modifiers.vanished,
        partial=modifiers.partial,
    )


@lru_cache(256)
def _remembered(text: bytes, off: frozenset[str]) -> tuple[FetchItem, ...] | None:
    """The items in `text`, if there is nothing but items: clients send the same few lists all day."""
    lexer = Lexer(Raw(text), off=off)
    try:
        items = _items(lexer)
        lexer.end()
    except ParseError:
        return None
    return tuple(items)


def peeking(item: FetchItem) -> FetchItem:
    r"""The item without setting \\Seen: for what is told unasked."""
    return replace(item, peek=True) if isinstance(item, (Section, Binary)) else item


def read_attributes(lexer: Lexer) -> tuple[FetchItem, ...]:
    """Items in parentheses, without macros: what NOTIFY tells of new messages."""
    items = tuple(dict.fromkeys(lexer.items(lambda: _item(lexer))))
    if len(items) > MAX_ITEMS:
        raise lexer.error(f"More than {MAX_ITEMS} items")
    return items


def _items(lexer: Lexer) -> list[FetchItem]:
    if lexer.peek() != b"(":
        macro = _macro(lexer)
        return [_item(lexer)] if macro is None else macro
    items = lexer.items(lambda: _item(lexer))
    if len(items) > 1:
        items = list(dict.fromkeys(items))
        if Preview(lazy=False) in items:
            items = [item for item in items if item != Preview(lazy=True)]
    if len(items) > MAX_ITEMS:
        raise lexer.error(f"More than {MAX_ITEMS} items")
    return items


def _macro(lexer: Lexer) -> list[FetchItem] | None:
    found = _WORD.match(lexer.text, lexer.pos)
    macro = _MACROS.get(found[0].upper()) if found else None
    if found is None or macro is None:
        return None
    lexer.pos = found.end()
    return list(macro)


def _item(lexer: Lexer) -> FetchItem:
    found = _WORD.match(lexer.text, lexer.pos)
    if found is None:
        raise lexer.error("An item is expected")
    word = found[0].upper()
    if word in _NEEDS:
        lexer.needs(_NEEDS[word])
    lexer.pos = found.end()
    if lexer.peek() != b"[":
        if word == b"PREVIEW":
            return _preview(lexer)
        item = _WORDS.get(word)
        if item is None:
            lexer.pos = found.start()
            raise lexer.error(f"Unknown item {word[:30].decode()}")
        return item
    lexer.pos += 1
    if word in (b"BODY", b"BODY.PEEK"):
        return _section(lexer, peek=word == b"BODY.PEEK")
    if word in (b"BINARY", b"BINARY.PEEK"):
        return _binary(lexer, peek=word == b"BINARY.PEEK")
    if word == b"BINARY.SIZE":
        part = _binary_part(lexer)
        return BinarySize(label=_label(b"BINARY.SIZE", _dotted(part), None), part=part)
    raise lexer.error(f"{word[:30].decode()} has no section")


def _preview(lexer: Lexer) -> Preview:
    lexer.needs("PREVIEW")
    if not lexer.skip(b" ("):
        return Preview(lazy=False)
    lexer.pos -= 1
    lexer.items(lambda: lexer.expect(b"LAZY"))
    return Preview(lazy=True)


def _binary(lexer: Lexer, *, peek: bool) -> Binary:
    part = _binary_part(lexer)
    partial = _partial(lexer)
    return Binary(label=_label(b"BINARY", _dotted(part), partial), part=part, partial=partial, peek=peek)


def _section(lexer: Lexer, *, peek: bool) -> Section:
    start = lexer.pos
    part = _part(lexer)
    text = Text.ALL
    fields: tuple[str, ...] = ()
    if not part or lexer.skip(b"."):
        text, fields = _text(lexer, nested=bool(part))
    spelled = lexer.text[start : lexer.pos]
    if b"\n" in spelled:
        spelled = _spelled(part, text, fields)
    lexer.expect(b"]")
    partial = _partial(lexer)
    label = _label(b"BODY", spelled, partial)
    return Section(label=label, part=part, text=text, fields=fields, partial=partial, peek=peek)


def _text(lexer: Lexer, *, nested: bool) -> tuple[Text, tuple[str, ...]]:
    """What stands after the part number, or instead of it."""
    if not nested and lexer.peek() == b"]":
        return Text.ALL, ()
    found = _WORD.match(lexer.text, lexer.pos)
    text = _TEXTS.get(found[0].upper()) if found else None
    if found is None or text is None or (text is Text.MIME and not nested):
        raise lexer.error("There is no such section")
    lexer.pos = found.end()
    if text not in (Text.FIELDS, Text.FIELDS_NOT):
        return text, ()
    lexer.space()
    return text, tuple(lexer.items(lexer.text_astring))


def _part(lexer: Lexer) -> tuple[int, ...]:
    found = _PART.match(lexer.text, lexer.pos)
    if found is None:
        return ()
    numbers = tuple(map(int, found[0].split(b".")))
    if len(numbers) > MAX_PART_DEPTH:
        raise lexer.error(f"More than {MAX_PART_DEPTH} numbers in a part")
    lexer.pos = found.end()
    return numbers


def _binary_part(lexer: Lexer) -> tuple[int, ...]:
    part = _part(lexer)
    lexer.expect(b"]")
    return part


def _partial(lexer: Lexer) -> tuple[int, int] | None:
    if lexer.peek() != b"<":
        return None
    found = _PARTIAL.match(lexer.text, lexer.pos)
    if found is None:
        raise lexer.error("A partial like <0.1000> is expected")
    lexer.pos = found.end()
    return int(found[1]), int(found[2])


def _dotted(part: tuple[int, ...]) -> bytes:
    return b".".join([b"%d" % number for number in part])


def _spelled(part: tuple[int, ...], text: Text, fields: tuple[str, ...]) -> bytes:
    """The section as a client without literals would write it: a response line must not carry the client's literals."""
    names = b" ".join([astring(field.encode("utf-8")) for field in fields])
    return b"%b%b%b (%b)" % (_dotted(part), b"." if part else b"", text.value.encode("ascii"), names)


def _label(word: bytes, spelled: bytes, partial: tuple[int, int] | None) -> bytes:
    return b"%b[%b]" % (word, spelled) if partial is None else b"%b[%b]<%d>" % (word, spelled, partial[0])


@dataclass(slots=True)
class _Modifiers:
    changed_since: int | None = None
    vanished: bool = False
    partial: Partial | None = None


def _modifiers(lexer: Lexer, *, uid: bool) -> _Modifiers:
    found = _Modifiers()

    def modifier() -> None:
        match lexer.word():
            case b"CHANGEDSINCE" if found.changed_since is None:
                lexer.needs("CONDSTORE")
                lexer.space()
                found.changed_since = lexer.number64()
            case b"VANISHED" if uid and not found.vanished:
                lexer.needs("QRESYNC")
                found.vanished = True
            case b"PARTIAL" if uid and found.partial is None:
                lexer.needs("PARTIAL")
                lexer.space()
                found.partial = read_partial(lexer)
            case word:
                raise lexer.error(f"The modifier {word[:30].decode()} is not allowed here")

    lexer.items(modifier)
    if found.vanished and found.changed_since is None:
        raise lexer.error("VANISHED needs CHANGEDSINCE")
    return found
