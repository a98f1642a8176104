"""Finding the parts of a message: one pass over the octets, offsets of everything kept.

- It never fails: whatever arrives has some structure.  A part of more than `MAX_DEPTH` levels, or beyond `MAX_PARTS`,
  is not divided any further: the octets stay where they are, in the part that holds them.
- LF and CRLF both end a line (RFC 2046 §4.1.1 knows only CRLF; mail on disk knows both); a bare CR is an octet like
  any other.  Nothing is changed or copied but the header fields.
- Work is linear in the size of the message, times its depth at worst.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mmap import mmap

MAX_DEPTH: Final = 100  # levels of multipart and message/rfc822 inside one another
MAX_PARTS: Final = 1000
MAX_HEADER: Final = 1 << 20  # octets of one header that are looked at for fields; sections still hold all of it


class Part:
    """A part, or the message itself: where it lies in the octets, and what it says it is.

    The header is ``[header_start, body_start)``, its final blank line included; the body ``[body_start, end)``: the
    line break before a boundary belongs to the boundary (RFC 2046 §5.1.1).  All offsets count from the message's start.
    `children`: the parts of a multipart; for message/rfc822 (and message/global) the one message inside; else ().
    `fields` are the header's fields as (lower-case name, whole field with its line end) in order; empty in a tree
    that comes from a part map.
    Slots only, and mutable while it is built: a few are made for each message.
    """

    __slots__ = (
        "body_start", "charset", "children", "encoding", "end", "fields", "header_start", "lines", "maintype", "subtype",
    )  # fmt: skip

    header_start: int
    body_start: int
    end: int
    lines: int  # line ends in the body; counted for text/* and message/* alone, else 0
    maintype: str  # lower case; "text" when the header does not say or makes no sense
    subtype: str  # lower case
    encoding: str  # Content-Transfer-Encoding in lower case; "7bit" when absent
    charset: str  # lower case; "" when absent
    children: tuple[Part, ...]
    fields: list[tuple[bytes, bytes]]

    @property
    def size(self) -> int:
        """Octets of the body, in its transfer encoding."""
        return self.end - self.body_start

    @property
    def message(self) -> Part | None:
        """The message inside a message/rfc822, if this is one that has been looked into."""
        return self.children[0] if self.children and self.maintype == "message" else None


def scan(data: bytes | mmap) -> Part:
    """The structure of a message.  Never fails."""
    raise NotImplementedError
