"""Structured MIME header values: ``value; name=value …`` (RFC 2045 §5.1, RFC 2183 §2, RFC 2231)."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from mailkeep.formats.mime.charset import decode_octets
from mailkeep.formats.mime.words import decode_words

MAX_PARAMETERS: Final = 200
MAX_VALUE: Final = 1 << 16  # octets of a value that are looked at

Parameters = tuple[tuple[bytes, bytes], ...]
"""(lower-case name, value without quotes), in order; RFC 2231 continuations joined, their charset and % kept."""

_TOKEN: Final = rb"[^\x00-\x20()<>@,;:\\\"/\[\]?=\x7f-\xff]+"
_VALUE: Final = re.compile(rb"\s*(" + _TOKEN + rb")(?:\s*/\s*(" + _TOKEN + rb"))?\s*")
# Lenient where mailers are: an unquoted value may hold any specials but ";" and white space.
_PARAMETER: Final = re.compile(
    rb";\s*(?:(" + _TOKEN + rb")\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"?|([^;\s\"]*))[^;]*|[^;]*)",
    re.DOTALL,
)
_COMMENT_START: Final = re.compile(rb"\"(?:[^\"\\]|\\.)*(?:\"|\\?\Z)|(\()", re.DOTALL)
_COMMENT_EDGE: Final = re.compile(rb"[()]|\\.", re.DOTALL)
_ESCAPE: Final = re.compile(rb"\\(.)", re.DOTALL)
_CONTINUED: Final = re.compile(rb"(.+?)\*(\d{1,3})(\*?)\Z", re.DOTALL)
_FOLD: Final = re.compile(rb"\r?\n")


def parse_value(value: bytes) -> tuple[bytes, bytes, Parameters]:
    """Split a Content-Type or Content-Disposition value into (type, subtype, parameters).

    Type and subtype are in lower case; b"" where missing or not a token.
    """
    value = strip_comments(value[:MAX_VALUE])
    head = _VALUE.match(value)
    if head is None:
        return b"", b"", ()
    main, sub = head.groups(b"")
    rest = value.find(b";", head.end())
    return main.lower(), sub.lower(), _parameters(value, rest) if rest >= 0 else ()


def strip_comments(value: bytes) -> bytes:
    """The value without RFC 5322 comments, which may nest; each becomes a space.  Quoted strings are left alone."""
    if b"(" not in value:
        return value
    out: list[bytes] = []
    start = at = 0
    while (match := _COMMENT_START.search(value, at)) is not None:
        at = match.end()
        if match[1] is None:  # a quoted string
            continue
        out.append(value[start : match.start()])
        depth = 1
        for edge in _COMMENT_EDGE.finditer(value, at):
            depth += (edge.group() == b"(") - (edge.group() == b")")
            if depth == 0:
                break
        else:  # never closed: nothing but comment follows
            return b"".join(out)
        start = at = edge.end()
        out.append(b" ")
    out.append(value[start:])
    return b"".join(out)


def _parameters(value: bytes, start: int) -> Parameters:
    found: list[tuple[bytes, bytes]] = []
    continued = False
    for match in _PARAMETER.finditer(value, start):
        name, quoted, plain = match.groups()
        if name is None:
            continue
        if quoted is not None:
            plain = _FOLD.sub(b"", quoted) if b"\n" in quoted else quoted
            if b"\\" in plain:
                plain = _ESCAPE.sub(rb"\1", plain)
        continued = continued or b"*" in name
        found.append((name.lower(), plain))
        if len(found) == MAX_PARAMETERS:
            break
    return _join(found) if continued else tuple(found)


def _join(found: list[tuple[bytes, bytes]]) -> Parameters:
    """Join ``name*0``, ``name*1*`` … (RFC 2231 §3) into one; ``name*`` if any section of it is in extended form."""
    sections: dict[bytes, dict[int, tuple[bytes, bool]]] = {}
    order: list[tuple[bytes, bytes | None]] = []
    for name, value in found:
        match = _CONTINUED.match(name)
        if match is None:
            order.append((name, value))
            continue
        base, number, star = match.groups()
        if base not in sections:
            sections[base] = {}
            order.append((base, None))
        sections[base].setdefault(int(number), (value, bool(star)))
    out: list[tuple[bytes, bytes]] = []
    for name, whole in order:
        if whole is not None:
            out.append((name, whole))
            continue
        parts = [part for _, part in sorted(sections[name].items())]
        extended = any(star for _, star in parts)
        # a plain section among extended ones is literal text: its "%" must not be decoded later
        joined = b"".join(v if star or not extended else v.replace(b"%", b"%25") for v, star in parts)
        out.append((name + b"*" if extended else name, joined))
    return tuple(out)


def decode_parameter(parameters: Parameters, name: bytes) -> str | None:
    """A parameter as text: RFC 2231's charset and percent decoded, or encoded words, which are not legal here."""
    plain = None
    for key, value in parameters:
        if key == name + b"*":
            charset, _, rest = value.partition(b"'")
            _, quote, text = rest.partition(b"'")
            if not quote:
                charset, text = b"", value
            return decode_octets(unquote_to_bytes(text), charset.decode("ascii", "replace"))
        if key == name and plain is None:
            plain = value
    return None if plain is None else decode_words(plain)
