"""The milter protocol, version 6, as a mail server speaks it: frames, and what they hold.

There is no RFC; Sendmail's libmilter and Postfix agree on it.  A frame is its length (four octets, big-endian, of what
follows), a letter, and data; texts in it end with NUL.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from enum import IntFlag
from typing import Final

VERSION: Final = 6
KNOWS_DATA: Final = 4  # milters of earlier versions are not told of DATA
MAX_FRAME: Final = 1 << 20  # octets; libmilter sends at most 64 kB
CHUNK: Final = 65535  # octets of the body in one frame

_HEAD: Final = struct.Struct("!I")
_OPTIONS: Final = struct.Struct("!III")


class BadFrame(Exception):
    """What came is no frame of the protocol, or not what may come now."""


class May(IntFlag):
    """What a milter may do to a message (SMFIF_*)."""

    ADD_FIELDS = 0x01
    CHANGE_BODY = 0x02
    CHANGE_FIELDS = 0x10
    QUARANTINE = 0x20


class Wish(IntFlag):
    """What a milter does not want to be told, or not to answer (SMFIP_*)."""

    NO_CONNECT = 0x01
    NO_HELO = 0x02
    NO_MAIL = 0x04
    NO_RCPT = 0x08
    NO_BODY = 0x10
    NO_FIELDS = 0x20
    NO_END_OF_HEADER = 0x40
    SILENT_FIELD = 0x80
    NO_UNKNOWN = 0x100
    NO_DATA = 0x200
    SKIP = 0x400
    REJECTED_RCPT = 0x800
    SILENT_CONNECT = 0x1000
    SILENT_HELO = 0x2000
    SILENT_MAIL = 0x4000
    SILENT_RCPT = 0x8000
    SILENT_DATA = 0x10000
    SILENT_UNKNOWN = 0x20000
    SILENT_END_OF_HEADER = 0x40000
    SILENT_BODY = 0x80000
    LEADING_SPACE = 0x100000  # values of fields come with the space behind the colon


OFFERED_ACTIONS: Final = May.ADD_FIELDS | May.CHANGE_BODY | May.CHANGE_FIELDS | May.QUARANTINE
OFFERED_WISHES: Final = ~Wish(0)


def frame(letter: bytes, data: bytes = b"") -> bytes:
    """One frame."""
    return _HEAD.pack(1 + len(data)) + letter + data


def text(*parts: str | bytes) -> bytes:
    """Each part with a NUL behind it; a NUL within would end it too soon, and is left out."""
    octets = (part.encode(errors="replace") if isinstance(part, str) else part for part in parts)
    return b"".join(part.replace(b"\0", b"") + b"\0" for part in octets)


def length(head: bytes) -> int:
    """Octets that follow the first four.  Raises: BadFrame."""
    (size,) = _HEAD.unpack(head)
    if not 1 <= size <= MAX_FRAME:
        raise BadFrame("a frame of this size")
    return int(size)


# ---- what we say


def negotiate() -> bytes:
    """What we offer."""
    return frame(b"O", _OPTIONS.pack(VERSION, OFFERED_ACTIONS, OFFERED_WISHES))


def macros(letter: bytes, values: dict[str, str]) -> bytes:
    """Values that go with the command `letter`, which follows."""
    pairs = (part for name, value in values.items() for part in (name, value))
    return frame(b"D", letter + text(*pairs))


def connect(name: str, peer: str) -> bytes:
    """Who has connected; `peer` "" is a unix socket."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return frame(b"C", text(name or "localhost") + b"U")
    family = b"4" if address.version == 4 else b"6"
    return frame(b"C", text(name or f"[{address}]") + family + b"\0\0" + text(str(address)))


def split_header(header: bytes) -> list[bytes]:
    """The fields of a header, each with the lines that continue it and all line ends; together they are the header."""
    found: list[bytes] = []
    for line in header.split(b"\n"):
        if found and line[:1] in (b" ", b"\t"):
            found[-1] += line + b"\n"
        elif line:
            found.append(line + b"\n")
    return found


def tell(field: bytes, *, leading_space: bool) -> bytes | None:
    """A field of a header; None for a line that is none.  Lines within a value end with LF, as milters expect it."""
    name, colon, value = field.partition(b":")
    if not colon:
        return None
    value = value.removesuffix(b"\n").removesuffix(b"\r").replace(b"\r\n", b"\n")
    if not leading_space and value[:1] in (b" ", b"\t"):
        value = value[1:]
    return frame(b"L", text(name.rstrip(b" \t"), value))


def render(name: bytes, value: bytes, *, leading_space: bool) -> bytes:
    """A field of what a milter says; whatever its value has in it, it is one field and no more."""
    lines = [line for line in value.replace(b"\r", b"").replace(b"\0", b"").split(b"\n") if line.strip(b" \t")]
    first, *rest = lines or [b""]
    space = b"" if leading_space and first[:1] in (b" ", b"\t") else b" "
    folded = (line if line[:1] in (b" ", b"\t") else b"\t" + line for line in rest)
    return b"\r\n".join((name + b":" + space + first, *folded)) + b"\r\n"


# ---- what it says


@dataclass(frozen=True, slots=True)
class Options:
    """What a milter took of our offer."""

    wishes: Wish


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer that goes on, or ends the dialogue: the letter, and the reply of ``y``."""

    letter: bytes
    code: int = 0
    enhanced: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class AddField:
    """At the end of the header; with `index` in front of that field, 0 the first of all."""

    name: bytes
    value: bytes
    index: int | None = None


@dataclass(frozen=True, slots=True)
class ChangeField:
    """The `index`-th field of that name, from 1, gets a value; an empty one: it goes."""

    name: bytes
    value: bytes
    index: int


@dataclass(frozen=True, slots=True)
class ReplaceBody:
    """A piece of the new body."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class Quarantine:
    """The message is to be held for somebody who looks at it."""


Answer = Options | Verdict | AddField | ChangeField | ReplaceBody | Quarantine

CONTINUE: Final = b"c"
ACCEPT: Final = b"a"
REJECT: Final = b"r"
TEMPFAIL: Final = b"t"
DISCARD: Final = b"d"
REPLY: Final = b"y"
PROGRESS: Final = b"p"
SKIP: Final = b"s"
_VERDICTS: Final = frozenset({CONTINUE, ACCEPT, REJECT, TEMPFAIL, DISCARD, PROGRESS, SKIP})


def parse(payload: bytes) -> Answer:
    """A frame without its length.  Raises: BadFrame."""
    letter, data = payload[:1], payload[1:]
    if letter in _VERDICTS:
        return Verdict(letter)
    match letter:
        case b"O":
            return _parse_options(data)
        case b"y":
            return _parse_reply(data)
        case b"h":
            name, value = _texts(data, 2)
            return AddField(_name(name), value)
        case b"i":
            index, name, value = _indexed(data)
            return AddField(_name(name), value, index)
        case b"m":
            index, name, value = _indexed(data)
            return ChangeField(_name(name), value, max(index, 1))
        case b"b":
            return ReplaceBody(data)
        case b"q":
            return Quarantine()
        case _:
            raise BadFrame("an answer that was not offered")


def _parse_options(data: bytes) -> Options:
    if len(data) < _OPTIONS.size:
        raise BadFrame("options are cut short")
    # Which actions it names says little: rspamd names all that it knows.  What was not offered is refused later.
    version, _, wishes = _OPTIONS.unpack_from(data)
    if version < 2 or wishes & ~int(OFFERED_WISHES):
        raise BadFrame("it needs what this server does not do")
    return Options(Wish(wishes) if version >= KNOWS_DATA else Wish(wishes) | Wish.NO_DATA)


def _parse_reply(data: bytes) -> Verdict:
    """``550 5.7.1 words``, perhaps of several lines."""
    words = data.split(b"\0")[0].decode("utf-8", "replace")
    code = words[:3]
    if not (len(code) == 3 and code.isascii() and code.isdigit() and code[0] in "45"):
        raise BadFrame("a reply without a code of refusal")
    rest = " ".join(line[4:] if line[:3] == code else line for line in words.splitlines()).strip()
    enhanced, _, said = rest.partition(" ")
    parts = enhanced.split(".")
    if len(parts) == 3 and parts[0] == code[0] and all(p.isascii() and p.isdigit() and len(p) <= 3 for p in parts):
        return Verdict(REPLY, int(code), enhanced, said)
    return Verdict(REPLY, int(code), f"{code[0]}.7.1", rest)


def _indexed(data: bytes) -> tuple[int, bytes, bytes]:
    if len(data) < _HEAD.size:
        raise BadFrame("an index is cut short")
    (index,) = _HEAD.unpack_from(data)
    name, value = _texts(data[_HEAD.size :], 2)
    return int(index), name, value


def _texts(data: bytes, count: int) -> list[bytes]:
    texts = data.split(b"\0")
    if len(texts) != count + 1 or texts[-1]:
        raise BadFrame("texts without their ends")
    return texts[:-1]


def _name(name: bytes) -> bytes:
    if not name or not all(33 <= octet <= 126 and octet != 0x3A for octet in name):
        raise BadFrame("not the name of a header field")
    return name
