"""What a message needs from the host it goes to, and the commands that say so."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Final

from mailkeep.model.address import to_ascii
from mailkeep.model.envelope import Body, Envelope, Notify, Recipient
from mailkeep.service.spool import Octets
from mailkeep.smtp.wire import xtext
from mailkeep.smtp.wire.answer import Offers

MAX_TEXT_LINE: Final = 998  # octets without CRLF (RFC 5321 §4.5.3.1.6)
MAX_HEADER: Final = 256 * 1024  # octets that are looked at for header fields

_TLS_OPTIONAL: Final = re.compile(rb"^tls-required[ \t]*:[ \t]*no[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_CONTROL: Final = re.compile(r"[\x00-\x20\x7f]")
# Nothing that could end the path or the line; a quoted local part may hold anything printable (RFC 5321 §4.1.2).
_PATH: Final = re.compile(r'(?:"(?:[^\x00-\x1f\x7f"\\]|\\[ -~])*"|[^\x00-\x20\x7f<>"]*)(?:@[^\x00-\x20\x7f<>"]+)?')


class Unfit(Exception):
    """The host cannot be given this message, or not for this recipient: `enhanced` is a permanent code."""

    def __init__(self, enhanced: str, text: str) -> None:
        super().__init__(text)
        self.enhanced = enhanced


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was found in the octets of a message, whatever its envelope says."""

    size: int
    is_ascii: bool
    is_text: bool  # lines that end with CRLF and are not too long, without NUL: it needs no BINARYMIME
    header_is_ascii: bool
    tls_optional: bool  # TLS-Required: No (RFC 8689 §5)


async def inspect(octets: Octets, *, is_binary: bool = False) -> Facts:
    """Look through a message: in a thread if it is in a file.  `is_binary`: that is what its envelope says.

    Raises: Unavailable.
    """
    if octets.path is None:
        return _inspect(octets, is_binary=is_binary)
    return await asyncio.to_thread(_inspect, octets, is_binary=is_binary)


class _Lines:
    """Whether octets that come in pieces are text (RFC 5321 §4.5.3.1.6)."""

    def __init__(self) -> None:
        self._rest = b""  # of a line whose end has not come
        self._is_text = True

    def add(self, piece: bytes) -> None:
        """More octets."""
        if self._is_text:
            *lines, self._rest = (self._rest + piece).split(b"\r\n")
            self._is_text = len(self._rest) <= MAX_TEXT_LINE + 1 and _are_text(lines)

    def end(self) -> bool:
        """Whether all were."""
        return self._is_text and _are_text([self._rest])


def _are_text(lines: list[bytes]) -> bool:
    together = b"".join(lines)
    return max(map(len, lines), default=0) <= MAX_TEXT_LINE and not any(o in together for o in (b"\r", b"\n", b"\0"))


def _inspect(octets: Octets, *, is_binary: bool) -> Facts:
    header = bytearray()
    is_ascii, lines = True, _Lines()
    for piece in octets.pieces():
        if len(header) < MAX_HEADER:
            header += piece[: MAX_HEADER - len(header)]
        is_ascii = is_ascii and piece.isascii()
        if is_binary:
            lines.add(piece)
    end = header.find(b"\r\n\r\n")
    fields = bytes(header[:end] if end >= 0 else header)
    return Facts(
        size=octets.size,
        is_ascii=is_ascii,
        is_text=not is_binary or lines.end(),
        header_is_ascii=fields.isascii(),
        tls_optional=_TLS_OPTIONAL.search(fields) is not None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How a message is given to a host: with which parameters of MAIL, and by DATA or BDAT."""

    body: Body | None
    smtputf8: bool
    chunked: bool


def fit(envelope: Envelope, facts: Facts, offers: Offers) -> Form:
    """The form in which a host that offers `offers` can take the message.  Raises: Unfit.

    What a client declared and does not need is not asked for: some say 8BITMIME, SMTPUTF8, BINARYMIME of everything.
    """
    if "SIZE" in offers and 0 < offers.size < facts.size:
        raise Unfit("5.3.4", f"The message has {facts.size} octets, the next host takes {offers.size} (RFC 1870)")
    if not facts.header_is_ascii and "SMTPUTF8" not in offers:
        raise Unfit("5.6.7", "The header is not ASCII, and the next host does not take SMTPUTF8 (RFC 6531)")
    if envelope.body is Body.BINARY and not facts.is_text:
        if "BINARYMIME" not in offers or "CHUNKING" not in offers:
            raise Unfit("5.6.3", "The message is binary, and the next host does not take BINARYMIME (RFC 3030)")
        return Form(body=Body.BINARY, smtputf8=_needs_utf8(envelope, facts, offers), chunked=True)
    if not facts.is_ascii and "8BITMIME" not in offers:
        raise Unfit("5.6.3", "The message has 8-bit octets, and the next host does not take 8BITMIME (RFC 6152)")
    body = None if facts.is_ascii else Body.EIGHT_BIT
    return Form(body=body, smtputf8=_needs_utf8(envelope, facts, offers), chunked=False)


def _needs_utf8(envelope: Envelope, facts: Facts, offers: Offers) -> bool:
    addresses = (envelope.reverse_path, *(recipient.address for recipient in envelope.recipients))
    return "SMTPUTF8" in offers and not (facts.header_is_ascii and all(address.isascii() for address in addresses))


def mail_line(envelope: Envelope, form: Form, facts: Facts, offers: Offers) -> bytes:
    """MAIL with the parameters that the host understands.  Raises: Unfit.

    RFC 1870 §5, RFC 6152 §3, RFC 6531 §3.4, RFC 3461 §5.2.1, RFC 8689 §4.
    """
    words = [f"MAIL FROM:<{_path(envelope.reverse_path, is_utf8=form.smtputf8)}>"]
    if "SIZE" in offers:
        words.append(f"SIZE={facts.size}")
    if form.body is not None:
        words.append(f"BODY={form.body.value}")
    if form.smtputf8:
        words.append("SMTPUTF8")
    if envelope.require_tls and "REQUIRETLS" in offers:
        words.append("REQUIRETLS")
    if "DSN" in offers:
        if envelope.returns is not None:
            words.append(f"RET={envelope.returns.value}")
        if envelope.envelope_id is not None:
            words.append(f"ENVID={xtext.encode(envelope.envelope_id.encode())}")
    return _line(words)


def rcpt_line(recipient: Recipient, form: Form, offers: Offers) -> bytes:
    """RCPT for one recipient (RFC 3461 §5.2.1, RFC 6533 §3).  Raises: Unfit."""
    words = [f"RCPT TO:<{_path(recipient.address, is_utf8=form.smtputf8)}>"]
    if "DSN" in offers:
        if recipient.notify is not None:
            names = [flag.name for flag in Notify if flag in recipient.notify]
            words.append(f"NOTIFY={','.join(str(name) for name in names) or 'NEVER'}")
        if recipient.original is not None:
            words.append(f"ORCPT={_original(recipient.original, is_utf8=form.smtputf8)}")
    return _line(words)


def _original(original: str, *, is_utf8: bool) -> str:
    """The value of ORCPT: of type utf-8 it has an encoding of its own (RFC 6533 §3)."""
    kind, _, address = original.partition(";")
    if kind.lower() != "utf-8":
        return f"{kind};{xtext.encode(address.encode())}"
    return f"{kind};" + "".join(
        c if (is_utf8 and c > "\x7f") or ("!" <= c <= "~" and c not in "\\+=") else f"\\x{{{ord(c):02X}}}"
        for c in address
    )


def _path(address: str, *, is_utf8: bool) -> str:
    if not _PATH.fullmatch(address):
        raise Unfit("5.1.3", "An address has characters that no command can hold")
    if is_utf8 or address.isascii():
        return address
    local, at, domain = address.rpartition("@")
    if not local.isascii():
        raise Unfit("5.6.7", f"<{address}> is not ASCII, and the next host does not take SMTPUTF8 (RFC 6531)")
    try:
        return f"{local}{at}{to_ascii(domain)}"
    except UnicodeError as error:
        raise Unfit("5.1.2", f"<{address}> has no domain that DNS could know") from error


def _line(words: list[str]) -> bytes:
    if any(_CONTROL.search(parameter) for parameter in words[1:]):
        raise Unfit("5.5.4", "A parameter has characters that no command can hold")
    return " ".join(words).encode() + b"\r\n"
