"""BODYSTRUCTURE with all its extension data, and BODY without (RFC 9051 §7.5.2, §9 `body`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mailkeep.formats.mime.header import unfold
from mailkeep.formats.mime.parameters import Parameters, parse_value
from mailkeep.imap.wire.envelope import NIL, envelope, nstring
from mailkeep.imap.wire.international import ASCII, Form

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailkeep.formats.mime.scan import Part

# A multipart must have a part (grammar: 1*body); one in which none was found is shown with this one, which is not
# there: a client that asks for it is told NIL.
_EMPTY_TEXT: Final = b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL)'
_EMPTY_ENVELOPE: Final = b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"  # of a message too deep to be looked into
_US_ASCII: Final = (b"charset", b"us-ascii")
_LANGUAGE: Final = re.compile(rb"[A-Za-z0-9*][A-Za-z0-9*-]*")
_LONGEST_LANGUAGE: Final = 1000  # octets of tags worth listing
_TOKEN: Final = re.compile(rb"\"(?:[^\"\\]|\\.)*\"|\{(\d+)\}\r\n|[()]|[^\s\"(){}]+")


def bodystructure(part: Part, form: Form = ASCII) -> bytes:
    """The BODYSTRUCTURE of a scanned part, parentheses included; types, encodings, parameter names in lower case."""
    values = _content_fields(part)
    if part.is_multipart:
        return b"(%b %b %b %b)" % (
            b"".join([bodystructure(child, form) for child in part.children]) or _EMPTY_TEXT,
            _word(form, part.subtype or "mixed"),
            _parameters(form, part.parameters),
            _extension(form, values),
        )
    basic = b"%b %b %b %b %b %b %d" % (
        _word(form, part.maintype),
        _word(form, part.subtype),
        _parameters(form, _with_charset(part)),
        _nstring(form, form.identifier, values.get(b"content-id")),
        _nstring(form, form.text, values.get(b"content-description")),
        _word(form, part.encoding),
        part.size,
    )
    if part.maintype == "text":
        basic = b"%b %d" % (basic, part.lines)
    if part.is_message:
        message = part.message
        inner = (
            (_EMPTY_ENVELOPE, _EMPTY_TEXT)
            if message is None
            else (envelope(message, form), bodystructure(message, form))
        )
        basic = b"%b %b %b %d" % (basic, *inner, part.lines)
    return b"(%b %b %b)" % (
        basic,
        _nstring(form, form.identifier, values.get(b"content-md5")),
        _extension(form, values),
    )


def _content_fields(part: Part) -> dict[bytes, bytes]:
    """The first of each Content-* field, unfolded."""
    values: dict[bytes, bytes] = {}
    for name, whole in part.fields:
        if name.startswith(b"content-") and name not in values:
            values[name] = unfold(whole)
    return values


def _with_charset(part: Part) -> Parameters:
    """A text without a charset says us-ascii, which is what it means (RFC 2045 §5.2)."""
    if part.maintype != "text" or any(name == b"charset" for name, _ in part.parameters):
        return part.parameters
    return (*part.parameters, _US_ASCII)


def _word(form: Form, text: str) -> bytes:
    return form.string(form.word(text.encode("latin-1")))


def _nstring(form: Form, give: Callable[[bytes], bytes | None], value: bytes | None) -> bytes:
    return NIL if value is None else nstring(form, give(value))


def _parameters(form: Form, parameters: Parameters) -> bytes:
    given = form.parameters(parameters)
    if not given:
        return NIL
    return b"(%b)" % b" ".join([b"%b %b" % (form.string(name), form.string(value)) for name, value in given])


def _extension(form: Form, values: dict[bytes, bytes]) -> bytes:
    """Disposition, language, location: what ends both kinds of body."""
    return b"%b %b %b" % (
        _disposition(form, values.get(b"content-disposition")),
        _language(values.get(b"content-language")),
        _nstring(form, form.identifier, values.get(b"content-location")),
    )


def _disposition(form: Form, value: bytes | None) -> bytes:
    if value is None:
        return NIL
    kind, _, parameters = parse_value(value)
    return b"(%b %b)" % (form.string(form.word(kind)), _parameters(form, parameters)) if kind else NIL


def _language(value: bytes | None) -> bytes:
    tags = [] if value is None else _LANGUAGE.findall(value[:_LONGEST_LANGUAGE])
    return b"(%b)" % b" ".join([b'"%b"' % tag for tag in tags]) if tags else NIL


def without_extensions(rendered: bytes) -> bytes:
    """BODY from what `bodystructure` rendered: the same without extension data, at all levels."""
    body, _ = _plain_body(rendered, 0)
    return body


def _plain_body(rendered: bytes, at: int) -> tuple[bytes, int]:
    """The body whose "(" is at `at`, without extension data, and where it ends."""
    out: list[bytes] = []
    at += 1
    if rendered[at : at + 1] == b"(":
        while rendered[at : at + 1] == b"(":
            child, at = _plain_body(rendered, at)
            out.append(child)
        subtype, at = _item(rendered, at + 1)
        return b"(%b %b)" % (b"".join(out), subtype), _end_of_list(rendered, at)
    for _ in range(7):
        item, at = _item(rendered, at)
        out.append(item)
        at += 1
    if rendered[at : at + 1] == b"(":  # an envelope: a message
        item, at = _item(rendered, at)
        body, at = _plain_body(rendered, at + 1)
        lines, at = _item(rendered, at + 1)
        out += [item, body, lines]
    elif out[0] == b'"text"':
        item, at = _item(rendered, at)
        out.append(item)
    return b"(%b)" % b" ".join(out), _end_of_list(rendered, at)


def _item(rendered: bytes, at: int) -> tuple[bytes, int]:
    """The string, number, NIL or list that begins at `at`, and where it ends."""
    start, depth = at, 0
    while True:
        at, token = _next(rendered, at)
        depth += (token == b"(") - (token == b")")
        if depth == 0:
            return rendered[start:at], at


def _end_of_list(rendered: bytes, at: int) -> int:
    depth = 1
    while depth:
        at, token = _next(rendered, at)
        depth += (token == b"(") - (token == b")")
    return at


def _next(rendered: bytes, at: int) -> tuple[int, bytes]:
    match = _TOKEN.search(rendered, at)
    assert match is not None, "not what bodystructure() rendered"
    return match.end() + int(match[1] or 0), match.group()
