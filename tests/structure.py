"""ENVELOPE and BODYSTRUCTURE of two servers, or of a server and the renderer, compared.

`parse_list` reads a parenthesised list into nested Python lists; `envelope_differences` and `structure_differences`
name each place where two of them say something different, after taking out what the RFC says is the same: the case
of types, encodings, parameter names; the form of a string.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

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


def join_literals(parts: Iterable[bytes | tuple[bytes, bytes]]) -> bytes:
    """What imaplib gives for one FETCH response, as it was on the wire."""
    return b"".join(b"\r\n".join(part) if isinstance(part, tuple) else part for part in parts)


def envelope_differences(ours: Value, theirs: Value, where: str = "envelope") -> Iterator[tuple[str, Value, Value]]:
    """(place, ours, theirs) for each field that differs."""
    for name, mine, other in zip(ENVELOPE_FIELDS, ours, theirs, strict=True):
        if _flat(mine) != _flat(other):
            yield f"{where}.{name}", mine, other


def structure_differences(ours: Value, theirs: Value, where: str = "body") -> Iterator[tuple[str, Value, Value]]:
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
        if (
            out["type"] == b"message"
            and _lower(out["subtype"]) == b"rfc822"
            and len(rest) > 1
            and isinstance(rest[0], list)
        ):
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
