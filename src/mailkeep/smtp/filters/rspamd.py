"""rspamd, asked over HTTP (its protocol: POST /checkv2)."""

from __future__ import annotations

import re
import ssl
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any, Final

import httpx
import msgspec

from mailkeep.model.errors import Unavailable
from mailkeep.smtp.filters.fault import FilterFault, Terms, Within
from mailkeep.smtp.filters.lines import header_field
from mailkeep.smtp.judging import Action, Arriving, Opinion
from mailkeep.smtp.wire.reply import Reply

MAX_ANSWER: Final = 1 << 20  # octets of JSON
MAX_FIELDS: Final = 100
CONNECT_S: Final = 5.0

_ACTIONS: Final = {
    "no action": Action.ACCEPT,
    # its own module for greylisting says "soft reject" where somebody is to come again
    "greylist": Action.ACCEPT,
    "add header": Action.JUNK,
    "rewrite subject": Action.JUNK,
    "quarantine": Action.JUNK,
    "soft reject": Action.DEFER,
    "reject": Action.REJECT,
    "discard": Action.DISCARD,
}


class _Milter(msgspec.Struct):
    add_headers: Any = None


class Answer(msgspec.Struct):
    """What is read of an answer; everything else in it is left out."""

    action: str
    score: float
    required_score: float
    messages: dict[str, Any] = {}
    milter: _Milter | None = None


class Rspamd:
    """A judge that asks the rspamd at `url`.

    Mail that it would mark goes to Junk; the line X-Spam-Status, and header lines that it wants added, stand before the
    message.
    """

    def __init__(self, url: str, terms: Terms) -> None:
        self._url = url.rstrip("/") + "/checkv2"
        self._within = Within("rspamd", terms)
        # a context for each request would take some 10 ms; where there is no TLS, none is loaded
        self._tls: ssl.SSLContext | bool = ssl.create_default_context() if url.startswith("https:") else False

    async def judge(self, arriving: Arriving) -> Opinion:
        """See `Judge`."""
        return await self._within.ask(self._ask, arriving)

    async def _ask(self, arriving: Arriving) -> Opinion:
        size = len(arriving.fields) + arriving.octets.size
        # not compressed: a small answer could be a thousand times as large
        headers = [*_about(arriving), (b"Content-Length", str(size).encode()), (b"Accept-Encoding", b"identity")]
        try:
            async with (
                httpx.AsyncClient(
                    verify=self._tls, trust_env=False, timeout=httpx.Timeout(None, connect=CONNECT_S)
                ) as client,
                client.stream("POST", self._url, headers=headers, content=_octets(arriving)) as response,
            ):
                if response.status_code != httpx.codes.OK:
                    raise FilterFault(f"HTTP status {response.status_code}")
                return read_answer(await _all(response))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise FilterFault(type(error).__name__) from error
        except Unavailable as error:
            raise FilterFault(error.text) from error


def _about(arriving: Arriving) -> Iterator[tuple[bytes, bytes]]:
    """What rspamd is told of the envelope and the client; addresses beyond ASCII as UTF-8."""
    yield b"Helo", arriving.helo.encode()
    yield b"From", arriving.reverse_path.encode() or b"<>"
    if arriving.peer:
        yield b"IP", arriving.peer.encode()
    if arriving.peer_name:
        yield b"Hostname", arriving.peer_name.encode()
    if arriving.user:
        yield b"User", arriving.user.encode()
    for recipient in arriving.recipients:
        yield b"Rcpt", recipient.encode()


async def _octets(arriving: Arriving) -> AsyncIterator[bytes]:
    if arriving.fields:
        yield arriving.fields
    for piece in arriving.octets.pieces():
        yield piece


async def _all(response: httpx.Response) -> bytes:
    octets = bytearray()
    async for piece in response.aiter_raw():
        octets += piece
        if len(octets) > MAX_ANSWER:
            raise FilterFault("the answer is too long")
    return bytes(octets)


def read_answer(octets: bytes) -> Opinion:
    """What an answer means.  Raises: FilterFault."""
    try:
        answer = _DECODER.decode(octets)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FilterFault("the answer is not what rspamd says") from error
    action = _ACTIONS.get(answer.action)
    if action is None:
        raise FilterFault("the answer names an unknown action")
    fields = b"".join((_status(answer, action), *_fields(answer)))
    text = answer.messages.get("smtp_message")
    said = partial(_reply, text if isinstance(text, str) else "")
    match action:
        case Action.DEFER:
            return Opinion(action, said(451, "4.7.1", "Try again later"), fields)
        case Action.REJECT:
            return Opinion(action, said(550, "5.7.1", "This is taken for spam"), fields)
        case Action.ACCEPT | Action.JUNK | Action.DISCARD:
            return Opinion(action, fields=fields)


def _reply(text: str, code: int, enhanced: str, otherwise: str) -> Reply:
    """Its own words, on one line; without an enhanced code of its own in front."""
    words = " ".join(re.sub(r"^[245]\.\d{1,3}\.\d{1,3} ", "", text).split())
    return Reply(code, enhanced, words or otherwise)


def _status(answer: Answer, action: Action) -> bytes:
    yes = "No" if action is Action.ACCEPT else "Yes"
    return f"X-Spam-Status: {yes}, score={answer.score:.2f} required={answer.required_score:.2f}\r\n".encode()


def _fields(answer: Answer) -> Iterator[bytes]:
    """Header lines to add: a name has a value, an object with a value, or a list of them."""
    wanted = answer.milter.add_headers if answer.milter is not None else None
    if not isinstance(wanted, dict):
        return
    pairs = [
        (name, value) for name, values in wanted.items() for value in (values if isinstance(values, list) else [values])
    ]
    for name, value in pairs[:MAX_FIELDS]:
        text = value.get("value") if isinstance(value, dict) else value
        if isinstance(name, str) and isinstance(text, str) and (whole := header_field(name, text)) is not None:
            yield whole


_DECODER: Final = msgspec.json.Decoder(Answer)
