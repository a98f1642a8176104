"""Address lists (RFC 5322 §3.4, and the obsolete forms of §4.4): mailboxes and groups, from whatever a header holds.

Display names stay as they are written, encoded words included: ENVELOPE wants them so; `words.decode_words` reads them.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from mailkeep.formats.mime.header import unfold_value

MAX_ADDRESSES: Final = 10_000  # of one field; more are not looked at
MAX_ODD: Final = 1 << 16  # octets of a field that may be in other than the two usual forms

# Where a header names no domain, or nothing before the "@".  Not NIL, which means a group in ENVELOPE
# (RFC 9051 §7.5.2), and not "", which clients join to "ann@".
MISSING_DOMAIN: Final = b"MISSING_DOMAIN"
MISSING_MAILBOX: Final = b"MISSING_MAILBOX"


class Address(NamedTuple):
    """A mailbox; or the start of a group: `domain` is None and `local` its name; or a group's end: all None."""

    name: bytes | None
    route: bytes | None
    local: bytes | None
    domain: bytes | None


_GROUP_END: Final = Address(None, None, None, None)
_ATEXT: Final = rb"[^\x00-\x20()<>@,;:\\\".\[\]\x7f]"
_DOT_ATOM: Final = rb"(" + _ATEXT + rb"+(?:\." + _ATEXT + rb"+)*)"
# The two forms nearly all mail has: [name] <local@domain> and local@domain.  Each piece is unambiguous, so that a
# failed match costs no more than one that succeeds.
_SIMPLE: Final = re.compile(
    rb"[ \t\r\n,]*+(?:(?:\"([^\"\\\r\n]*)\"[ \t\r\n]*|((?:[^\x00-\x1f()<>@,;:\\\"\[\]\x7f]|\r?\n[ \t])*))<"
    + _DOT_ATOM + rb"@" + _DOT_ATOM + rb">|" + _DOT_ATOM + rb"@" + _DOT_ATOM + rb")[ \t\r\n]*(?:,|\Z)"
)  # fmt: skip
_TOKEN: Final = re.compile(
    rb"[ \t\r\n]+|\"((?:[^\"\\]|\\.)*)\"|(\[(?:[^\]\\]|\\.)*\])|([(<>@,;:.])|([^ \t\r\n()<>@,;:.\"\[]+)",
    re.DOTALL,
)
_SEPARATORS: Final = re.compile(rb"[ \t\r\n,]*")
_COMMENT_EDGE: Final = re.compile(rb"[()]|\\.", re.DOTALL)
_ESCAPE: Final = re.compile(rb"\\(.)", re.DOTALL)


def parse_addresses(value: bytes) -> list[Address]:
    """The addresses of a field's value, folded or not, in order; groups as start, members, end.  Never fails."""
    out: list[Address] = []
    at, odd, size = 0, 0, len(value)
    unclosed = b""
    while at < size and len(out) < MAX_ADDRESSES and odd < MAX_ODD:
        match = _SIMPLE.match(value, at)
        if match is None:
            at = _SEPARATORS.match(value, at).end()  # type: ignore[union-attr]  # it matches the empty string
            parser = _Parser(value[at : at + MAX_ODD - odd], out, unclosed)
            parser.run()
            unclosed = parser.unclosed
            at += parser.at
            odd += parser.at
            continue
        quoted, phrase, local, domain, bare_local, bare_domain = match.groups()
        if bare_local is not None:
            out.append(Address(None, None, bare_local, bare_domain))
        else:
            name = quoted if quoted is not None else b" ".join(phrase.split())
            out.append(Address(name or None, None, local, domain))
        at = match.end()
    return out


class _Parser:
    """The whole grammar, a token at a time, for one mailbox or group; what is in the wrong place is dropped."""

    __slots__ = (
        "at", "at_sign", "comment", "domain", "done", "glue", "in_group", "local", "out", "unclosed", "value", "words",
    )  # fmt: skip

    def __init__(self, value: bytes, out: list[Address], unclosed: bytes) -> None:
        """`unclosed`: quotes and brackets known to be closed nowhere behind: one address after the other asks once."""
        self.value = value
        self.at = 0
        self.unclosed = unclosed
        self.out = out
        self.in_group = False
        self._clear()

    def _clear(self) -> None:
        self.words: list[bytes] = []  # of a display name, or of a local part as long as nobody knows
        self.glue = False  # the next word belongs to the last one: no space between them
        self.local: list[bytes] = []
        self.domain: list[bytes] = []
        self.at_sign = False
        self.done = False  # after "<…>" nothing counts up to the next comma
        self.comment: bytes | None = None

    def run(self) -> None:
        """Read up to the first comma outside a group, or to the end; `at` is then the place after it."""
        while (token := self._next()) is not None and len(self.out) < MAX_ADDRESSES:
            word, special = token
            if word is not None:
                self._word(word)
            elif special == b"(":
                self._read_comment()
            elif special == b"<":
                self._angle()
            elif special == b"," and not self.in_group:
                break
            elif special is not None:
                self._special(special)
            else:
                self.glue = False
        self._finish()
        if self.in_group:
            self.out.append(_GROUP_END)

    def _next(self) -> tuple[bytes | None, bytes | None] | None:
        """The next token as (word, special character); white space is (None, None); None at the end.

        A quote or bracket that is never closed is skipped, and so are all after it: nothing is read twice.
        """
        while self.at < len(self.value):
            octet = self.value[self.at : self.at + 1]
            match = None if octet in self.unclosed else _TOKEN.match(self.value, self.at)
            if match is None:
                if octet in b'"[':
                    self.unclosed += octet
                self.at += 1
                continue
            self.at = match.end()
            quoted, literal, special, atom = match.groups()
            if quoted is not None:
                return _unquote(quoted), None
            return (atom if atom is not None else literal), special
        return None

    def _word(self, word: bytes) -> None:
        if self.done:
            return
        if self.at_sign:
            self.domain.append(word)
        elif self.glue and self.words:
            self.words[-1] += word
        else:
            self.words.append(word)
        self.glue = True

    def _special(self, special: bytes) -> None:
        match special:
            case b",":
                self._finish()
            case b";":
                self._finish()
                if self.in_group:
                    self.out.append(_GROUP_END)
                    self.in_group = False
            case b":" if not (self.in_group or self.at_sign or self.done):
                self.out.append(Address(None, None, b" ".join(self.words), None))
                self.in_group = True
                self._clear()
            case _ if self.done:
                pass
            case b"@" if not self.at_sign:
                self.at_sign = True
                self.local, self.words = self.words, []
            case b"@":
                self.done = True  # "a@b@c": the rest means nothing
            case b"." if self.at_sign:
                self.domain.append(b".")
            case b".":
                self._dot()
            case _:
                pass

    def _dot(self) -> None:
        # a dot sticks to the word before it; in obs-local-part ("a . b@c") white space around it means nothing, in a
        # display name ("J. Smith") it does
        if self.words:
            self.words[-1] += b"."
        else:
            self.words.append(b".")
        self.glue = True

    def _read_comment(self) -> None:
        start, depth = self.at, 1
        for match in _COMMENT_EDGE.finditer(self.value, start):
            edge = match.group()
            depth += (edge == b"(") - (edge == b")")
            if depth == 0:
                self.at = match.end()
                self.comment = _tidy(self.value[start : match.start()])
                return
        self.at = len(self.value)
        self.comment = _tidy(self.value[start:])

    def _angle(self) -> None:
        """What stands in ``<…>``: [route ":"] local "@" domain; afterwards the mailbox is complete."""
        # "ann@example.org <ann@example.org>" is common: the first one is a name that should be in quotes
        name = b" ".join(self.words) if not self.at_sign else b" ".join(self.local) + b"@" + b"".join(self.domain)
        route: list[bytes] = []
        left: list[bytes] = []
        right: list[bytes] | None = None
        while (token := self._next()) is not None:
            word, special = token
            if special == b">":
                break
            if special == b"(":
                self._read_comment()
            elif special == b"@" and right is None:
                right = []
            elif special == b":" and right and not left:
                route, right = [b"@", *right], None
            elif special in (None, b".") or (special in (b"@", b",") and not left):
                (left if right is None else right).append(word or special or b"")
        self._add(name, b"".join(route) or None, b"".join(left), b"".join(right or []))
        self._clear()
        self.done = True

    def _finish(self) -> None:
        if self.at_sign:
            # in obs-local-part ("ann . lee") white space around a dot means nothing
            local = b" ".join(self.local).replace(b". ", b".").replace(b" .", b".")
            self._add(self.comment, None, local, b"".join(self.domain))
        elif len(self.words) == 1:
            self._add(self.comment, None, self.words[0], b"")
        elif self.words:
            self._add(b" ".join(self.words), None, b"", b"")
        self._clear()

    def _add(self, name: bytes | None, route: bytes | None, local: bytes, domain: bytes) -> None:
        self.out.append(Address(name or None, route, local or MISSING_MAILBOX, domain or MISSING_DOMAIN))


def _unquote(text: bytes) -> bytes:
    if b"\n" in text:
        text = unfold_value(text)
    return _ESCAPE.sub(rb"\1", text) if b"\\" in text else text


def _tidy(comment: bytes) -> bytes:
    return _unquote(comment).strip(b" \t\r\n")
