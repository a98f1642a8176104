"""IMAP URLs of a message or a part of one (RFC 5092), with the authorization of RFC 4467.

Only forms that name octets are understood: not those of servers, mailboxes or searches.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import unquote_to_bytes

from mailkeep.formats.mime.section import Text

MAX_URL: Final = 8000  # characters
MAX_DEPTH: Final = 100  # numbers of a part

_URL: Final = re.compile(
    r"(?P<rump>(?:imap://(?P<user>[^;@/?#:]+)(?:;AUTH=[^@/?#]+)?@(?P<host>[^@/?#;]+))?"
    r"/(?P<mailbox>[^;?#]+?)(?:;UIDVALIDITY=(?P<uidvalidity>[1-9][0-9]{0,9}))?"
    r"/;UID=(?P<uid>[1-9][0-9]{0,9})"
    r"(?:/?;SECTION=(?P<section>[^;?#]+?))?"
    r"(?:/?;PARTIAL=(?P<offset>[0-9]{1,18})(?:\.(?P<count>[1-9][0-9]{0,17}))?)?"
    r"(?:;EXPIRE=(?P<expire>[^;?#]+))?(?:;URLAUTH=(?P<access>[^;?#:]+))?)"
    r"(?::(?P<mechanism>[A-Za-z0-9.-]+):(?P<token>[0-9A-Fa-f]{32,256}))?\Z",
    re.IGNORECASE,
)
_SECTION: Final = re.compile(
    r"(?P<part>[1-9][0-9]{0,8}(?:\.[1-9][0-9]{0,8})*)?(?P<dot>\.)?"
    r"(?P<text>HEADER|TEXT|MIME|HEADER\.FIELDS(?:\.NOT)? \((?P<fields>[^()]+)\))?\Z",
    re.IGNORECASE,
)
_DATE_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})\Z",
    re.IGNORECASE,
)
_ACCESS: Final = re.compile(r"(?:(?P<kind>submit|user)\+(?P<user>.+)|(?P<word>authuser|anonymous))\Z", re.IGNORECASE)
_CHARACTERS: Final = re.compile(r"[!-~]+\Z")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


class BadUrl(ValueError):
    """This is no URL of a message or a part of one."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use an authorized URL (RFC 4467 §3): `kind` is submit, user, authuser or anonymous."""

    kind: str
    user: str | None = None  # of submit and user


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapUrl:
    """A parsed URL.

    `user` and `host`: None for one that begins with the mailbox.  `part`, `text` and `fields`: the section, as in
    FETCH.  `partial`: offset and count, the latter None for all the rest.  `expires_at`: UTC seconds.
    `rump`: the URL up to its access identifier, untouched; `mechanism` (upper case) and `token` are what follows it.
    """

    user: str | None
    host: str | None
    mailbox: str
    uidvalidity: int | None
    uid: int
    part: tuple[int, ...]
    text: Text
    fields: tuple[str, ...]
    partial: tuple[int, int | None] | None
    expires_at: float | None
    access: Access | None
    rump: str
    mechanism: str | None
    token: str | None


def parse_url(url: str) -> ImapUrl:
    """Take a URL apart.  Raises: BadUrl."""
    found = _URL.match(url) if len(url) <= MAX_URL and _CHARACTERS.match(url) else None
    if found is None:
        raise BadUrl("not an IMAP URL of a message")
    part, text, fields = _section(found["section"])
    mailbox = _decode(found["mailbox"])
    return ImapUrl(
        user=None if found["user"] is None else _decode(found["user"]),
        host=found["host"],
        mailbox="INBOX" if mailbox.upper() == "INBOX" else mailbox,
        uidvalidity=_number(found["uidvalidity"]),
        uid=int(found["uid"]),
        part=part,
        text=text,
        fields=fields,
        partial=None if found["offset"] is None else (int(found["offset"]), _number(found["count"])),
        expires_at=None if found["expire"] is None else _date_time(found["expire"]),
        access=None if found["access"] is None else _access(found["access"]),
        rump=found["rump"],
        mechanism=None if found["mechanism"] is None else found["mechanism"].upper(),
        token=found["token"],
    )


def _number(digits: str | None) -> int | None:
    return None if digits is None else int(digits)


def _decode(encoded: str) -> str:
    """Percent-encoded UTF-8 (RFC 5092 §8).  Raises: BadUrl."""
    try:
        text = unquote_to_bytes(encoded).decode("utf-8")
    except UnicodeDecodeError:
        raise BadUrl("not UTF-8") from None
    if _CONTROL.search(text):
        raise BadUrl("a control character")
    return text


def _section(encoded: str | None) -> tuple[tuple[int, ...], Text, tuple[str, ...]]:
    if encoded is None:
        return (), Text.ALL, ()
    found = _SECTION.match(_decode(encoded))
    if found is None or bool(found["dot"]) != bool(found["part"] and found["text"]):
        raise BadUrl("no such section")
    part = tuple(map(int, found["part"].split("."))) if found["part"] else ()
    word = (found["text"] or "").partition(" ")[0].upper()
    if len(part) > MAX_DEPTH or not (part or word) or (word == "MIME" and not part):
        raise BadUrl("no such section")
    return part, Text(word), tuple((found["fields"] or "").replace('"', "").split())


def _date_time(text: str) -> float:
    """Of RFC 3339.  Raises: BadUrl."""
    try:
        if not _DATE_TIME.match(text):
            raise ValueError(text)
        return datetime.fromisoformat(text.upper()).timestamp()
    except ValueError:
        raise BadUrl("no such time") from None


def _access(text: str) -> Access:
    found = _ACCESS.match(text)
    if found is None:
        raise BadUrl("no such access identifier")
    if found["word"]:
        return Access(found["word"].lower())
    return Access(found["kind"].lower(), _decode(found["user"]))
