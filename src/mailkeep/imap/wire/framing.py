r"""From octets to whole commands, however the octets are cut (RFC 9051 §2.2.1, §4.3; RFC 7888).

A `Framer` is fed octets and asked for events::

    framer.feed(data)
    while (event := framer.next()) is not None:
        match event:
            case Raw():               # a whole command: command.parse(event)
            case NeedContinuation():  # the client waits: framer.accept() and send "+ OK\r\n", or framer.refuse() and NO
            case LiteralData():       # a piece of a message too large to hold: put it into event.literal.sink
            case Refused():           # a literal was too large: answer event.tag NO [TOOBIG]
            case TooLong():           # the line was too long: answer event.tag BAD [TOOBIG]

After the event the connection goes on with the next command in every case.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import Final

UNKNOWN_TAG: Final = b"*"


@dataclass(slots=True, eq=False)
class Streamed:
    """A literal of APPEND that was not held in memory but told in `LiteralData` pieces.

    `sink` belongs to whoever takes the pieces; the framer never looks at it.
    """

    size: int
    sink: object = None


# Not frozen: one is made for each command on the hot path.
@dataclass(slots=True)
class Raw:
    """A whole command: `text` without its line end, in which ``{n}`` CRLF marks the place of each literal in order."""

    text: bytes
    literals: tuple[bytes | Streamed, ...] = ()


@dataclass(frozen=True, slots=True)
class NeedContinuation:
    """The client waits to send a literal of `size` octets.  Call `Framer.accept` or `Framer.refuse`.

    `command` is what has been read of the command, up to and with the announcement.
    """

    tag: bytes
    name: str
    size: int
    command: Raw


@dataclass(frozen=True, slots=True)
class LiteralData:
    """The next piece of a streamed literal.  The first piece finds `literal.sink` None; the `last` one ends it."""

    tag: bytes
    literal: Streamed
    chunk: bytes
    last: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """A command that cannot be carried out, as a literal was too large or was refused; all of it is thrown away.

    `literals` are those read before, so that streamed ones can be discarded.
    """

    tag: bytes
    name: str
    literals: tuple[bytes | Streamed, ...] = ()


@dataclass(frozen=True, slots=True)
class TooLong:
    """A command whose text is longer than `Limits.max_line`; all of it is thrown away.  `literals`: as in `Refused`."""

    tag: bytes
    literals: tuple[bytes | Streamed, ...] = ()


Event = Raw | NeedContinuation | LiteralData | Refused | TooLong


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one command may cost; all sizes in octets.

    `max_line`: text of a command.  `max_literals`: their count.  `max_memory`: sum of the literals held in memory.
    `max_append`: one message of APPEND (0 before login).  `stream_over`: larger messages of APPEND are streamed.
    """

    max_line: int = 512 * 1024
    max_literals: int = 1000
    max_memory: int = 1024 * 1024
    max_append: int = 0
    stream_over: int = 64 * 1024


class _State(Enum):
    LINE = 1  # reading the text of a command
    ASKED = 2  # a NeedContinuation waits for accept or refuse
    MEMORY = 3  # reading a literal into memory
    STREAM = 4  # handing out a literal
    SKIP = 5  # throwing a literal away


# The announcement of a literal, at the end of a line only.  More digits than 20 announce nothing.
_ANNOUNCEMENT: Final = re.compile(rb"~?\{([0-9]{1,20})(\+?)\}\r?\n\Z")
_MAX_ANNOUNCEMENT: Final = 27
_HEAD: Final = re.compile(rb'([^\x00-\x20\x7f-\xff(){%*"\\+]+) ([A-Za-z]*)')
# The message of APPEND is any literal but the one that may stand first, for the mailbox
_MESSAGE: Final = re.compile(rb"[^ ]+ APPEND +[^ ]+(?:\r?\n[^ ]*)? ", re.IGNORECASE)
_BRACE: Final = ord("}")
_CR: Final = ord("\r")


class Framer:
    """Cuts octets into commands; see the module.  Cost is linear in the octets, however they are split.

    `limits` may be set at any time, and holds from the next line on.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._chunks: deque[bytes] = deque()  # fed, and not yet begun
        self.reset()

    def reset(self) -> None:
        """Forget all octets that have not become events (RFC 9051 §6.2.1: nothing sent before TLS survives it)."""
        self._chunks.clear()
        self._chunk = b""
        self._pos = 0
        self._begin_command()

    def _begin_command(self) -> None:
        self._state = _State.LINE
        self._line = bytearray()  # the text so far, when it is not all in one chunk
        self._lines = 0  # octets of it that are whole lines
        self._literals: list[bytes | Streamed] = []
        self._memory = 0
        self._tag = UNKNOWN_TAG
        self._name = ""
        self._remaining = 0  # octets of the literal still to come
        self._literal = bytearray()
        self._streamed: Streamed | None = None
        self._refused = False
        self._too_long = False

    def feed(self, data: bytes) -> None:
        """Octets from the peer."""
        if self._pos < len(self._chunk) or self._chunks:
            self._chunks.append(data)
        else:
            self._chunk = data
            self._pos = 0

    @property
    def buffered(self) -> int:
        """Octets fed that `next` has not looked at yet; when many, stop reading from the peer."""
        return len(self._chunk) - self._pos + sum(map(len, self._chunks))

    @property
    def mid_command(self) -> bool:
        """Whether a command has begun and is not whole yet."""
        return self._state is not _State.LINE or bool(self._line) or bool(self._literals)
