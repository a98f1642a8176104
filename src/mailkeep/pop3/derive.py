"""What POP3 keeps beside a message once somebody has asked for its size: how what is sent differs from what is kept.

``pop3.form``: one octet says whether CRLF is missing at the end; for a message with 8-bit octets in its headers, what
takes their place for clients that have not said UTF8 (RFC 6856 §2.1) follows.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailkeep.formats.mime.surrogate import Patch, surrogate
from mailkeep.model.derive import Deriver
from mailkeep.pop3.wire.stuffing import missing_end

if TYPE_CHECKING:
    from mmap import mmap

    from mailkeep.formats.mime.scan import Part

FORM: Final = "pop3.form"

_PATCH: Final = struct.Struct("<QQI")


@dataclass(frozen=True, slots=True)
class Form:
    """How a message is sent: with `patches` where the client has not said UTF8, and `end` octets behind it."""

    patches: tuple[Patch, ...]
    end: int

    def size(self, size: int, *, utf8: bool) -> int:
        """Octets of what is sent of a message of `size` octets."""
        if utf8:
            return size + self.end
        return size + self.end + sum(len(patch.octets) - patch.stop + patch.start for patch in self.patches)


PLAIN: Final = Form((), 0)  # nearly all are


def encode(message: Part, data: bytes | mmap) -> bytes:
    """A `Form` as it is kept."""
    end = bytes([len(missing_end(data[max(0, len(data) - 2) :]))])
    patches = surrogate(message, data)
    return end + b"".join(_PATCH.pack(p.start, p.stop, len(p.octets)) + p.octets for p in patches)


def decode(kept: bytes) -> Form:
    """What `encode` made."""
    return Form(tuple(_patches(kept)), kept[0]) if len(kept) > 1 or kept[0] else PLAIN


def _patches(kept: bytes) -> Iterator[Patch]:
    at = 1
    while at < len(kept):
        start, stop, length = _PATCH.unpack_from(kept, at)
        at += _PATCH.size
        yield Patch(start, stop, kept[at : at + length])
        at += length


DERIVERS: Final[tuple[Deriver[Part], ...]] = (Deriver(FORM, 1, encode, lazily=True),)
