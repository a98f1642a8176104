"""Finding the parts of a message: one pass over the octets, offsets of everything kept.

- It never fails: whatever arrives has some structure.  A part more than `MAX_DEPTH` levels down is not looked into, and
  after `MAX_PARTS` no boundary counts any more: the octets stay where they are, in the part that holds them.
- LF and CRLF both end a line (RFC 2046 §4.1.1 knows only CRLF; mail on disk knows both); a bare CR is an octet like
  any other.  Nothing is changed or copied but the header fields.
- A message inside in base64 or quoted-printable (RFC 2046 §5.2.1 forbids it for message/rfc822) is read as its octets
  stand, encoded: offsets must point somewhere.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from mailkeep.formats.mime.header import split_fields, unfold
from mailkeep.formats.mime.parameters import Parameters, parse_value, strip_comments

if TYPE_CHECKING:
    from mmap import mmap

MAX_DEPTH: Final = 100  # levels of multipart and message/rfc822 inside one another
MAX_PARTS: Final = 1000
MAX_HEADER: Final = 1 << 20  # octets of one header that are looked at for fields; sections still hold all of it
MAX_SEARCH: Final = 1 << 28  # octets searched for boundaries (or 4 times the message); then no more are looked for

SIMPLE_PARTS: Final = 20  # of a message that is looked through without thinking of those who wait,
SIMPLE_HEADERS: Final = 32 * 1024  # and octets of headers in it

_BLANK_LINE: Final = re.compile(rb"\n\r?\n")
_ENCODING: Final = re.compile(rb"[^\s;()\"]+")
_NAME: Final = re.compile(r"[!-~]{1,60}\Z")  # a charset or encoding worth keeping
_NEVER: Final = 1 << 62


class Part:
    """A part, or the message itself: where it lies in the octets, and what it says it is.

    The header is ``[header_start, body_start)``, its final blank line included; the body ``[body_start, end)``: the
    line break before a boundary belongs to the boundary (RFC 2046 §5.1.1).  All offsets count from the message's start.
    `children`: the parts of a multipart; for a message/rfc822 or message/global the one message inside; else empty.
    `fields` are the header's fields as (lower-case name, whole field with its line end) in order, `parameters` those
    of its Content-Type; both are empty in a tree that comes from a part map.
    Slots only, and mutable while it is built: a few are made for each message.
    """

    __slots__ = (
        "body_start", "charset", "children", "encoding", "end", "fields", "header_start", "lines", "maintype",
        "parameters", "subtype",
    )  # fmt: skip

    header_start: int
    body_start: int
    end: int
    lines: int  # line ends in the body; counted for text/* and messages alone, else 0
    maintype: str  # lower case; "text" when the header does not say or makes no sense (RFC 2045 §5.2)
    subtype: str  # lower case
    encoding: str  # Content-Transfer-Encoding in lower case; "7bit" when absent
    charset: str  # lower case; "" when absent
    children: list[Part]
    fields: list[tuple[bytes, bytes]]
    parameters: Parameters

    @property
    def size(self) -> int:
        """Octets of the body, in its transfer encoding."""
        return self.end - self.body_start

    @property
    def is_multipart(self) -> bool:
        """Whether it says multipart/*, even if no parts were found in it."""
        return self.maintype == "multipart"

    @property
    def is_message(self) -> bool:
        """Whether it is a message/rfc822 or message/global (RFC 9051 §6.4.5.1), even if too deep to be looked into."""
        return self.maintype == "message" and self.subtype in ("rfc822", "global")

    @property
    def message(self) -> Part | None:
        """The message inside a message/rfc822 or message/global that has been looked into, or None."""
        return self.children[0] if self.children and self.maintype == "message" else None

    def find_field(self, name: bytes) -> bytes | None:
        """The value, unfolded, of the first field called `name` (lower case)."""
        for each, whole in self.fields:
            if each == name:
                return unfold(whole)
        return None

    def find_field_values(self, name: bytes) -> list[bytes]:
        """The values, unfolded, of all fields called `name` (lower case)."""
        return [unfold(whole) for each, whole in self.fields if each == name]


class _Level:
    """A multipart whose boundaries are being looked for."""

    __slots__ = ("at", "depth", "needle")

    needle: bytes  # a line end, "--" and the boundary
    at: int  # the next place where the needle is, or _NEVER
    depth: int  # of its part in the path of open parts


class _Scanner:
    """One pass over a message: the path of open parts, and the boundaries that may end them.

    Each level knows where its own boundary comes next, and the nearest of all ends everything inside.  An inner
    boundary is sought no further than the nearest outer one: so each octet is searched at most once for each level.
    """

    __slots__ = (
        "data",
        "headers",
        "levels",
        "messages",
        "most_headers",
        "most_parts",
        "open",
        "parts",
        "searched",
        "size",
    )

    def __init__(self, data: bytes | mmap, most_parts: int, most_headers: int) -> None:
        self.data = data
        self.most_parts = most_parts
        self.most_headers = most_headers
        self.headers = 0
        self.size = len(data)
        self.open: list[Part] = []
        self.levels: list[_Level] = []
        self.messages: list[Part] = []
        self.parts = 0
        self.searched = 0

    def run(self) -> Part:
        self._enter(0)
        root = self.open[0]
        while self.levels and self.parts < self.most_parts:
            at = min([level.at for level in self.levels])
            if at == _NEVER:
                break
            self._boundary(at)
        self._close(0, self.size)
        if self.messages:
            self._count_lines_of_messages()
        return root

    def _boundary(self, at: int) -> None:
        """Handle the boundary line whose preceding line end is at `at`."""
        data = self.data
        # The longest boundary wins where several match: only the beginning of the line must match (RFC 2046 §5.1.1),
        # so "--abc" of the outer one also matches "--abcd" of the inner.  Of equals, the innermost.
        level = max((each for each in self.levels if each.at == at), key=lambda each: (len(each.needle), each.depth))
        self._close(level.depth + 1, at - 1 if at > 0 and data[at - 1 : at] == b"\r" else at)
        del self.levels[self.levels.index(level) + 1 :]
        after = at + len(level.needle)
        line_end = data.find(b"\n", after)
        if data[after : after + 2] == b"--":
            self.levels.pop()
        moved = False  # once an outer boundary lies further away, inner ones may be found beyond the old place
        for each in self.levels:
            if each.at == at or (moved and each.at == _NEVER):
                each.at = _NEVER if line_end < 0 else self._find(each.needle, line_end, self._nearest(each.depth))
                moved = True
        if level in self.levels and line_end >= 0:
            self._enter(line_end + 1)

    def _nearest(self, depth: int) -> int:
        """Where the nearest boundary of levels above `depth` is."""
        return min([level.at for level in self.levels if level.depth < depth], default=_NEVER)

    def _find(self, needle: bytes, start: int, nearest: int) -> int:
        stop = min(nearest + len(needle), self.size)
        found = self.data.find(needle, start, stop)
        self.searched += max(0, (stop if found < 0 else found) - start)
        return _NEVER if found < 0 else found

    def _enter(self, start: int) -> None:
        """A part begins at `start`, and the message inside it if it holds one."""
        while True:
            parent = self.open[-1] if self.open else None
            part = self._read_header(start, parent)
            self.open.append(part)
            self.parts += 1
            if parent is not None:
                parent.children.append(part)
            if part.is_message:
                self.messages.append(part)
            if len(self.open) > MAX_DEPTH or self.parts >= self.most_parts:
                return
            if part.is_multipart:
                self._seek_boundary(part)
                return
            if not part.is_message:
                return
            start = part.body_start

    def _seek_boundary(self, part: Part) -> None:
        boundary = next((value for name, value in part.parameters if name == b"boundary"), b"")
        if not boundary or self.searched > max(MAX_SEARCH, 4 * self.size):
            return
        level = _Level()
        level.needle = b"\n--" + boundary
        level.depth = len(self.open) - 1
        # the blank line's own line end counts: a body may begin with its boundary
        level.at = self._find(level.needle, part.body_start - 1, self._nearest(level.depth))
        self.levels.append(level)

    def _read_header(self, start: int, parent: Part | None) -> Part:
        data = self.data
        limit = self._nearest(len(self.open))
        part = Part()
        part.header_start = start
        part.children = []
        part.lines = 0
        if limit < start:  # a boundary follows a boundary: nothing at all in between
            part.body_start = start
        elif data[start : start + 1] == b"\n":
            part.body_start = start + 1
        elif data[start : start + 2] == b"\r\n":
            part.body_start = start + 2
        else:
            blank = _BLANK_LINE.search(data, start, min(limit + 1, self.size))
            if blank is not None:
                part.body_start = blank.end()
            elif limit < self.size:
                part.body_start = limit - 1 if data[limit - 1 : limit] == b"\r" else limit
            else:
                part.body_start = self.size
        part.end = part.body_start
        self.headers += part.body_start - start
        if self.headers > self.most_headers:
            raise _NotSimple
        part.fields = split_fields(data[start : min(part.body_start, start + MAX_HEADER)])
        _describe(part, parent)
        return part

    def _close(self, depth: int, end: int) -> None:
        # A blank line right before a boundary is both the end of a header and the boundary's line break: it stays in
        # the header, and what lies around a part ends no earlier than the part.
        for part in reversed(self.open[depth:]):
            part.end = end = max(end, part.body_start)
            if part.maintype == "text":
                part.lines = _count_lines(self.data, part.body_start, part.end)
        del self.open[depth:]

    def _count_lines_of_messages(self) -> None:
        """Lines of the messages inside: they lie in one another, so each stretch is counted once for all."""
        points = sorted({point for part in self.messages for point in (part.body_start, part.end)})
        total = 0
        before = {points[0]: 0}
        for start, end in pairwise(points):
            total += _count_lines(self.data, start, end)
            before[end] = total
        for part in self.messages:
            part.lines = before[part.end] - before[part.body_start]


def scan(data: bytes | mmap) -> Part:
    """The structure of a message.  Never fails."""
    return _Scanner(data, MAX_PARTS, _NEVER).run()


def scan_simple(data: bytes) -> Part | None:
    """The structure of a message that has little of it, which takes no longer than reading its octets a few times.

    None: it has `SIMPLE_PARTS` parts or more, or more than `SIMPLE_HEADERS` octets of headers.
    """
    scanner = _Scanner(data, SIMPLE_PARTS, SIMPLE_HEADERS)
    try:
        part = scanner.run()
    except _NotSimple:
        return None
    return part if scanner.parts < SIMPLE_PARTS else None


class _NotSimple(Exception):
    """The message has more structure than was asked for."""


def _describe(part: Part, parent: Part | None) -> None:
    """Type, charset and encoding from the header (RFC 2045 §5, §6).

    In a digest the default is a message (RFC 2046 §5.1.5).
    """
    part.maintype, part.subtype, part.parameters = "text", "plain", ()
    part.charset = ""
    part.encoding = "7bit"
    content_type = encoding = None
    for name, whole in part.fields:
        if name == b"content-type" and content_type is None:
            content_type = whole
        elif name == b"content-transfer-encoding" and encoding is None:
            encoding = whole
    if content_type is not None:
        main, sub, parameters = parse_value(content_type[content_type.index(b":") + 1 :])
        if main and (sub or main == b"text"):
            part.maintype = main.decode("latin-1")
            part.subtype = sub.decode("latin-1") or "plain"
            part.parameters = parameters
            for key, value in parameters:
                if key == b"charset":
                    part.charset = _word(value)
                    break
    elif parent is not None and parent.maintype == "multipart" and parent.subtype == "digest":
        part.maintype, part.subtype = "message", "rfc822"
    if encoding is not None:
        match = _ENCODING.match(strip_comments(unfold(encoding)).lstrip())
        if match is not None:
            part.encoding = _word(match.group()) or "7bit"


def _word(value: bytes) -> str:
    text = value.decode("latin-1").strip().lower()
    return text if _NAME.match(text) else ""


def _count_lines(data: bytes | mmap, start: int, end: int) -> int:
    if isinstance(data, bytes):
        return data.count(b"\n", start, end)
    step = 1 << 20  # a map has no count(): copy it piece by piece
    return sum(data[at : min(at + step, end)].count(b"\n") for at in range(start, end, step))
