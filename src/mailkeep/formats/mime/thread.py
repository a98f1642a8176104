"""What threads are made of: message ids (RFC 5322 §3.6.4) and base subjects (RFC 5256 §2.1)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mailkeep.formats.mime.words import decode_words

if TYPE_CHECKING:
    from mailkeep.formats.mime.scan import Part

MAX_REFERENCES: Final = 100  # the first one and the last of them; a thread needs no more
_MESSAGE_ID: Final = re.compile(rb"<([^<>\s]{1,995})>")
_SPACE: Final = re.compile(r"\s+")
_BLOB: Final = r"\[[^\[\]]*\]\s*"
_TRAILER: Final = re.compile(r"(?:\s*\(fwd\)|\s+)\Z", re.IGNORECASE)
_REPLY: Final = re.compile(r"(?:re|fwd?|aw|wg|sv|vs|antw|tr|rif|odp|r|i)\s*(?:" + _BLOB + r")?:\s*", re.IGNORECASE)
_LEADING_BLOB: Final = re.compile(_BLOB)
_WRAPPED: Final = re.compile(r"\[fwd:(.*)\]\Z", re.IGNORECASE | re.DOTALL)
_LONGEST: Final = 1000  # characters of a subject that count


def find_message_ids(value: bytes) -> list[bytes]:
    """The ids in a Message-ID, In-Reply-To or References value, without ``<>``, in order, each once."""
    return list(dict.fromkeys(_MESSAGE_ID.findall(value)))


def message_id(message: Part) -> bytes | None:
    """The message's own id, without ``<>``."""
    ids = find_message_ids(message.find_field(b"message-id") or b"")
    return ids[0] if ids else None


def references(message: Part) -> list[bytes]:
    """Ids of the messages this one answers: References, oldest first, then In-Reply-To; at most MAX_REFERENCES."""
    found = find_message_ids(message.find_field(b"references") or b"")
    if len(found) > MAX_REFERENCES:
        found = [found[0], *found[1 - MAX_REFERENCES :]]
    for each in find_message_ids(message.find_field(b"in-reply-to") or b"")[:MAX_REFERENCES]:
        if each not in found:
            found.append(each)
    return found


def base_subject(value: bytes) -> tuple[str, bool]:
    """By which subject a conversation goes (RFC 8621 §3), case-folded, and whether it was a reply or forward.

    Nearly the base subject of RFC 5256 (see `subject`), but that besides "Re" and "Fw" the abbreviations of other
    languages count as replies; clients write them.
    """
    subject = _SPACE.sub(" ", decode_words(value)[:_LONGEST])
    reply = False
    while True:
        start = subject
        while (match := _TRAILER.search(subject)) is not None:
            reply = reply or ")" in match.group()
            subject = subject[: match.start()]
        subject = subject.lstrip()
        subject, stripped = _strip_leader(subject)
        reply = reply or stripped
        match = _WRAPPED.match(subject)
        if match is not None:
            subject, reply = match[1], True
        if subject == start:
            return subject.casefold(), reply


def _strip_leader(subject: str) -> tuple[str, bool]:
    """Take "Re:" and "[list]" off the front, but never the last thing there is."""
    reply = False
    while True:
        rest = subject
        while (blob := _LEADING_BLOB.match(rest)) is not None:
            rest = rest[blob.end() :]
        match = _REPLY.match(rest)
        if match is not None:
            subject, reply = rest[match.end() :], True
            continue
        blob = _LEADING_BLOB.match(subject)
        if blob is not None and blob.end() < len(subject):
            subject = subject[blob.end() :]
            continue
        return subject, reply
