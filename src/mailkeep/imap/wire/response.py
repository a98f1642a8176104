r"""Responses as octets: pure encoders (RFC 9051 §7, §9).

Functions that make whole lines end them with CRLF.  The pieces of a FETCH response (`uid`, `flags`, …) and the response
codes (`appenduid`, …: without brackets) are joined by `fetch` and `status_line`.  Mailbox names come in already encoded
by `mailbox`, as only the session knows which way its client wants them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

from mailkeep.imap.wire import utf7
from mailkeep.imap.wire.status import StatusItem

Ranges = Iterable[tuple[int, int]]
Positioned = Sequence[tuple[int, Ranges]]

NIL: Final = b"NIL"
OK: Final = b"OK"
NO: Final = b"NO"
BAD: Final = b"BAD"
BYE: Final = b"BYE"
UNTAGGED: Final = b"*"

_MONTHS: Final = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_EPOCH: Final = date(1970, 1, 1).toordinal()
_LAST_DAY: Final = date.max.toordinal()
_ATOM: Final = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\]+\Z')
_NOT_QUOTABLE: Final = re.compile(rb"[\x00\r\n\x80-\xff]")
_LINE_BREAKING: Final = re.compile(rb"[\x00\r\n]")
_SPECIAL: Final = re.compile(rb'(["\\])')
_MAX_QUOTED: Final = 1000  # longer strings go as literals: old clients read lines into small buffers
_NOT_IN_CODE: Final = re.compile(r'[^ -~]|["\\\]]')
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+")


# Strings


def literal(octets: bytes) -> bytes:
    """A literal as a server sends it.  NUL, which it must not hold, becomes 0x80: the size stays."""
    return b"{%d}\r\n%b" % (len(octets), without_nul(octets))


def literal8(octets: bytes) -> bytes:
    """A literal that may hold NUL (BINARY)."""
    return b"~{%d}\r\n%b" % (len(octets), octets)


def without_nul(octets: bytes) -> bytes:
    """The octets with 0x80 for each NUL, which an ordinary literal cannot hold."""
    return octets.replace(b"\0", b"\x80") if b"\0" in octets else octets


def string(octets: bytes) -> bytes:
    """Quoted where possible (7-bit, no CR, LF, NUL, not long), else a literal."""
    if len(octets) > _MAX_QUOTED or _NOT_QUOTABLE.search(octets):
        return literal(octets)
    return b'"%b"' % _SPECIAL.sub(rb"\\\1", octets)


def nstring(octets: bytes | None) -> bytes:
    """A string, or NIL for None."""
    return NIL if octets is None else string(octets)


def astring(octets: bytes) -> bytes:
    """An atom where possible, else a string.  NIL is quoted."""
    return octets if _ATOM.match(octets) and octets.upper() != NIL else string(octets)


def quoted(octets: bytes) -> bytes:
    """A quoted string, in UTF-8 perhaps.  The octets must not hold CR, LF or NUL."""
    return b'"%b"' % _SPECIAL.sub(rb"\\\1", octets)


def mailbox(name: str, *, utf8: bool) -> bytes:
    """A mailbox name: quoted always but INBOX; in UTF-8 (IMAP4rev2, UTF8=ACCEPT), else in modified UTF-7."""
    if name == "INBOX":
        return b"INBOX"
    octets = name.encode("utf-8") if utf8 else utf7.encode(name)
    return literal(octets) if _LINE_BREAKING.search(octets) else quoted(octets)


def sequence_set(ranges: Ranges) -> bytes:
    """``1:3,7`` of ranges (low, high)."""
    return b",".join([b"%d" % low if low == high else b"%d:%d" % (low, high) for low, high in ranges])


def runs(numbers: Sequence[int]) -> bytes:
    """A set that keeps the order of `numbers`; consecutive ascending ones become ranges.  Empty for none."""
    return sequence_set(run_ranges(numbers))


def run_ranges(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """The ranges of `runs`."""
    ranges: list[tuple[int, int]] = []
    low = high = -1
    for number in numbers:
        if number == high + 1 and low != -1:
            high = number
            continue
        if low != -1:
            ranges.append((low, high))
        low = high = number
    if low != -1:
        ranges.append((low, high))
    return ranges


def date_time(at: int) -> bytes:
    """Date-time of UTC seconds, quoted, the day padded with a space: ``"17-Jul-1996 02:44:25 +0000"``."""
    days, seconds = divmod(at, 86400)
    return _day(days) + _MINUTES[seconds // 60] + _SECONDS[seconds % 60]


_MINUTES: Final = tuple(b" %02d:%02d:" % divmod(minute, 60) for minute in range(24 * 60))
_SECONDS: Final = tuple(b'%02d +0000"' % second for second in range(60))


@lru_cache(4096)  # listings ask for the same few days again and again
def _day(days: int) -> bytes:
    day = date.fromordinal(min(max(days + _EPOCH, 1), _LAST_DAY))
    return f'"{day.day:2d}-{_MONTHS[day.month]}-{day.year:04d}'.encode("ascii")


# Metadata (RFC 5464 §5)

METADATA_TOOMANY: Final = b"METADATA TOOMANY"


def metadata(mailbox: bytes, values: Iterable[tuple[str, bytes | None]]) -> bytes:
    """An untagged METADATA with values; None is NIL."""
    pairs = [b"%b %b" % (astring(entry.encode("ascii")), _metadata_value(value)) for entry, value in values]
    return b"* METADATA %b (%b)\r\n" % (mailbox, b" ".join(pairs))


def _metadata_value(value: bytes | None) -> bytes:
    return literal8(value) if value is not None and b"\0" in value else nstring(value)


def metadata_changed(mailbox: bytes, entries: Iterable[str]) -> bytes:
    """The line of an unsolicited METADATA: names of entries alone (§4.4.2)."""
    return b"METADATA %b %b" % (mailbox, b" ".join([astring(entry.encode("ascii")) for entry in entries]))


def metadata_longentries(size: int) -> bytes:
    """Code of GETMETADATA: the size of the largest value that was left out (§4.2.1)."""
    return b"METADATA LONGENTRIES %d" % size


def metadata_maxsize(size: int) -> bytes:
    """Code of SETMETADATA: the size of the largest value that is taken (§4.3)."""
    return b"METADATA MAXSIZE %d" % size


# Quota (RFC 9208 §7)


def quota(root: str, rows: Iterable[tuple[str, int, int]]) -> bytes:
    """The line of QUOTA; rows are resource, usage, limit."""
    resources = [b"%b %d %d" % (resource.encode("ascii"), used, limit) for resource, used, limit in rows]
    return b"QUOTA %b (%b)" % (astring(root.encode()), b" ".join(resources))


def quotaroot(mailbox: bytes, root: str) -> bytes:
    """The line of QUOTAROOT for a mailbox with one quota root."""
    return b"QUOTAROOT %b %b" % (mailbox, astring(root.encode()))


# Status


def status_line(tag: bytes, word: bytes, text: str, code: bytes = b"") -> bytes:
    """``a1 OK [code] text``; with UNTAGGED as tag, an untagged one.

    `text` is made 7-bit, one line, not empty (a code without text breaks clients: errata 5055 of RFC 7162), and not
    to look like a code.
    """
    if not text or not text.isascii() or not text.isprintable() or text[0] in " [":
        text = _CONTROL.sub(" ", text).encode("ascii", "replace").decode("ascii").strip(" [") or "."
    if code:
        return b"%b %b [%b] %b\r\n" % (tag, word, code, text.encode("ascii"))
    return b"%b %b %b\r\n" % (tag, word, text.encode("ascii"))


def continuation(text: bytes = b"OK") -> bytes:
    """``+ text``: the space is always there, clients hang without it.  For SASL `text` is base64, perhaps empty."""
    return b"+ %b\r\n" % text


def appenduid(uidvalidity: int, uids: Sequence[int]) -> bytes:
    """Code of APPEND (RFC 9051 §7.1)."""
    return b"APPENDUID %d %b" % (uidvalidity, runs(uids))


def copyuid(uidvalidity: int, source: Sequence[int], target: Sequence[int]) -> bytes:
    """Code of COPY and MOVE; `source[i]` became `target[i]` (RFC 9051 §7.1).  Both must not be empty."""
    return b"COPYUID %d %b %b" % (uidvalidity, runs(source), runs(target))


def modified(ranges: Ranges) -> bytes:
    """Code of a conditional STORE that failed for some (RFC 7162 §3.1.3)."""
    return b"MODIFIED " + sequence_set(ranges)


def messagelimit(most: int, lowest: int | None = None) -> bytes:
    """Code of a command that has dealt with `most` messages only, down to the UID `lowest` (RFC 9738 §3.1)."""
    return b"MESSAGELIMIT %d" % most if lowest is None else b"MESSAGELIMIT %d %d" % (most, lowest)


def highestmodseq(value: int) -> bytes:
    """Code of SELECT (RFC 7162 §3.1.2.1)."""
    return b"HIGHESTMODSEQ %d" % value


def permanentflags(names: Iterable[str], *, keywords: bool) -> bytes:
    r"""Code of SELECT.  `keywords`: new ones may be made, told by ``\*``."""
    every = [*names, "\\*"] if keywords else names
    return b"PERMANENTFLAGS (%b)" % " ".join(every).encode("ascii")


def mailboxid(objectid: str) -> bytes:
    """Code of SELECT and CREATE (RFC 8474 §4)."""
    return b"MAILBOXID (%b)" % objectid.encode("ascii")


def noupdate(tag: bytes) -> bytes:
    """Code of an untagged NO: a search with UPDATE is not kept up to date (RFC 5267 §4.3.1)."""
    return b'NOUPDATE "%b"' % tag


def inprogress(tag: bytes, done: int, goal: int) -> bytes:
    """Code of an untagged OK while a command runs (RFC 9585); a `goal` of 0 is unknown, and so is how far it is.

    The state is told while it is below the goal, as the end is told by the tagged answer.
    """
    named = NIL if b"]" in tag else b'"%b"' % tag
    state = b"%d %d" % (done, goal) if done < goal else b"NIL NIL"
    return b"INPROGRESS (%b %b)" % (named, state)


def undefined_filter(name: str) -> bytes:
    """Code of a search that names a filter which is none (RFC 5466 §3.1)."""
    return b"UNDEFINED-FILTER " + name.encode("ascii")


def badcharset(charsets: Iterable[str]) -> bytes:
    """Code of SEARCH with an unknown charset."""
    return b"BADCHARSET (%b)" % " ".join(charsets).encode("ascii")


def badurl(url: str) -> bytes:
    """Code of APPEND with a URL that leads nowhere (RFC 4469 §4.1); what cannot stand in a code becomes ``?``."""
    return b'BADURL "%b"' % _NOT_IN_CODE.sub("?", url[:_MAX_QUOTED]).encode("ascii")


# Untagged data


def capability(names: Iterable[str]) -> bytes:
    """The data of CAPABILITY without ``*``: also the response code."""
    return b"CAPABILITY " + " ".join(names).encode("ascii")


def untagged(data: bytes) -> bytes:
    """``* data``."""
    return b"* %b\r\n" % data


def enabled(names: Iterable[str]) -> bytes:
    """ENABLED, perhaps of nothing: it is sent always (RFC 9051 §7.2.1)."""
    return b" ".join([b"* ENABLED", *[name.encode("ascii") for name in names]]) + b"\r\n"


def exists(count: int) -> bytes:
    """EXISTS."""
    return b"* %d EXISTS\r\n" % count


def recent(count: int) -> bytes:
    """RECENT (only in IMAP4rev1)."""
    return b"* %d RECENT\r\n" % count


def expunge(number: int) -> bytes:
    """EXPUNGE of one message number."""
    return b"* %d EXPUNGE\r\n" % number


def vanished(ranges: Ranges, *, earlier: bool = False) -> bytes:
    """VANISHED of UIDs; `earlier`: they may have gone in the past (RFC 7162 §3.2.10).  Empty ranges give b""."""
    uids = sequence_set(ranges)
    if not uids:
        return b""
    return b"* VANISHED (EARLIER) %b\r\n" % uids if earlier else b"* VANISHED %b\r\n" % uids


def mailbox_flags(names: Iterable[str]) -> bytes:
    """FLAGS, in answer to SELECT."""
    return b"* FLAGS (%b)\r\n" % " ".join(names).encode("ascii")


def list_line(
    attributes: Iterable[str], name: bytes, *, delimiter: str = "/", extended: bytes = b"", word: bytes = b"LIST"
) -> bytes:
    r"""LIST, or LSUB by `word`.  `attributes` with their backslash; `extended`: `childinfo` and `oldname`, joined."""
    line = b'* %b (%b) "%b" %b' % (word, " ".join(attributes).encode("ascii"), delimiter.encode("ascii"), name)
    return b"%b (%b)\r\n" % (line, extended) if extended else line + b"\r\n"


def childinfo(options: Iterable[str]) -> bytes:
    """Extended LIST data: children match these selection options (RFC 9051 §6.3.9.6)."""
    return b'"CHILDINFO" (%b)' % " ".join([f'"{option}"' for option in options]).encode("ascii")


def oldname(name: bytes) -> bytes:
    """Extended LIST data: the name before a rename (RFC 9051 §6.3.9.7)."""
    return b'"OLDNAME" (%b)' % name


def status(name: bytes, values: Iterable[tuple[StatusItem, int | str]]) -> bytes:
    """STATUS.  The value of MAILBOXID is a `str`."""
    items = [
        b"%b %d" % (item.value, value) if isinstance(value, int) else b"%b (%b)" % (item.value, value.encode("ascii"))
        for item, value in values
    ]
    return b"* STATUS %b (%b)\r\n" % (name, b" ".join(items))


def namespace(*prefixes: str, delimiter: str = "/") -> bytes:
    """NAMESPACE: the prefixes of the personal tree, that of others, and the shared one (RFC 9051 §7.3.2)."""
    trees = [b'(("%b" "%b"))' % (prefix.encode("ascii"), delimiter.encode("ascii")) for prefix in prefixes]
    return b"* NAMESPACE %b\r\n" % b" ".join(trees)


def comparator(active: str, matching: Iterable[str]) -> bytes:
    """COMPARATOR: the active one, and those that match, perhaps none (RFC 5255 §4.8)."""
    listed = b" ".join([astring(each.encode("ascii")) for each in matching])
    return b"* COMPARATOR %b%b\r\n" % (astring(active.encode("ascii")), b" (%b)" % listed if listed else b"")


def language(tags: Iterable[str]) -> bytes:
    """LANGUAGE: the one in use, or several that there are (RFC 5255 §3.3)."""
    return b"* LANGUAGE (%b)\r\n" % b" ".join([astring(each.encode("ascii")) for each in tags])


def id_(fields: Iterable[tuple[str, str | None]]) -> bytes:
    """ID of the server (RFC 2971)."""
    pairs = [
        b"%b %b" % (string(name.encode("utf-8")), nstring(None if value is None else value.encode("utf-8")))
        for name, value in fields
    ]
    return b"* ID (%b)\r\n" % b" ".join(pairs) if pairs else b"* ID NIL\r\n"


def search(numbers: Iterable[int], modseq: int | None = None) -> bytes:
    """SEARCH of IMAP4rev1; `modseq` the highest among the results (RFC 7162 §3.1.5), left out when nothing is found."""
    found = [*map(str, numbers)]
    if found and modseq is not None:
        found.append(f"(MODSEQ {modseq})")
    return " ".join(["* SEARCH", *found]).encode() + b"\r\n"


def spaced(numbers: Iterable[int]) -> bytes:
    """Numbers with a space before each: SORT goes out in pieces (RFC 5256 §4)."""
    text = " ".join(map(str, numbers))
    return b" " + text.encode("ascii") if text else b""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """What ESEARCH tells; None is left out.  `all`: None for an empty result (RFC 9051 §7.3.4).

    `partial`: the range asked for and what is in it (RFC 9394 §3.1).
    `mailbox`: its name, made by `mailbox`, and UIDVALIDITY, for the ESEARCH command (RFC 7377 §2.1).
    `relevancy`: scores of what is told, in its order (RFC 6203 §4).
    `removefrom`, `addto`: positions and what leaves or comes there, in the order to carry out (RFC 5267 §4.3.2).
    """

    uid: bool
    mailbox: tuple[bytes, int] | None = None
    min: int | None = None
    max: int | None = None
    all: Sequence[tuple[int, int]] | None = None
    partial: tuple[bytes, Sequence[tuple[int, int]]] | None = None
    count: int | None = None
    modseq: int | None = None
    relevancy: Iterable[int] | None = None
    removefrom: Positioned = ()
    addto: Positioned = ()


def esearch(tag: bytes, result: SearchResult) -> bytes:
    """ESEARCH.  The tag is a quoted string: Outlook wants it so."""
    about = b"" if result.mailbox is None else b" MAILBOX %b UIDVALIDITY %d" % result.mailbox
    parts = [b'* ESEARCH (TAG "%b"%b)' % (tag, about)]
    if result.uid:
        parts.append(b"UID")
    if result.min is not None:
        parts.append(b"MIN %d" % result.min)
    if result.max is not None:
        parts.append(b"MAX %d" % result.max)
    if result.all:
        parts.append(b"ALL " + sequence_set(result.all))
    if result.partial is not None:
        parts.append(b"PARTIAL (%b %b)" % (result.partial[0], sequence_set(result.partial[1]) or NIL))
    if result.count is not None:
        parts.append(b"COUNT %d" % result.count)
    if result.modseq is not None:
        parts.append(b"MODSEQ %d" % result.modseq)
    if result.relevancy is not None:
        parts.append(b"RELEVANCY (%b)" % " ".join(map(str, result.relevancy)).encode("ascii"))
    if result.removefrom:
        parts.append(b"REMOVEFROM (%b)" % _positioned(result.removefrom))
    if result.addto:
        parts.append(b"ADDTO (%b)" % _positioned(result.addto))
    return b" ".join(parts) + b"\r\n"


def _positioned(pairs: Positioned) -> bytes:
    return b" ".join([b"%d %b" % (position, sequence_set(ranges)) for position, ranges in pairs])


URLMECH: Final = b"URLMECH INTERNAL"
"""Code of RESETKEY, SELECT and EXAMINE (RFC 4467 §8)."""


def genurlauth(urls: Iterable[str]) -> bytes:
    """GENURLAUTH (RFC 4467 §8)."""
    return b"* GENURLAUTH %b\r\n" % b" ".join([string(url.encode("utf-8")) for url in urls])


def urlfetch_begin(url: str) -> bytes:
    """The beginning of URLFETCH; a space and its data follow."""
    return b"* URLFETCH " + string(url.encode("utf-8"))


def urlfetch_nothing(url: str) -> bytes:
    """URLFETCH of a URL that names nothing (RFC 4467 §8)."""
    return urlfetch_begin(url) + b" NIL\r\n"


# FETCH


def fetch(number: int, pieces: Iterable[bytes]) -> bytes:
    """FETCH of one message, from pieces made by the functions below."""
    return b"* %d FETCH (%b)\r\n" % (number, b" ".join(pieces))


def uid(value: int) -> bytes:
    """Piece UID."""
    return b"UID %d" % value


def flags(names: Iterable[str]) -> bytes:
    """Piece FLAGS."""
    return b"FLAGS (%b)" % " ".join(names).encode("ascii")


def internaldate(at: int) -> bytes:
    """Piece INTERNALDATE of UTC seconds."""
    return b"INTERNALDATE " + date_time(at)


def size(octets: int) -> bytes:
    """Piece RFC822.SIZE."""
    return b"RFC822.SIZE %d" % octets


def modseq(value: int) -> bytes:
    """Piece MODSEQ (RFC 7162 §3.1.4.2)."""
    return b"MODSEQ (%d)" % value


def emailid(objectid: str) -> bytes:
    """Piece EMAILID (RFC 8474 §5.1)."""
    return b"EMAILID (%b)" % objectid.encode("ascii")


def threadid(objectid: str | None) -> bytes:
    """Piece THREADID, NIL when there is none (RFC 8474 §5.2)."""
    return b"THREADID NIL" if objectid is None else b"THREADID (%b)" % objectid.encode("ascii")


def savedate(at: int | None) -> bytes:
    """Piece SAVEDATE of UTC seconds (RFC 8514 §4.3)."""
    return b"SAVEDATE NIL" if at is None else b"SAVEDATE " + date_time(at)


def section(label: bytes, octets: bytes | None) -> bytes:
    """Piece ``BODY[…]``, NIL when there is no such part.  `label`: as `wire.fetch.Section` has it."""
    return b"%b NIL" % label if octets is None else b"%b %b" % (label, literal(octets))


def section_head(label: bytes, size: int) -> bytes:
    """The beginning of piece ``BODY[…]`` when its `size` octets follow in chunks; pass each through `without_nul`."""
    return b"%b {%d}\r\n" % (label, size)


def binary(label: bytes, octets: bytes | None) -> bytes:
    """Piece ``BINARY[…]``: literal8 only where there is a NUL (RFC 3516 §4.4)."""
    if octets is None:
        return b"%b NIL" % label
    return b"%b %b" % (label, literal8(octets) if b"\0" in octets else literal(octets))


def binary_head(label: bytes, size: int) -> bytes:
    """The beginning of piece ``BINARY[…]`` when its `size` octets follow in chunks: a literal8, in case NUL comes."""
    return b"%b ~{%d}\r\n" % (label, size)


def binary_size(label: bytes, octets: int) -> bytes:
    """Piece ``BINARY.SIZE[…]``."""
    return b"%b %d" % (label, octets)
