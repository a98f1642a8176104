"""The text of a message, decoded and folded, for searching (RFC 9051 §6.4.4)."""

from __future__ import annotations

import contextlib
import unicodedata
from typing import TYPE_CHECKING, Final

from mailkeep.formats.mime.charset import decode_octets
from mailkeep.formats.mime.encoding import UnknownEncoding, decode_transfer
from mailkeep.formats.mime.header import split_fields, unfold
from mailkeep.formats.mime.html import html_text
from mailkeep.formats.mime.words import decode_words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from mmap import mmap

    from mailkeep.formats.mime.scan import Part

FOLD_VERSION: Final = 2  # rises when `fold` answers differently: what is kept folded is then made anew
TEXT_VERSION: Final = 1  # rises when `header_text` or `body_texts` answer differently
# Normalizing takes time that grows with the square of a run of combining marks: a megabyte of them, two minutes.
FOLDED_AT_ONCE: Final = 512  # characters
MARKS: Final = 32  # combining marks that may follow one another (UAX #15 D3: no text needs more than 30)
MAX_PART_TEXT: Final = 16 << 20  # octets of one part's body that are searched


def fold(text: str) -> str:
    """The form in which texts are compared: decomposed and case-folded (Unicode §3.13, D146; NFKD).

    Whatever is equal or within one another by i;unicode-casemap (RFC 5051) is so here too, and a little more: "ß" is
    "ss".
    """
    if text.isascii():
        return text.lower()
    if len(text) <= FOLDED_AT_ONCE:
        return _fold(text)
    return "".join([_fold(piece) for piece in _pieces(text)])


def _fold(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text).casefold().replace("ı", "i")  # titlecase, in RFC 5051, has one "I"
    return unicodedata.normalize("NFKD", folded)


def _pieces(text: str) -> Iterator[str]:
    """`text` cut where folding the pieces is folding the whole; in a run of marks longer than `MARKS`, anywhere."""
    start = 0
    while len(text) - start > FOLDED_AT_ONCE:
        end = start + FOLDED_AT_ONCE
        cut = next((at for at in range(end, end - MARKS, -1) if _begins(text[at])), end)
        yield text[start:cut]
        start = cut
    yield text[start:]


def _begins(character: str) -> bool:
    """Whether a character begins anew: nothing before it is put in order with it."""
    return not unicodedata.combining(unicodedata.normalize("NFKD", character)[0])


def decode_text(part: Part, data: bytes | mmap) -> str:
    """The body of a part as text, transfer encoding and charset undone; an unknown encoding is read as it stands."""
    octets = data[part.body_start : min(part.end, part.body_start + MAX_PART_TEXT)]
    with contextlib.suppress(UnknownEncoding):
        octets = decode_transfer(octets, part.encoding)
    return decode_octets(octets, part.charset)


def header_text(part: Part, data: bytes | mmap) -> str:
    """All fields of a part's header as ``name: decoded value`` lines."""
    fields = part.fields or split_fields(data[part.header_start : part.body_start])
    return "".join([f"{name.decode('ascii', 'replace')}: {_value(whole)}\n" for name, whole in fields])


def _value(field: bytes) -> str:
    """Decoded, and one line, whatever encoded words hold."""
    return decode_words(unfold(field)).replace("\n", " ")


def field_texts(part: Part, data: bytes | mmap, name: bytes) -> list[str]:
    """The decoded values of the fields called `name` (lower case), for SEARCH HEADER and its short forms."""
    fields = part.fields or split_fields(data[part.header_start : part.body_start])
    return [_value(whole) for each, whole in fields if each == name]


def body_texts(root: Part, data: bytes | mmap) -> Iterator[str]:
    """The texts that SEARCH BODY looks at: bodies of text parts, headers of parts and of the messages inside.

    HTML is there twice, as it is written and as it is read.  Not the message's own header; not attachments that are no
    text.
    """
    stack = [root]
    while stack:
        part = stack.pop()
        if part is not root:
            yield header_text(part, data)
        if part.children:
            stack.extend(reversed(part.children))
        elif part.maintype in ("text", "message"):
            text = decode_text(part, data)
            yield text
            if part.subtype == "html":
                yield html_text(text)


def search_texts(root: Part, data: bytes | mmap) -> Iterator[str]:
    """The texts that SEARCH TEXT looks at: the header's, then those of `body_texts`."""
    yield header_text(root, data)
    yield from body_texts(root, data)


def matches(needle: str, texts: Iterator[str]) -> bool:
    """Whether one of `texts` contains `needle`, which is folded already.  The empty string is in every text."""
    return not needle or any(needle in fold(text) for text in texts)
