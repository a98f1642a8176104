"""Reports of what became of a message: delivery status notifications (RFC 3464, RFC 3461 §6, RFC 6522, RFC 6533).

What remote hosts said stands in them, so nothing is trusted: texts are bounded, and hold no control characters.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import StrEnum
from typing import Final

from mailkeep.formats.mime.header import split_fields, unfold
from mailkeep.formats.mime.thread import find_message_ids
from mailkeep.formats.mime.words import decode_words, encode_words

MAX_TEXT: Final = 900  # characters of what a host said: a line has 998 at most
MAX_SUBJECT: Final = 200  # characters of the subject that is quoted
LINE: Final = 76  # characters; longer lines are folded where there is a space

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_UNICODE: Final = re.compile(r"\\x\{([0-9A-F]{2,6})\}")
_STATUS: Final = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")
_STARTS_WITH_STATUS: Final = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}\b")
_TYPE: Final = re.compile(r"[A-Za-z0-9-]+")
_BARE: Final = re.compile(rb"\r(?!\n)|(?<!\r)\n|\0")
_LONGEST_LINE: Final = 998  # octets (RFC 5322 §2.1.1)


class Action(StrEnum):
    """What was done for a recipient (RFC 3464 §2.3.3)."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"


_TOLD: Final = {
    Action.FAILED: (
        "Not delivered",
        "Your message could not be delivered to the addresses below, and is not tried again.",
    ),
    Action.DELAYED: (
        "Delayed",
        "Your message has not been delivered yet to the addresses below.  You need not do anything: it is tried again"
        " until {until}.",
    ),
    Action.DELIVERED: ("Delivered", "Your message has been delivered to the addresses below."),
    Action.RELAYED: (
        "Passed on",
        "Your message has been passed on to the servers of the addresses below.  They do not tell whether it arrives.",
    ),
}

_HINTS: Final = {  # by status without its class (RFC 3463 §3): what a reader can do
    "1.1": "Look for a typing error in the address.",
    "1.2": "Look for a typing error after the @.",
    "1.10": "This domain takes no mail at all.",  # RFC 7505 §4
    "2.2": "The mailbox is full.",
    "3.4": "The message is too large for that server.",
    "4.7": "It has been tried for as long as mail is kept.",
    "7.30": "That server cannot keep the promise of encrypted delivery that you asked for.",  # RFC 8689 §4.2.1
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What became of one recipient.

    `original` is ORCPT as ``type;address``, decoded.  `status` is a code of RFC 3463.  `host` is the remote host,
    perhaps with its address in brackets; "" where none was asked.  `code` of its reply is 0 where there was none, and
    `text` then says what went wrong here.  Times are UTC seconds; `retried_until` is of a delay alone.
    """

    address: str
    action: Action
    status: str
    text: str = ""
    code: int = 0
    host: str = ""
    original: str | None = None
    tried_at: int | None = None
    retried_until: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a sender is told.

    `token`: characters that make Message-ID and boundary unique.  `returned`: the message, or its header where it is
    not `whole`.  Times are UTC seconds; `held_until`: before that the message was not to leave (RFC 4865).
    """

    hostname: str
    to: str
    token: str
    made_at: int
    arrived_at: int
    recipients: tuple[Status, ...]
    returned: bytes
    whole: bool
    envelope_id: str | None = None
    held_until: int | None = None


def compose(report: Report) -> bytes:
    """The message that says it: explanation, status, and what is returned (RFC 3464 §2, RFC 6522 §3)."""
    boundary = _boundary(report)
    parts = (_explanation(report), _status(report), _returned(report))
    body = b"".join([b"--%b\r\n%b\r\n" % (boundary, part) for part in parts])
    return b"%b\r\n%b--%b--\r\n" % (_header(report, boundary, _encoding(body)), body, boundary)


def _boundary(report: Report) -> bytes:
    boundary = b"report-" + report.token.encode()
    while b"--" + boundary in report.returned:
        boundary += b"-x"
    return boundary


# --- its header


def _header(report: Report, boundary: bytes, encoding: bytes) -> bytes:
    host = _ascii(report.hostname)
    fields = [
        f"Date: {_date(report.made_at)}",
        f"From: Mail Delivery System <MAILER-DAEMON@{host}>",
        f"To: {_plain(report.to)}",
        f"Subject: {_subject(report)}",
        f"Message-ID: <{report.token}@{host}>",
        *_thread(report.returned),
        "Auto-Submitted: auto-replied",  # RFC 3834 §5: no responder answers it
        "MIME-Version: 1.0",
        f"Content-Transfer-Encoding: {encoding.decode()}",  # of all that is inside (RFC 2045 §6.4)
        f'Content-Type: multipart/report; report-type=delivery-status;\r\n boundary="{boundary.decode()}"',
    ]
    return "".join([field + "\r\n" for field in fields]).encode()


def _subject(report: Report) -> str:
    said = _TOLD[_worst(report.recipients)][0]
    original = _plain(decode_words(_find(report.returned, b"subject")))[:MAX_SUBJECT]
    subject = f"{said}: {original}" if original else f"{said}: your message"
    if subject.isascii():
        return "\r\n ".join(_fold(subject, LINE - len("Subject: ")))
    return encode_words(subject).decode().replace(" ", "\r\n ")


def _thread(returned: bytes) -> Iterator[str]:
    """So that clients show the report with the message it is about."""
    ids = find_message_ids(_find(returned, b"message-id"))
    if ids and ids[0].isascii():
        yield f"In-Reply-To: <{ids[0].decode()}>"
        yield f"References: <{ids[0].decode()}>"


def _find(message: bytes, name: bytes) -> bytes:
    """The value of the first field of that name in a header, or in the message that begins with it."""
    end = re.search(rb"(?:\A|\n)\r?\n", message)
    header = message if end is None else message[: end.start() + 1]
    return next((unfold(whole) for each, whole in split_fields(header) if each == name), b"")


def _worst(recipients: Iterable[Status]) -> Action:
    """Of several things that are told at once, that which the reader must know first."""
    order = list(Action)
    return min((recipient.action for recipient in recipients), key=order.index)


# --- the explanation


def _explanation(report: Report) -> bytes:
    text = "\r\n".join(_told(report)) + "\r\n"
    octets = text.encode()
    encoding = b"7bit" if octets.isascii() else b"8bit"
    return b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: %b\r\n\r\n%b" % (encoding, octets)


def _told(report: Report) -> Iterator[str]:
    yield f"This is the mail server {_plain(report.hostname)}."
    for action in Action:
        concerned = [recipient for recipient in report.recipients if recipient.action is action]
        if not concerned:
            continue
        until = max((recipient.retried_until or 0 for recipient in concerned), default=0)
        yield ""
        yield from textwrap.wrap(_TOLD[action][1].format(until=_date(until)), LINE)
        for recipient in concerned:
            yield ""
            yield f"  {_plain(recipient.address)}"
            yield from _indented(_reason(recipient))
            if recipient.action in (Action.FAILED, Action.DELAYED):
                yield from _indented(_HINTS.get(recipient.status.partition(".")[2], ""))
    yield ""
    yield from textwrap.wrap(
        "The message, or its header, is attached." if report.whole else "The header of the message is attached.", LINE
    )


def _reason(status: Status) -> str:
    text = _reply(status) if status.code else _plain(status.text)
    if not text:
        return ""
    return f"{_plain(status.host)} said: {text}" if status.host and status.code else text


def _indented(text: str) -> list[str]:
    return [f"    {line}" for line in textwrap.wrap(text, LINE - 4)] if text else []


# --- the status


def _status(report: Report) -> bytes:
    groups = ["\r\n".join(_about_message(report))]
    groups += ["\r\n".join(_about(recipient)) for recipient in report.recipients]
    octets = "\r\n\r\n".join(groups).encode() + b"\r\n"
    if octets.isascii():  # RFC 3464 §2.1
        return b"Content-Type: message/delivery-status\r\nContent-Transfer-Encoding: 7bit\r\n\r\n" + octets
    # RFC 6533 §4.1
    return b"Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + octets


def _about_message(report: Report) -> Iterator[str]:
    if report.envelope_id is not None:
        yield f"Original-Envelope-Id: {_ascii(report.envelope_id)}"
    # RFC 3461 §6.3: a name that is not fully qualified is not one of DNS
    kind = "dns" if "." in report.hostname else "x-local-hostname"
    yield f"Reporting-MTA: {kind}; {_ascii(report.hostname)}"
    yield f"Arrival-Date: {_date(report.arrived_at)}"
    if report.held_until is not None:  # RFC 4865 §5.1.2; HOLDFOR too is told as the moment that it came to
        yield f"Future-Release-Request: until;{datetime.fromtimestamp(report.held_until, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _about(status: Status) -> Iterator[str]:
    if status.original is not None and (original := _original(status.original)):
        yield f"Original-Recipient: {original}"
    address = _plain(status.address)
    yield f"Final-Recipient: {'rfc822' if address.isascii() else 'utf-8'}; {address}"
    yield f"Action: {status.action}"
    yield f"Status: {status.status if _STATUS.fullmatch(status.status) else '5.0.0'}"
    if status.host:
        yield f"Remote-MTA: dns; {_ascii(status.host.partition('[')[0] or status.host)}"
    if status.code:
        yield "\r\n ".join(_fold(f"Diagnostic-Code: smtp; {_ascii(_reply(status))}", LINE))
    elif status.text:
        yield "\r\n ".join(_fold(f"Diagnostic-Code: x-mailkeep; {_ascii(_plain(status.text))}", LINE))
    if status.tried_at is not None:
        yield f"Last-Attempt-Date: {_date(status.tried_at)}"
    if status.action is Action.DELAYED and status.retried_until is not None:
        yield f"Will-Retry-Until: {_date(status.retried_until)}"


def _original(original: str) -> str:
    """``type; address``; the form of RFC 6533 §3 that spells Unicode in ASCII becomes Unicode."""
    kind, _, address = original.partition(";")
    if not _TYPE.fullmatch(kind):
        return ""
    if kind.lower() == "utf-8":
        address = _UNICODE.sub(lambda match: _character(match), address)
    return f"{kind}; {_plain(address)}"


def _character(match: re.Match[str]) -> str:
    number = int(match[1], 16)
    return chr(number) if 0xA0 <= number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF else match[0]


def _reply(status: Status) -> str:
    """The reply of a host on one line: the code, the enhanced code once, the text."""
    text = _plain(status.text).removeprefix(str(status.code)).lstrip(" -")
    # a host that says 4yz has not said the code of what has been tried for too long
    if not _STARTS_WITH_STATUS.match(text) and status.status[:1] == str(status.code)[:1]:
        text = f"{status.status} {text}"
    return f"{status.code} {text}".rstrip()


# --- the third part


def _returned(report: Report) -> bytes:
    """RFC 6522 §3, RFC 3461 §4.3; the whole message may hold anything, and is not changed."""
    octets = report.returned
    ascii_header = octets.isascii() or _header_of(octets).isascii()
    if report.whole:
        kind = b"message/rfc822" if ascii_header else b"message/global"
    else:
        kind = b"text/rfc822-headers" if ascii_header else b"message/global-headers"
    return b"Content-Type: %b\r\nContent-Transfer-Encoding: %b\r\n\r\n%b" % (kind, _encoding(octets), octets)


def _header_of(message: bytes) -> bytes:
    end = re.search(rb"(?:\A|\n)\r?\n", message)
    return message if end is None else message[: end.start()]


def _encoding(octets: bytes) -> bytes:
    if _BARE.search(octets) or max(map(len, octets.split(b"\r\n"))) > _LONGEST_LINE:
        return b"binary"
    return b"7bit" if octets.isascii() else b"8bit"


# --- texts


def _plain(text: str) -> str:
    """One line without control characters, of bounded length."""
    return _CONTROL.sub(" ", text[: 2 * MAX_TEXT]).strip()[:MAX_TEXT]


def _ascii(text: str) -> str:
    return _plain(text).encode("ascii", "replace").decode()


def _fold(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]


def _date(seconds: int) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC))
