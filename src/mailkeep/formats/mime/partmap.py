"""The tree of parts as a few octets, kept beside a message so that sections need no scan.

Version and layout: the first line is the version; then a line for each part, parents before children:
header_start, header length, body length, lines, number of children, type, encoding, charset ("-" if none).
"""

from __future__ import annotations

from typing import Final

from mailkeep.formats.mime.scan import MAX_PARTS, Part

VERSION: Final = 1
_HEAD: Final = b"%d" % VERSION


def encode_parts(root: Part) -> bytes:
    """The part map of a scanned message; about 40 octets a part."""
    lines = [_HEAD]
    stack = [root]
    while stack:
        part = stack.pop()
        kind = f"{part.maintype}/{part.subtype} {part.encoding} {part.charset or '-'}"
        lines.append(
            b"%d %d %d %d %d %b"
            % (
                part.header_start,
                part.body_start - part.header_start,
                part.end - part.body_start,
                part.lines,
                len(part.children),
                kind.encode("latin-1"),
            )
        )
        stack.extend(reversed(part.children))
    return b"\n".join(lines)


def decode_parts(data: bytes) -> Part:
    """Inverse of `encode_parts`; `fields` and `parameters` are empty.

    Raises: ValueError, if these octets are no part map of this version.
    """
    head, *lines = data.split(b"\n")
    if head != _HEAD or not 0 < len(lines) <= MAX_PARTS:
        raise ValueError("not a part map of this version")
    root: Part | None = None
    open_parts: list[tuple[Part, int]] = []  # with the number of children still to come
    for line in lines:
        part, count = _decode_part(line)
        while open_parts and open_parts[-1][1] == 0:
            open_parts.pop()
        if open_parts:
            parent, left = open_parts[-1]
            parent.children.append(part)
            open_parts[-1] = (parent, left - 1)
        elif root is None:
            root = part
        else:
            raise ValueError("part map with two roots")
        open_parts.append((part, count))
    assert root is not None
    return root


def _decode_part(line: bytes) -> tuple[Part, int]:
    start, header, body, lines, count, kind, encoding, charset = line.split(b" ")
    part = Part()
    part.header_start = int(start)
    part.body_start = part.header_start + int(header)
    part.end = part.body_start + int(body)
    part.lines = int(lines)
    part.maintype, _, part.subtype = kind.decode("latin-1").partition("/")
    part.encoding = encoding.decode("latin-1")
    part.charset = "" if charset == b"-" else charset.decode("latin-1")
    part.children = []
    part.fields = []
    part.parameters = ()
    return part, int(count)
