"""Header values with 8-bit octets, in the two forms that a client can be sent.

- ASCII, for everybody: what RFC 6858 calls a surrogate: text in encoded words, an address nobody has, identifiers left
  out.  File names are not left out, as that RFC has it, but given in the form of RFC 2231, which clients know.
- UTF-8, for who has enabled UTF8=ACCEPT (RFC 6855 §3, RFC 9755): the text as it is meant, whatever its charset was.

Values without 8-bit octets are the same in both, and stay as they came.
"""

from __future__ import annotations

from typing import Final, Protocol
from urllib.parse import quote

from mailkeep.formats.mime.address import Address
from mailkeep.formats.mime.charset import decode_octets
from mailkeep.formats.mime.parameters import Parameters
from mailkeep.formats.mime.words import decode_words, encode_words

MAX_QUOTED: Final = 1000  # longer strings are literals: some clients read lines into small buffers
MAX_TEXT: Final = 1 << 16  # octets of a value that are put into encoded words

_QUOTABLE: Final = bytes(octet for octet in range(0x20, 0x7F) if octet not in b'"\\') + b"\t"
_QUOTABLE_8: Final = _QUOTABLE + bytes(range(0x80, 0x100))
_NOT_ASCII: Final = bytes(range(0x80)) + b"?" * 0x80
INVALID: Final = (b"invalid", b"internationalized-address.invalid")


class Form(Protocol):
    """How values with 8-bit octets are given."""

    def __hash__(self) -> int:
        """There are two, and what they have given is remembered."""
        ...

    def string(self, value: bytes) -> bytes:
        """`value`, as one of the others gives it, on the wire."""
        ...

    def text(self, value: bytes) -> bytes:
        """Of a text that may hold encoded words."""
        ...

    def word(self, value: bytes) -> bytes:
        """Of a word of some grammar, a date, a language: not meant to hold such octets."""
        ...

    def identifier(self, value: bytes) -> bytes | None:
        """Of what must be exact or is worth nothing."""
        ...

    def address(self, address: Address) -> Address:
        """Of a mailbox or a group."""
        ...

    def parameters(self, parameters: Parameters) -> Parameters:
        """Of MIME parameters."""
        ...


def _quoted(value: bytes, quotable: bytes) -> bytes:
    """`value` as a quoted string where it can be one, else as a literal.

    NUL, which no string may hold (RFC 9051 §4.3), is sent as 0x80, as in literals of message octets.
    """
    if len(value) <= MAX_QUOTED:
        odd = value.translate(None, quotable)
        if not odd:
            return b'"%b"' % value
        if not odd.strip(b'"\\'):
            return b'"%b"' % value.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return b"{%d}\r\n%b" % (len(value), value.replace(b"\0", b"\x80"))


class _Ascii:
    def string(self, value: bytes) -> bytes:
        return _quoted(value, _QUOTABLE)

    def text(self, value: bytes) -> bytes:
        return value if value.isascii() else encode_words(decode_words(value[:MAX_TEXT]))

    def word(self, value: bytes) -> bytes:
        return value if value.isascii() else value.translate(_NOT_ASCII)

    def identifier(self, value: bytes) -> bytes | None:
        return value if value.isascii() else None

    def address(self, address: Address) -> Address:
        if all(value is None or value.isascii() for value in address):
            return address
        name, route, local, domain = address
        if domain is None:  # the start of a group
            return Address(None, None, None if local is None else self.text(local), None)
        if (local or b"").isascii() and domain.isascii():
            return Address(None if name is None else self.text(name), route and self.identifier(route), local, domain)
        shown = name or b"%b@%b" % (local or b"", domain)
        return Address(encode_words(decode_words(shown[:MAX_TEXT])), None, *INVALID)

    def parameters(self, parameters: Parameters) -> Parameters:
        if all(name.isascii() and value.isascii() for name, value in parameters):
            return parameters
        names = {name for name, _ in parameters}
        return tuple(
            (name, value) if value.isascii() else (b"%b*" % name, _extended(value))
            for name, value in parameters
            if name.isascii() and (value.isascii() or (not name.endswith(b"*") and b"%b*" % name not in names))
        )


def _extended(value: bytes) -> bytes:
    """Of RFC 2231 §4."""
    return b"utf-8''" + quote(decode_octets(value), safe="").encode("ascii")


class _Utf8:
    def string(self, value: bytes) -> bytes:
        return _quoted(value, _QUOTABLE_8)

    def text(self, value: bytes) -> bytes:
        return value if value.isascii() else decode_octets(value).encode("utf-8", "replace")

    word = identifier = text

    def address(self, address: Address) -> Address:
        return Address(*(None if value is None else self.text(value) for value in address))

    def parameters(self, parameters: Parameters) -> Parameters:
        return tuple((self.text(name), self.text(value)) for name, value in parameters)


ASCII: Final[Form] = _Ascii()
UTF8: Final[Form] = _Utf8()
