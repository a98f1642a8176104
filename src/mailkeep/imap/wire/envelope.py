"""ENVELOPE (RFC 9051 §7.5.2, RFC 3501 §7.4.2) as octets that any client may be sent.

Legal without UTF8=ACCEPT: a value with 8-bit octets, CR, LF or NUL is a literal.  Encoded words stay as they came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailkeep.formats.mime.address import Address, parse_addresses
from mailkeep.formats.mime.header import unfold

if TYPE_CHECKING:
    from mailkeep.formats.mime.scan import Part

NIL: Final = b"NIL"
MAX_QUOTED: Final = 1000  # longer strings are literals: some clients read lines into small buffers

_QUOTABLE: Final = bytes(octet for octet in range(0x20, 0x7F) if octet not in b'"\\') + b"\t"
_ADDRESS_FIELDS: Final = frozenset({b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc"})
_FIELDS: Final = _ADDRESS_FIELDS | {b"date", b"subject", b"in-reply-to", b"message-id"}


def string(value: bytes) -> bytes:
    """`value` as a quoted string where it can be one, else as a literal.

    NUL, which no string may hold (RFC 9051 §4.3), is sent as 0x80, as in literals of message octets.
    """
    if len(value) <= MAX_QUOTED:
        odd = value.translate(None, _QUOTABLE)
        if not odd:
            return b'"%b"' % value
        if not odd.strip(b'"\\'):
            return b'"%b"' % value.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return b"{%d}\r\n%b" % (len(value), value.replace(b"\0", b"\x80"))


def nstring(value: bytes | None) -> bytes:
    """`string`, or NIL for None."""
    return NIL if value is None else string(value)


def envelope(message: Part) -> bytes:
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
    sender = _addresses(fields.get(b"from"))
    return b"(%b %b %b %b %b %b %b %b %b %b)" % (
        _text(fields.get(b"date")),
        _text(fields.get(b"subject")),
        sender,
        _addresses(fields.get(b"sender"), sender),
        _addresses(fields.get(b"reply-to"), sender),
        _addresses(fields.get(b"to")),
        _addresses(fields.get(b"cc")),
        _addresses(fields.get(b"bcc")),
        _text(fields.get(b"in-reply-to")),
        _text(fields.get(b"message-id")),
    )


def _text(field: bytes | None) -> bytes:
    return NIL if field is None else string(unfold(field))


def _addresses(field: bytes | None, default: bytes = NIL) -> bytes:
    if field is None:
        return default
    addresses = parse_addresses(field[field.index(b":") + 1 :])
    return b"(%b)" % b"".join([_address(each) for each in addresses]) if addresses else default


def _address(address: Address) -> bytes:
    name, route, local, domain = address
    return b"(%b %b %b %b)" % (
        NIL if name is None else string(name),
        NIL if route is None else string(route),
        NIL if local is None else string(local),
        NIL if domain is None else string(domain),
    )
