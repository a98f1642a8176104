"""ENVELOPE (RFC 9051 §7.5.2, RFC 3501 §7.4.2) as octets, in a form that any client may be sent, or in UTF-8.

A value with CR, LF or NUL is a literal.  Encoded words stay as they came.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from mailkeep.formats.mime.address import Address, parse_addresses
from mailkeep.formats.mime.header import unfold
from mailkeep.imap.wire.international import ASCII, Form

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailkeep.formats.mime.scan import Part

NIL: Final = b"NIL"
SHORT: Final = 256  # octets of a field that is remembered

_ADDRESS_FIELDS: Final = frozenset({b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc"})
_FIELDS: Final = _ADDRESS_FIELDS | {b"date", b"subject", b"in-reply-to", b"message-id"}


def nstring(form: Form, value: bytes | None) -> bytes:
    """A string, or NIL for None."""
    return NIL if value is None else form.string(value)


def envelope(message: Part, form: Form = ASCII) -> bytes:
    """The ENVELOPE of a scanned message, parentheses included.

    An address field without addresses is NIL; Sender and Reply-To without addresses are taken from From; a Date that
    makes no sense is passed as it is.  Several address fields of one name are one list (RFC 5322 §4.5.3 says so of
    destinations); of other fields the first counts.
    """
    fields: dict[bytes, bytes] = {}
    more: dict[bytes, list[bytes]] = {}
    for name, whole in message.fields:
        if name in _FIELDS:
            if name not in fields:
                fields[name] = whole
            elif name in _ADDRESS_FIELDS:
                more.setdefault(name, [fields[name]]).append(whole[whole.index(b":") + 1 :])
    for name, values in more.items():
        fields[name] = b",".join(values)
    sender = _addresses(form, fields.get(b"from"))
    return b"(%b %b %b %b %b %b %b %b %b %b)" % (
        nstring(form, _value(form.word, fields.get(b"date"))),
        nstring(form, _value(form.text, fields.get(b"subject"))),
        sender,
        _addresses(form, fields.get(b"sender"), sender),
        _addresses(form, fields.get(b"reply-to"), sender),
        _addresses(form, fields.get(b"to")),
        _addresses(form, fields.get(b"cc")),
        _addresses(form, fields.get(b"bcc")),
        nstring(form, _value(form.identifier, fields.get(b"in-reply-to"))),
        nstring(form, _value(form.identifier, fields.get(b"message-id"))),
    )


def _value(give: Callable[[bytes], bytes | None], field: bytes | None) -> bytes | None:
    return None if field is None else give(unfold(field))


def _addresses(form: Form, field: bytes | None, default: bytes = NIL) -> bytes:
    if field is None:
        return default
    value = field[field.index(b":") + 1 :]
    return (_remembered if len(value) <= SHORT else _list)(form, value) or default


def _list(form: Form, value: bytes) -> bytes:
    """The list, in parentheses; empty if there are no addresses."""
    addresses = parse_addresses(value)
    if not value.isascii():
        addresses = [form.address(each) for each in addresses]
    return b"(%b)" % b"".join([_address(form, each) for each in addresses]) if addresses else b""


_remembered: Final = lru_cache(1024)(_list)  # the same few people write to the same few people


def _address(form: Form, address: Address) -> bytes:
    name, route, local, domain = address
    return b"(%b %b %b %b)" % (
        NIL if name is None else form.string(name),
        NIL if route is None else form.string(route),
        NIL if local is None else form.string(local),
        NIL if domain is None else form.string(domain),
    )
