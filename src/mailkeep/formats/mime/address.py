"""Address lists (RFC 5322 §3.4, and the obsolete forms of §4.4): mailboxes and groups, from whatever a header holds.

Display names stay as they are written, encoded words included: ENVELOPE wants them so; `words.decode_words` reads them.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

MAX_ADDRESSES: Final = 10_000  # of one field; more are not looked at
MAX_VALUE: Final = 1 << 20

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
    rb"[ \t\r\n]*(?:(?:\"([^\"\\\r\n]*)\"[ \t\r\n]*|((?:[^\x00-\x1f()<>@,;:\\\"\[\]\x7f]|\r?\n[ \t])*))<"
    + _DOT_ATOM + rb"@" + _DOT_ATOM + rb">|" + _DOT_ATOM + rb"@" + _DOT_ATOM + rb")[ \t\r\n]*(?:,|\Z)"
)  # fmt: skip
_TOKEN: Final = re.compile(
    rb"[ \t\r\n]+|\"((?:[^\"\\]|\\.)*)(?:\"|\Z|\\\Z)|(\[(?:[^\]\\]|\\.)*(?:\]|\Z|\\\Z))|([(<>@,;:.])"
    rb"|([^ \t\r\n()<>@,;:.\"\[]+)",
    re.DOTALL,
)
_COMMENT_EDGE: Final = re.compile(rb"[()]|\\.", re.DOTALL)
_ESCAPE: Final = re.compile(rb"\\(.)", re.DOTALL)
_FOLD: Final = re.compile(rb"[ \t]*\r?\n[ \t]*")


def parse_addresses(value: bytes) -> list[Address]:
    """The addresses of a field's value, folded or not, in order; groups as start, members, end.  Never fails."""
    out: list[Address] = []
    at, size = 0, len(value)
    while at < size:
        match = _SIMPLE.match(value, at)
        if match is None or len(out) >= MAX_ADDRESSES:
            return out if len(out) >= MAX_ADDRESSES else out + _Parser(value[at : at + MAX_VALUE]).run()
        quoted, phrase, local, domain, bare_local, bare_domain = match.groups()
        if bare_local is not None:
            out.append(Address(None, None, bare_local, bare_domain))
        else:
            name = quoted if quoted is not None else b" ".join(phrase.split())
            out.append(Address(name or None, None, local, domain))
        at = match.end()
    return out


class _Parser:
    """The whole grammar, a token at a time; a token in the wrong place is dropped, so there is always an answer."""

    __slots__ = ("at_sign", "comment", "domain", "done", "glue", "in_group", "local", "out", "value", "words")

    def __init__(self, value: bytes) -> None:
        self.value = value
        self.out: list[Address] = []
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

    def run(self) -> list[Address]:
        value, at, size = self.value, 0, len(self.value)
        while at < size and len(self.out) < MAX_ADDRESSES:
            match = _TOKEN.match(value, at)
            if match is None:  # a lone "\" or the like
                at += 1
                continue
            at = match.end()
            quoted, literal, special, atom = match.groups()
            if special == b"(":
                at = self._read_comment(at)
            elif special == b"<":
                at = self._angle(at)
            elif special is not None:
                self._special(special)
            elif atom is not None or literal is not None:
                self._word(atom if atom is not None else literal)
            elif quoted is not None:
                self._word(_unquote(quoted))
            else:
                self.glue = False
        self._finish()
        if self.in_group:
            self.out.append(_GROUP_END)
        return self.out

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

    def _read_comment(self, at: int) -> int:
        start, depth = at, 1
        for match in _COMMENT_EDGE.finditer(self.value, at):
            edge = match.group()
            depth += (edge == b"(") - (edge == b")")
            if depth == 0:
                self.comment = _tidy(self.value[start : match.start()])
                return match.end()
        self.comment = _tidy(self.value[start:])
        return len(self.value)

    def _angle(self, at: int) -> int:
        """What stands in ``<…>``: [route ":"] local "@" domain; afterwards the mailbox is complete."""
        name = b" ".join(self.words) if not self.at_sign else b" ".join([*self.local, *self.domain])
        route: list[bytes] = []
        left: list[bytes] = []
        right: list[bytes] | None = None
        value, size = self.value, len(self.value)
        while at < size:
            match = _TOKEN.match(value, at)
            if match is None:
                at += 1
                continue
            at = match.end()
            quoted, literal, special, atom = match.groups()
            target = left if right is None else right
            if special == b">":
                break
            if special == b"(":
                at = self._read_comment(at)
            elif special == b"@":
                if right is None:
                    right = []
                elif not left:
                    right.append(b"@")
            elif special == b":" and not left and right:
                route, left, right = [b"@", *right], [], None
            elif special == b"," and not left and right is not None:
                right.append(b",")
            elif special == b".":
                target.append(b".")
            elif special is not None:
                continue
            elif quoted is not None:
                target.append(_unquote(quoted))
            elif atom is not None or literal is not None:
                target.append(atom if atom is not None else literal)
        # "<>" is nobody (RFC 5322 has no such form, mailers do): it is still one mailbox
        self._add(name or None, b"".join(route) or None, b"".join(left), b"".join(right or []))
        self._clear()
        self.done = True
        return at

    def _finish(self) -> None:
        if self.at_sign:
            # white space around the dots of an obsolete local part, or words nobody can place before it
            self._add(self.comment, None, b" ".join(self.local).replace(b". ", b".").replace(b" .", b"."), b"".join(self.domain))
        elif self.words:
            self._add(self.comment, None, b" ".join(self.words), b"")
        self._clear()

    def _add(self, name: bytes | None, route: bytes | None, local: bytes, domain: bytes) -> None:
        self.out.append(Address(name or None, route, local or MISSING_MAILBOX, domain or MISSING_DOMAIN))


def _unquote(text: bytes) -> bytes:
    if b"\n" in text:
        text = _FOLD.sub(b" ", text)
    return _ESCAPE.sub(rb"\1", text) if b"\\" in text else text


def _tidy(comment: bytes) -> bytes:
    return _unquote(comment).strip(b" \t\r\n")
