"""ENVELOPE and BODYSTRUCTURE of two servers, or of a server and the renderer, compared.

`differences` names each place where two FETCH rows say something different, after taking out what the RFC says is the
same: the case of types, encodings, parameter names; the form of a string; where a value was folded.  `unexplained`
leaves out what the tables below allow between this server and Dovecot.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

from mailkeep.formats.mime.words import decode_words

ENVELOPE_FIELDS = ["date", "subject", "from", "sender", "reply-to", "to", "cc", "bcc", "in-reply-to", "message-id"]
_SINGLE = ["type", "subtype", "parameters", "id", "description", "encoding", "size"]
_TOKEN = re.compile(rb"[ ]*(?:(\()|(\))|\"((?:[^\"\\]|\\.)*)\"|\{(\d+)\}\r\n|([^ ()\"{]+))", re.DOTALL)

Value = Any  # None (NIL), bytes (a string), int, or a list of these


def parse_list(raw: bytes) -> Value:
    """One parenthesised list as nested lists; strings are bytes, numbers int, NIL None."""
    stack: list[list[Value]] = [[]]
    at = 0
    while at < len(raw):
        match = _TOKEN.match(raw, at)
        if match is None:
            raise ValueError(f"at {at}: {raw[at : at + 80]!r}")
        at = match.end()
        opening, closing, quoted, size, atom = match.groups()
        if opening:
            stack.append([])
        elif closing:
            done = stack.pop()
            stack[-1].append(done)
        elif size is not None:
            stack[-1].append(raw[at : at + int(size)])
            at += int(size)
        elif quoted is not None:
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", quoted))
        else:
            stack[-1].append(None if atom.upper() == b"NIL" else int(atom) if atom.isdigit() else atom)
    if len(stack) != 1 or len(stack[0]) != 1:
        raise ValueError(f"not one list: {raw[:80]!r}")
    return stack[0][0]


Row = dict[bytes, Value]
"""The items of one FETCH response, by name."""

Difference = tuple[str, Value, Value]
"""Place, ours, theirs."""


def row_of(raw: bytes) -> Row:
    """``(ENVELOPE (…) BODYSTRUCTURE (…) …)`` by the names of its items."""
    items = parse_list(raw)
    return dict(zip(items[::2], items[1::2], strict=True))


def differences(ours: Row, theirs: Row) -> list[Difference]:
    """All differences of two rows that hold ENVELOPE and BODYSTRUCTURE, and BODY perhaps."""
    found = list(envelope_differences(ours[b"ENVELOPE"], theirs[b"ENVELOPE"]))
    found += structure_differences(ours[b"BODYSTRUCTURE"], theirs[b"BODYSTRUCTURE"], "bodystructure")
    if b"BODY" in ours and b"BODY" in theirs:
        found += structure_differences(ours[b"BODY"], theirs[b"BODY"], "body")
    return found


def unexplained(ours: Row, theirs: Row, odd: str = "") -> list[Difference]:
    """The differences of our row from Dovecot's that nothing here allows; `odd` names a message of `corpus.ODD`."""
    return [
        each
        for each in differences(ours, theirs)
        if not any(re.search(where, each[0]) and agrees(each[1], each[2]) for where, agrees, _ in ALLOWED)
        and not re.search(ALLOWED_ODD.get(odd, ("$^", ""))[0], each[0])
    ]


def _has_8_bit(value: Value) -> bool:
    return any(not each.isascii() for each in _strings(value))


def _strings(value: Value) -> Iterator[bytes]:
    if isinstance(value, list | tuple):
        for each in value:
            yield from _strings(each)
    elif isinstance(value, bytes):
        yield b" ".join(value.split())


def _meaning(value: Value) -> list[str]:
    """The strings in a value as texts, whatever way they are encoded."""
    return [
        unquote(each[7:].decode("ascii")) if each.startswith(b"utf-8''") else decode_words(each).rstrip("*?")
        for each in _strings(value)
    ]


# Differences from Dovecot 2.3.19 that any message may show: place, test of (ours, theirs), who is right.
ALLOWED: list[tuple[str, Callable[[Value, Value], bool], str]] = [
    (
        r"^body.*subtype$",
        lambda ours, theirs: (ours, theirs) == (b"plain", b""),
        "Content-Type: text.  RFC 2045 §5.2: what makes no sense is text/plain; an empty subtype is none.  Ours.",
    ),
    (
        r"^body.*\.size$",
        lambda ours, theirs: theirs == ours + 2,
        "A line break between the closing boundary of a message inside and the boundary around it.  RFC 2046 §5.1.1: "
        "it belongs to the boundary that follows, so not to the message.  Ours.",
    ),
    (
        r".",
        lambda ours, theirs: (
            _has_8_bit(theirs) and (_meaning(ours) == _meaning(theirs) or b"invalid" in _strings(ours))
        ),
        "8-bit octets in a header, which RFC 6855 §8 keeps from clients that have not enabled UTF8=ACCEPT; the text is "
        "given in encoded words, addresses as in RFC 6858.  Ours.",
    ),
    (r"^body.*\.lines$", lambda ours, theirs: theirs == ours + 1, "The same line break, counted in lines.  Ours."),
]

_NONSENSE = (
    r"^body.*\.(type|subtype|parameters|lines)$",
    "RFC 2045 §5.2: a Content-Type that makes no sense is text/plain; Dovecot gives an empty type.  Ours.",
)
_FROM = r"^envelope\.(from|sender|reply-to)$"
# Differences of single messages of `corpus.ODD`: place, who is right.
ALLOWED_ODD: dict[str, tuple[str, str]] = {
    "parameter without value": (r"parameters$", "No grammar allows it; Dovecot stops there, we read on.  Either."),
    "parameters by white space": _NONSENSE,
    "type that is nonsense": _NONSENSE,
    "empty content type": _NONSENSE,
    "empty disposition": (
        r"disposition$",
        'RFC 2183 §2: a disposition has a type; NIL says none, "" says nothing.  Ours.',
    ),
    "bare line feeds": (
        r"size$",
        "Dovecot counts each LF as CRLF and sends it so; here octets stay as they came.  Either.",
    ),
    "mixed line ends": (r"size$", "As above."),
    "message/global": (r".", "RFC 9051 §9: subtype GLOBAL has an envelope and a body like RFC822.  Ours."),
    "transfer encoding alone": (
        r"encoding$",
        "RFC 2045 §4: without MIME-Version a reader may take it for MIME; Dovecot wants a Content-Type.  Either.",
    ),
    "NUL in header and body": (
        r"^envelope\.",
        "RFC 9051 §4.3: no NUL in strings.  We send 0x80; Dovecot U+FFFD, and an address ends there.  Either.",
    ),
    "fields twice": (
        r"^envelope\.(subject|message-id)$",
        "RFC 5322 §4.5: unspecified.  We take the first, Dovecot the last.  Either.",
    ),
    "addresses: empty elements": (_FROM, "RFC 5322 §4.4: empty elements of a list mean nothing.  Ours."),
    "addresses: obsolete local part": (
        _FROM,
        "RFC 5322 §4.4: white space around dots is legal and means nothing.  Ours.",
    ),
    "addresses: no local part": (_FROM, "No grammar allows it; we keep the domain.  Either."),
    "addresses: unclosed quote": (_FROM, "No grammar allows it; we keep the address.  Either."),
    "addresses: unclosed angle": (_FROM, "No grammar allows it; we keep the address.  Either."),
    "addresses: unclosed comment": (_FROM, "No grammar allows it; we keep the address.  Either."),
    "addresses: name with at sign": (
        _FROM,
        "No grammar allows it; the address in angle brackets is the one meant.  Ours.",
    ),
    "addresses: semicolons as commas": (_FROM, "No grammar allows it; we keep both addresses.  Either."),
    "addresses: backslash outside quotes": (_FROM, "No grammar allows it; we keep the address.  Either."),
    "message/rfc822 cut by a boundary in its header": (r"^body.*(size|lines)$", "RFC 2046 §5.1.1, as for all.  Ours."),
}


def envelope_differences(ours: Value, theirs: Value, where: str = "envelope") -> Iterator[Difference]:
    """(place, ours, theirs) for each field that differs."""
    for name, mine, other in zip(ENVELOPE_FIELDS, ours, theirs, strict=True):
        if _flat(mine) != _flat(other):
            yield f"{where}.{name}", mine, other


def structure_differences(ours: Value, theirs: Value, where: str = "body") -> Iterator[Difference]:
    """(place, ours, theirs) for each element that differs, all levels down."""
    mine, other = _elements(ours), _elements(theirs)
    if len(mine.pop("parts")) != len(other.pop("parts")):
        yield f"{where}.parts", ours, theirs
        return
    for number, (a, b) in enumerate(zip(_parts(ours), _parts(theirs), strict=True), 1):
        yield from structure_differences(a, b, f"{where}.{number}")
    inner, other_inner = mine.pop("message", None), other.pop("message", None)
    if (inner is None) != (other_inner is None):
        yield f"{where}.message", inner, other_inner
    elif inner is not None and other_inner is not None:
        yield from envelope_differences(inner[0], other_inner[0], f"{where}.message.envelope")
        yield from structure_differences(inner[1], other_inner[1], f"{where}.message")
    for name in sorted(mine.keys() | other.keys()):
        if _flat(mine.get(name)) != _flat(other.get(name)):
            yield f"{where}.{name}", mine.get(name), other.get(name)


def _parts(body: Value) -> list[Value]:
    count = next((number for number, each in enumerate(body) if not isinstance(each, list)), len(body))
    return list(body[:count])


def _elements(body: Value) -> dict[str, Value]:
    """A body by the names of its elements."""
    parts = _parts(body)
    rest = body[len(parts) :]
    if parts:
        names = ["subtype", "parameters", "disposition", "language", "location"]
        out: dict[str, Value] = dict(zip(names, rest, strict=False))
    else:
        out = dict(zip(_SINGLE, rest, strict=False))
        rest = rest[len(_SINGLE) :]
        out["type"] = _lower(out["type"])
        if out["type"] == b"message" and len(rest) > 1 and isinstance(rest[0], list):
            out["message"], out["lines"] = (rest[0], rest[1]), rest[2]
            rest = rest[3:]
        elif out["type"] == b"text":
            out["lines"], rest = rest[0], rest[1:]
        out |= dict(zip(["md5", "disposition", "language", "location"], rest, strict=False))
        out["encoding"] = _lower(out["encoding"])
    out["parts"] = parts
    out["subtype"] = _lower(out["subtype"])
    out["parameters"] = _pairs(out.get("parameters"))
    if isinstance(out.get("disposition"), list):
        kind, parameters = out["disposition"]
        out["disposition"] = [_lower(kind), _pairs(parameters)]
    if isinstance(out.get("language"), bytes):
        out["language"] = [out["language"]]
    return out


def _lower(value: Value) -> Value:
    return value.lower() if isinstance(value, bytes) else value


def _pairs(parameters: Value) -> Value:
    """Parameters as pairs, names in lower case; their order means nothing (RFC 2045 §5.1)."""
    if not isinstance(parameters, list):
        return parameters
    return sorted((name.lower(), value) for name, value in zip(parameters[::2], parameters[1::2], strict=True))


def _flat(value: Value) -> Value:
    """White space in a value as one space: where a long field was folded means nothing."""
    if isinstance(value, list | tuple):
        return [_flat(each) for each in value]
    return b" ".join(value.split()) if isinstance(value, bytes) else value
