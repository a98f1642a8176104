"""What a submitted message still needs before it can travel, and what must not travel with it (RFC 6409 §6.3, §8).

The body is never looked at.  Of the header, fields are dropped and added as wholes: all others stay as they came.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from mailkeep.formats.mime.address import parse_addresses
from mailkeep.formats.mime.date import parse_date
from mailkeep.formats.mime.header import unfold
from mailkeep.formats.mime.parameters import strip_comments
from mailkeep.formats.mime.thread import find_message_ids

MAX_HEADER: Final = 256 * 1024  # octets of a header that is sent
MAX_FIELDS: Final = 2000  # of a header: each is looked at several times
MAX_SERVICE: Final = 1000  # octets of an Authentication-Results field, in which it must have said who speaks
MAX_FROM: Final = 10_000  # octets of a field that says who writes: all of its addresses are read,
MAX_AUTHORS: Final = 100  # and each is looked up

# RFC 5322 §3.6.8: a name is printable ASCII.  A line that begins otherwise ends the header, blank or not.
_FIELD: Final = re.compile(rb"([!-9;-~]+)[ \t]*:[^\n]*\n?(?:[ \t][^\n]*\n?)*")
_ENVELOPE_LINE: Final = re.compile(rb">?From [^\n]*\n")  # of an mbox file; some programs send it along
_BLANK_LINE: Final = re.compile(rb"\r?\n")
_BARE_LF: Final = re.compile(rb"(?<!\r)\n")

# RFC 5322 §3.6.3: nobody sees Bcc.  RFC 5321 §4.4: Return-Path is written at delivery, by whoever delivers.
_NEVER_SENT: Final = frozenset({b"bcc", b"resent-bcc", b"return-path"})

# Each is tried at a few places only, and goes over each octet once.
_QUOTED: Final = re.compile(rb'"(?:[^"\\]|\\.?)*+("?)', re.DOTALL)
_WORD: Final = rb'[^\s<>,;:()"\[\]@]'
_ADDRESS: Final = re.compile(rb"(?<!" + _WORD + rb")" + _WORD + rb"++@" + _WORD + rb"++")
_NAME_READERS: Final = frozenset({b"to", b"cc"})
_RESULTS: Final = b"authentication-results"

Field = tuple[bytes, bytes]
"""The name in lower case, and the whole field with its folds and line end."""


class Malformed(ValueError):
    """The header is not fit to be sent; the text says why."""


@dataclass(frozen=True, slots=True)
class Head:
    """The header of a message.  `body_at`: where the body begins, behind the blank line if there is one."""

    fields: tuple[Field, ...]
    body_at: int

    def count(self, name: bytes) -> int:
        """How many fields have this name (lower case)."""
        return sum(1 for each, _ in self.fields if each == name)

    def find(self, name: bytes) -> bytes | None:
        """The value, unfolded, of the first of them."""
        return next((unfold(whole) for each, whole in self.fields if each == name), None)

    def is_ascii(self) -> bool:
        """Whether all of it is."""
        return all(whole.isascii() for _, whole in self.fields)


def read_head(start: bytes, *, whole: bool) -> Head:
    """The header that a message begins with.

    `start` are its first octets, `whole` says that it has no more.  A header ends at a blank line, and before a line
    that cannot belong to it: so do other servers read it.
    Raises: Malformed (it is larger than `MAX_HEADER` and `MAX_FIELDS` allow, or has a CR alone, which some take for the
    end of a line).
    """
    fields: list[Field] = []
    at = 0
    if (envelope := _ENVELOPE_LINE.match(start)) is not None:
        at = envelope.end()
    while (field := _FIELD.match(start, at)) is not None:
        fields.append((field[1].lower(), field[0]))
        at = field.end()
        if at > MAX_HEADER or len(fields) > MAX_FIELDS:
            break
    if at > MAX_HEADER or len(fields) > MAX_FIELDS or (at == len(start) and not whole):
        raise Malformed("The header of the message is too large")
    if start.count(b"\r", 0, at) != start.count(b"\r\n", 0, at):
        raise Malformed("The header of the message has a CR alone")
    blank = _BLANK_LINE.match(start, at)
    return Head(tuple(fields), at if blank is None else blank.end())


def authors(head: Head, name: bytes = b"from") -> tuple[str, ...]:
    """The addresses in From, or in another field of that kind; empty where there is none.

    An address without a domain, or one that is no UTF-8, is there as something that is no address.  So is whatever
    looks like one outside of quotes and comments: what we pass over, another reader may take for the author.
    Raises: Malformed (two such fields, one too large, a quote never closed: readers differ in what they see of them;
    too many addresses).
    """
    if name == b"from" and head.count(name) > 1:
        raise Malformed("The message has more than one From field")
    value = head.find(name)
    if value is None:
        return ()
    if len(value) > MAX_FROM:
        raise Malformed(f"The field {name.decode()} of the message is too large")
    plain = strip_comments(value)
    if b"" in _QUOTED.findall(plain):
        raise Malformed(f"A quote in the field {name.decode()} of the message is never closed")
    found = [each.decode("utf-8", "replace") for each in _ADDRESS.findall(_QUOTED.sub(b" ", plain))]
    named = tuple(dict.fromkeys([*_addresses(value), *found]))
    if len(named) > MAX_AUTHORS:
        raise Malformed(f"The field {name.decode()} of the message has too many addresses")
    return named


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What a message gets where it has none: values of the fields, as they stand behind the colon."""

    date: bytes
    message_id: bytes
    author: bytes


def complete(head: Head, missing: Missing, *, sender: bytes | None = None) -> list[Field]:
    """The fields with what must be there (RFC 6409 §8.2, §8.3); what is not usable is replaced.

    `sender`: what the field Sender is to say, b"" for none at all, None to leave it (RFC 6409 §8.1).
    """
    fields = list(head.fields)
    if not find_message_ids(head.find(b"message-id") or b""):
        fields = _replaced(fields, b"message-id", b"Message-ID: %b\r\n" % missing.message_id)
    if parse_date(head.find(b"date") or b"") is None:
        fields = _replaced(fields, b"date", b"Date: %b\r\n" % missing.date)
    if not authors(head):
        fields = _replaced(fields, b"from", b"From: %b\r\n" % missing.author)
    if sender is not None:
        fields = _replaced(fields, b"sender", b"Sender: %b\r\n" % sender if sender else b"")
    return fields


def _replaced(fields: Sequence[Field], name: bytes, whole: bytes) -> list[Field]:
    kept = [field for field in fields if field[0] != name]
    return [*kept, (name, whole)] if whole else kept


def without_results(fields: Sequence[Field], server: bytes) -> list[Field]:
    """The fields without results of checks in the name of `server`: it has checked nothing (RFC 8601 §5)."""
    ours = (server.lower(), b"")
    return [(name, whole) for name, whole in fields if name != _RESULTS or _said_by(whole) not in ours]


def _said_by(results: bytes) -> bytes:
    """Who speaks in an Authentication-Results field (RFC 8601 §2.2: authserv-id); empty for nobody."""
    words = (
        strip_comments(unfold(results)[:MAX_SERVICE]).partition(b";")[0].replace(b"\\", b"").replace(b'"', b" ").split()
    )
    return words[0].removesuffix(b".").lower() if words else b""


def sent_header(fields: Sequence[Field]) -> bytes:
    """What travels, with its blank line: without Bcc (RFC 5322 §3.6.3)."""
    return b"".join(_ended(whole for name, whole in fields if name not in _NEVER_SENT)) + b"\r\n"


def kept_header(fields: Sequence[Field], recipients: Iterable[str] = ()) -> bytes:
    """What the sender keeps, with its blank line: he wants to know later to whom he wrote, Bcc included.

    Most programs leave Bcc out themselves: then those of `recipients` that no field names are put there.
    """
    kept = [field for field in fields if field[0] != b"return-path"]
    # what was sent on has fields that speak of another time
    if not any(name in (b"bcc", b"resent-from") for name, _ in kept):
        named = {
            address.lower() for name, whole in kept if name in _NAME_READERS for address in _addresses(unfold(whole))
        }
        if hidden := [address for address in recipients if address.lower() not in named]:
            kept.append((b"bcc", b"Bcc: %b\r\n" % ",\r\n ".join(hidden).encode()))
    return b"".join(_ended(whole for _, whole in kept)) + b"\r\n"


def _addresses(value: bytes) -> Iterator[str]:
    for each in parse_addresses(value):
        if each.domain is not None:
            yield f"{(each.local or b'').decode('utf-8', 'replace')}@{each.domain.decode('utf-8', 'replace')}"


def _ended(wholes: Iterator[bytes]) -> Iterator[bytes]:
    """Each with CRLF: some programs write LF alone, and the last field of a message without a body has neither."""
    for whole in wholes:
        text = _BARE_LF.sub(b"\r\n", whole)
        yield text if text.endswith(b"\n") else text + b"\r\n"
