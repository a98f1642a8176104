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
from dataclasses import dataclass
from enum import Enum
from typing import Final

UNKNOWN_TAG: Final = b"*"
SMALL: Final = 1024  # octets; chunks that wait are joined up to this size


@dataclass(slots=True, eq=False)
class Streamed:
    """A literal of APPEND or REPLACE that was not held in memory but told in `LiteralData` pieces.

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
    `max_append`: one message of APPEND (0 before login).  `max_appended`: all messages of one APPEND.
    `stream_over`: larger messages of APPEND are streamed.
    `max_nonsynchronizing`: a literal that does not wait; 4096 where LITERAL- is offered (RFC 7888 §5).
    """

    max_line: int = 512 * 1024
    max_literals: int = 1000
    max_memory: int = 1024 * 1024
    max_append: int = 0
    max_appended: int = 2**63 - 1
    stream_over: int = 64 * 1024
    max_nonsynchronizing: int = 2**63 - 1


class _State(Enum):
    LINE = 1  # reading the text of a command
    ASKED = 2  # a NeedContinuation waits for accept or refuse
    MEMORY = 3  # reading a literal into memory
    STREAM = 4  # handing out a literal
    SKIP = 5  # throwing a literal away


# The announcement of a literal, at the end of a line only.  More digits than 20 announce nothing.
_ANNOUNCEMENT: Final = re.compile(rb"\{([0-9]{1,20})(\+?)\}\r?\n\Z")
_MAX_ANNOUNCEMENT: Final = 26
_TAG: Final = re.compile(rb'([^\x00-\x20\x7f-\xff(){%*"\\+]{1,255})(?: ([A-Za-z]{1,64}))?(?=[ \r\n])')
# The messages of APPEND and REPLACE are all literals but one that stands first: it is the mailbox name
_MESSAGE: Final = re.compile(rb"[^ ]+ (?:APPEND|(?:UID +)?REPLACE [^ ]+) [^ ]+ ", re.IGNORECASE)
_TAKES_MESSAGES: Final = frozenset({"APPEND", "REPLACE", "UID"})
_BRACE: Final = ord("}")
_CR: Final = ord("\r")


class Framer:
    """Cuts octets into commands; see the module.  Cost is linear in the octets, however they are split.

    `limits` may be set at any time; it holds from the next line or literal on.
    """

    __slots__ = (
        "_appended", "_begun", "_chunk", "_chunks", "_fed", "_is_refused", "_is_too_long", "_line", "_literal",
        "_literals", "_memory", "_name", "_pos", "_remaining", "_state", "_streamed", "_tag", "limits",
    )  # fmt: skip

    _state: _State
    _begun: bool  # whether a command has begun that is not whole yet
    _line: bytearray  # the text so far; once the command is given up, only the end of its line
    _literals: list[bytes | Streamed]
    _memory: int  # octets of literals held
    _appended: int  # octets of messages announced
    _tag: bytes
    _name: str
    _remaining: int  # octets of the current literal still to come
    _literal: bytearray  # the current literal, if in memory
    _streamed: Streamed | None  # the current literal, if streamed
    _is_refused: bool
    _is_too_long: bool

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._chunks: list[bytes] = []  # fed after `_chunk`; few, see `feed`
        self._fed = 0  # octets in `_chunks`
        self._chunk = b""
        self._pos = 0  # in `_chunk`: all before is done
        self._begin_command()

    def reset(self) -> None:
        """Forget all octets that have not become events (RFC 9051 §6.2.1: nothing sent before TLS survives it)."""
        self._chunks.clear()
        self._fed = 0
        self._chunk = b""
        self._pos = 0
        self._begin_command()

    def take_rest(self) -> bytes:
        """The octets that have not become events; as `reset`, for somebody who reads them in another way."""
        rest = b"".join((self._chunk[self._pos :], *self._chunks))
        self.reset()
        return rest

    def feed(self, data: bytes) -> None:
        """Octets from the peer."""
        if not data:
            return
        if self._pos < len(self._chunk) or self._chunks:
            self._fed += len(data)
            if self._chunks and len(self._chunks[-1]) < SMALL:
                self._chunks[-1] += data  # a peer that sends octet by octet must not cost an object for each
            else:
                self._chunks.append(data)
        else:
            self._chunk = data
            self._pos = 0

    @property
    def buffered(self) -> int:
        """Octets fed that `next` has not looked at yet; when many, stop reading from the peer."""
        return len(self._chunk) - self._pos + self._fed

    @property
    def mid_command(self) -> bool:
        """Whether a command has begun and is not whole yet."""
        return self._begun

    def next(self) -> Event | None:
        """The next event, or None when more octets, or `accept` or `refuse`, are needed first."""
        if not self._begun:
            # the hot path: a whole command without literals in one chunk
            chunk, pos = self._chunk, self._pos
            if pos >= len(chunk) and not self._chunks:
                return None
            end = chunk.find(b"\n", pos)
            if 0 <= end - pos < self.limits.max_line:
                stop = end - 1 if end > pos and chunk[end - 1] == _CR else end
                if stop == pos or chunk[stop - 1] != _BRACE:
                    self._pos = end + 1
                    return Raw(chunk[pos:stop])
        return self._next()

    def next_line(self) -> bytes | TooLong | None:
        """The next line without its end, where no command is expected: an answer to a SASL challenge, DONE of IDLE.

        None when more octets are needed.  Not to be called in the middle of a command.
        """
        while not self._take_line():
            if not self._advance():
                return None
        line: bytes | TooLong = TooLong(UNKNOWN_TAG) if self._is_too_long else _without_end(self._line)
        self._begin_command()
        return line

    def accept(self) -> None:
        r"""Let the client send the literal of the last `NeedContinuation`; the connection sends ``+ OK\r\n``."""
        assert self._state is _State.ASKED
        self._begin_literal()

    def refuse(self) -> None:
        """Carry out no more of this command.

        After a `NeedContinuation` the connection answers NO itself: the client abandons the command (RFC 9051 §4.3).
        In the middle of a streamed literal, or after it, the rest of the command is thrown away, then comes `Refused`.
        """
        if self._state is _State.ASKED:
            self._begin_command()
        elif self._begun:
            self._is_refused = True
            if self._state is _State.STREAM:
                self._state = _State.SKIP

    def _begin_command(self) -> None:
        self._state = _State.LINE
        self._begun = False
        self._line = bytearray()
        self._literals = []
        self._memory = 0
        self._appended = 0
        self._tag = UNKNOWN_TAG
        self._name = ""
        self._remaining = 0
        self._literal = bytearray()
        self._streamed = None
        self._is_refused = False
        self._is_too_long = False

    def _next(self) -> Event | None:
        while True:
            event = self._step()
            if event is not None:
                return event
            if self._state is _State.ASKED or (self._pos >= len(self._chunk) and not self._advance()):
                return None

    def _advance(self) -> bool:
        """Go on to the next chunk; False when there is none."""
        self._pos = 0
        self._chunk = self._chunks.pop(0) if self._chunks else b""
        self._fed -= len(self._chunk)
        return bool(self._chunk)

    def _step(self) -> Event | None:
        match self._state:
            case _State.LINE:
                return self._end_of_line() if self._take_line() else None
            case _State.ASKED:
                return None
            case _State.MEMORY:
                self._literal += self._take()
                if not self._remaining:
                    self._literals.append(bytes(self._literal))
                    self._state = _State.LINE
                return None
            case _State.STREAM:
                return self._stream()
            case _State.SKIP:
                self._take()
                if not self._remaining:
                    self._state = _State.LINE
                return None

    def _take_line(self) -> bool:
        """Move text from the chunk to `_line`; whether a line is whole now."""
        pos = self._pos
        end = self._chunk.find(b"\n", pos) + 1
        piece = self._chunk[pos:end] if end else self._chunk[pos:]
        if piece:
            self._begun = True
        self._pos = pos + len(piece)
        if not (self._is_too_long or self._is_refused):
            if len(self._line) + len(piece) <= self.limits.max_line:
                self._line += piece
                return end > 0
            self._line += piece[:512]
            self._note_head()
            self._is_too_long = True
        self._line = (self._line + piece[-_MAX_ANNOUNCEMENT:])[-_MAX_ANNOUNCEMENT:]
        return end > 0

    def _end_of_line(self) -> Event | None:
        announced = _ANNOUNCEMENT.search(self._line, max(0, len(self._line) - _MAX_ANNOUNCEMENT))
        if announced is None:
            return self._end_of_command()
        self._note_head()
        self._remaining = int(announced[1])
        is_waiting = not announced[2]
        if not (self._is_too_long or self._is_refused) and not self._admit(is_waiting=is_waiting):
            self._is_refused = True
        if self._is_too_long or self._is_refused:
            if is_waiting:
                return self._end_of_command()  # without a "+" the client sends nothing more of it
            self._state = _State.SKIP
            return None
        if is_waiting:
            self._state = _State.ASKED
            so_far = Raw(bytes(self._line), tuple(self._literals))
            return NeedContinuation(self._tag, self._name, self._remaining, so_far)
        self._begin_literal()
        return None

    def _end_of_command(self) -> Event:
        literals = tuple(self._literals)
        event: Event
        if self._is_too_long:
            event = TooLong(self._tag, literals)
        elif self._is_refused:
            event = Refused(self._tag, self._name, literals)
        else:
            event = Raw(_without_end(self._line), literals)
        self._begin_command()
        return event

    def _note_head(self) -> None:
        if self._tag == UNKNOWN_TAG and not (self._is_too_long or self._is_refused):
            found = _TAG.match(self._line)
            if found is not None:
                self._tag = found[1]
                self._name = (found[2] or b"").decode("ascii").upper()

    def _admit(self, *, is_waiting: bool) -> bool:
        """Whether the literal announced is within the limits; decides whether it is streamed."""
        limits, size = self.limits, self._remaining
        self._streamed = None
        if len(self._literals) >= limits.max_literals or (not is_waiting and size > limits.max_nonsynchronizing):
            return False
        fits = self._memory + size <= limits.max_memory
        if self._name in _TAKES_MESSAGES and _MESSAGE.match(self._line):
            if size > limits.max_append or self._appended + size > limits.max_appended:
                return False
            self._appended += size
            if size > limits.stream_over or not fits:
                self._streamed = Streamed(size)
            return True
        return fits

    def _begin_literal(self) -> None:
        if self._streamed is not None:
            self._literals.append(self._streamed)
            self._state = _State.STREAM if self._remaining else _State.LINE
            return
        self._memory += self._remaining
        self._literal = bytearray()
        self._state = _State.MEMORY

    def _stream(self) -> Event | None:
        chunk = self._take()
        if not chunk:
            return None
        assert self._streamed is not None
        if not self._remaining:
            self._state = _State.LINE
        return LiteralData(self._tag, self._streamed, chunk, last=not self._remaining)

    def _take(self) -> bytes:
        """Octets of the current literal, as many as the chunk has."""
        pos = self._pos
        octets = self._chunk[pos : pos + self._remaining]
        self._pos = pos + len(octets)
        self._remaining -= len(octets)
        return octets


def _without_end(line: bytearray) -> bytes:
    return bytes(line[:-2] if line.endswith(b"\r\n") else line[:-1])
