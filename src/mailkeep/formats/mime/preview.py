"""The first words of a message, for lists (RFC 8970 §3): what its writer says, not what is quoted or attached."""

from __future__ import annotations

import contextlib
import re
import unicodedata
from itertools import islice
from typing import TYPE_CHECKING, Final

from mailkeep.formats.mime.charset import decode_octets
from mailkeep.formats.mime.encoding import UnknownEncoding, decode_transfer
from mailkeep.formats.mime.header import unfold
from mailkeep.formats.mime.html import html_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from mmap import mmap

    from mailkeep.formats.mime.scan import Part

VERSION: Final = 1  # rises when `preview` answers differently
LENGTH: Final = 200  # characters (RFC 8970 §3.3)

MAX_OCTETS: Final = {"plain": 64 * 1024, "markdown": 64 * 1024, "html": 256 * 1024}  # looked at, by subtype of text
ENOUGH: Final = 20 * LENGTH  # characters, of which some cannot be seen
MOSTLY_ENOUGH: Final = 3 * LENGTH
MAX_TEXTS: Final = 8  # parts that are looked at for something to say

# Each alternative also ends at the end of the text, so that nothing is looked at twice.
_HEAD: Final = re.compile(r"<(head|title)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_BLOCKQUOTE: Final = re.compile(r"<(/?)blockquote\b[^>]*(?:>|\Z)", re.IGNORECASE)
_QUOTED: Final = re.compile(r"[ \t]*(?:>[> \t]*)(.*)")
_RULE: Final = re.compile(r"[\W_]{3,}\Z")
_SIGNATURE: Final = re.compile(r"-- ?\Z")
_FORWARDED: Final = re.compile(r"[-_ ]{2,}[^\W\d_][\w ]{3,40}[-_ ]{2,}\Z")
_FIELD: Final = re.compile(r"\*?[^\W\d_][\w -]{1,20}:\*?\s+\S")
_PGP_MESSAGE: Final = "-----BEGIN PGP MESSAGE-----"
_PGP_SIGNED: Final = "-----BEGIN PGP SIGNED MESSAGE-----"
_PGP_SIGNATURE: Final = "-----BEGIN PGP SIGNATURE-----"
# What newsletters pad their first words with, and what nobody can see.
_INVISIBLE: Final = re.compile("[\u00ad\u034f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]+|\u200c+(?!\\w)")
_SPACE: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_JOINERS: Final = "\u200d\ufe0e\ufe0f"


def preview(root: Part, data: bytes | mmap) -> str:
    """At most `LENGTH` characters on one line; empty for what is encrypted or has no text.  Never fails."""
    for part in islice(_texts(root), MAX_TEXTS):
        text = _shorten(_first_words(part, data))
        if text:
            return text
    return ""


def _texts(root: Part) -> Iterator[Part]:
    """Parts that may be shown, in the order in which they speak for the message; none behind something encrypted."""
    stack = [root]
    while stack:
        part = stack.pop()
        kind = f"{part.maintype}/{part.subtype}"
        if kind in ("multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"):
            return
        if part.is_multipart:
            children = part.children
            if part.subtype == "alternative":
                children = sorted(children, key=lambda child: (child.maintype, child.subtype) != ("text", "plain"))
            elif part.subtype == "signed":
                children = children[:1]
            stack.extend(reversed(children))
        elif part.maintype == "text" and part.subtype in MAX_OCTETS and not _is_attachment(part):
            yield part


def _is_attachment(part: Part) -> bool:
    return any(
        name == b"content-disposition" and unfold(whole)[:10].lower() == b"attachment" for name, whole in part.fields
    )


def _first_words(part: Part, data: bytes | mmap) -> str:
    text = _decode(part, data, MAX_OCTETS[part.subtype])
    if part.subtype != "html":
        return _of_plain(text)
    text = _HEAD.sub(" ", text)
    return html_text(_outside_quotes(text)).strip() or html_text(text)


def _decode(part: Part, data: bytes | mmap, most: int) -> str:
    octets = data[part.body_start : min(part.end, part.body_start + most)]
    is_cut = part.size > most
    with contextlib.suppress(UnknownEncoding):
        octets = decode_transfer(octets, part.encoding)
    if is_cut:  # not in the middle of a character
        octets = octets[: max(octets.rfind(b" "), octets.rfind(b"\n")) + 1] or octets
    return decode_octets(octets, part.charset)


def _outside_quotes(html: str) -> str:
    """What is in no blockquote."""
    out: list[str] = []
    depth = start = 0
    for tag in _BLOCKQUOTE.finditer(html):
        if not depth:
            out.append(html[start : tag.start()])
        depth = max(0, depth - 1) if tag[1] else depth + 1
        start = tag.end()
    if not depth:
        out.append(html[start:])
    return " ".join(out)


def _of_plain(text: str) -> str:
    """What was written for this message; what it quotes, when there is nothing else."""
    if _PGP_MESSAGE in text:
        return ""
    lines = text.splitlines()
    return " ".join(_own_lines(lines)) or " ".join(found[1] for found in map(_QUOTED.match, lines) if found)


def _own_lines(lines: Iterable[str]) -> list[str]:
    """Of a long text, enough of them."""
    own: list[str] = []
    before = 0  # characters of all of `own` but the last, which may yet be taken back
    in_head = False  # of a signed or a forwarded message
    for line in lines:
        bare = line.strip()
        if in_head and (not bare or _FIELD.match(bare)):
            in_head = bool(bare)
        elif _QUOTED.match(line):
            if own and own[-1].endswith(":"):  # "On Monday, Ann wrote:"
                own.pop()
                before -= len(own[-1]) if own else 0
        elif bare == _PGP_SIGNED or (not own and _FORWARDED.match(bare)):
            in_head = True
        elif bare == _PGP_SIGNATURE or (own and (_SIGNATURE.match(line) or _FORWARDED.match(bare))):
            break
        elif bare and not _RULE.match(bare):
            before += len(own[-1]) if own else 0
            if before > ENOUGH:
                break
            own.append(bare)
            in_head = False
    return own


def _shorten(text: str) -> str:
    """One line, without what cannot be seen, cut between characters."""
    start = _one_line(text[:MOSTLY_ENOUGH])
    # What the cut has done to its last characters is not seen.
    text = start if len(start) > 2 * LENGTH else _one_line(text[:ENOUGH])
    if len(text) <= LENGTH:
        return text
    end = LENGTH
    while end > LENGTH // 2 and (
        unicodedata.combining(text[end]) or text[end] in _JOINERS or text[end - 1] in _JOINERS
    ):
        end -= 1
    return text[:end].rstrip()


def _one_line(text: str) -> str:
    return _SPACE.sub(" ", _INVISIBLE.sub("", text)).strip()
