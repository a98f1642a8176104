"""Mail made from numbers: `message(n)` depends on `n` alone.

Sizes are heavy-tailed (most of 2 to 6 kB, a few to 70 kB).  Text in several charsets and encodings, alternatives,
attachments, forwarded messages, list mail, threads, encoded words.  All of it is well-formed: what this mail measures
is speed, and every server must agree on it.
"""

from __future__ import annotations

import base64
import quopri
import random
import time
from email.header import Header
from email.utils import formatdate
from typing import Final

VERSION: Final = 1  # in the names of seeded mailboxes: raise it when `message` changes
RARE_WORD: Final = "zyzzyva"
RARE_ONE_IN: Final = 199
SENDER: Final = "Kowalska"  # a name that searches look for

_START: Final = 1_735_689_600  # 2025-01-01
_STEP_S: Final = 1471
_LARGEST: Final = 66_000  # octets of a body, about

_WORDS: Final = (  # noqa: SIM905  it reads better than a hundred strings
    "the of and to in is that for it with as was on be at by this have from or had not are but what all were when we "
    "there can an your which their said if do will each about how up out them then she many some so these would other "
    "into has more her two like him see time could no make than first been its who now people over did down only way "
    "find use may water long little very after words called just where most know project meeting budget server "
    "release deadline report customer contract review agenda invoice delivery schedule quarter office travel proposal "
    "draft comments attached regards thanks question update problem solution design version account payment ticket"
).split()
_FOREIGN: Final = (
    ("iso-8859-1", "Die Größe der Übertragung überschreitet das zulässige Maß; bitte prüfen Sie die Anhänge."),
    ("iso-8859-2", "Proszę o przesłanie faktury za ubiegły miesiąc, łącznie z opłatą za przesyłkę do Łodzi."),
    ("koi8-r", "Добрый день! Направляю вам отчёт о проделанной работе за прошлый квартал."),
    ("shift_jis", "お世話になっております。来週の会議の資料をお送りいたします。"),
    ("gb2312", "您好，附件是本季度的项目报告，请查收。如有问题，请随时与我联系。"),
    ("utf-8", "Great news \U0001f389 the build is green ✅ and the coffee ☕ is ready, “soon” …"),
)
_PEOPLE: Final = tuple(
    (first, last)
    for last in (SENDER, "Nowak", "Müller", "Dupont", "García", "Petrova", "Tanaka", "Zhang", "Cohen", "Smith")
    for first in ("Anna", "Jürgen", "José", "Olga", "Wei", "Sarah", "Zoë", "Robert")
)
_HOSTS: Final = ("example.org", "example.com", "example.net", "mail.example.org", "lists.example.net")
_TOPICS: Final = (
    "Quarterly report", "Invoice", "Meeting notes", "Maintenance window", "Your order has shipped", "Lunch on Friday?",
    "Contract draft", "Build failed: main", "[dev-list] patch review", "Größe des Anhangs überschritten",
    "Réunion d'été à Genève", "Отчёт за квартал", "会議の資料", "Faktura za październik – Łódź",
)  # fmt: skip
_FILES: Final = (
    ("report.pdf", "application/pdf"),
    ("photo.jpg", "image/jpeg"),
    ("archive.zip", "application/zip"),
    ("patch.diff", "text/x-patch"),
)

_POOL: Final = random.Random(20250101)  # noqa: S311  nothing here is a secret
_BASE64: Final = base64.encodebytes(_POOL.randbytes(200_000)).replace(b"\n", b"\r\n")
_BASE64_LINE: Final = 78


def _paragraph() -> str:
    words = _POOL.choices(_WORDS, k=_POOL.randrange(20, 90))
    return "\r\n".join(" ".join(words[k : k + 12]) for k in range(0, len(words), 12)) + ".\r\n"


_PARAGRAPHS: Final = tuple(_paragraph() for _ in range(300))
_HTML_HEAD: Final = (
    '<!DOCTYPE html>\r\n<html><head><meta charset="utf-8"><style>p{margin:0 0 1em}</style></head><body>\r\n'
)

Entity = tuple[list[str], bytes]  # content header lines, body


def sent_at(number: int) -> int:
    """The message's Date in UTC seconds; ascends with the number."""
    return _START + number * _STEP_S


def internaldate(number: int) -> str:
    """As APPEND takes it."""
    return time.strftime("%d-%b-%Y %H:%M:%S +0000", time.gmtime(sent_at(number) + 5))


def flags(number: int) -> frozenset[str]:
    """The system flags that the message is seeded with: most are read, some answered."""
    mixed = number * 2_654_435_761 & 0xFFFFFFFF
    seen = {"\\Seen"} if mixed % 10 < 7 else set()
    return frozenset(seen | {"\\Answered"} if (mixed >> 9) % 10 == 0 else seen)


def message_id(number: int) -> str:
    """With its angle brackets."""
    return f"<{number * 2_654_435_761 & 0xFFFFFFFF:08x}.{number}@{_HOSTS[number % len(_HOSTS)]}>"


def sender(number: int) -> tuple[str, str]:
    """First and last name of who is in From."""
    return _PEOPLE[(number * 40_503 >> 3) % len(_PEOPLE)]


def local_part(first: str, last: str) -> str:
    """What stands before the "@" in the address of a person."""
    return f"{first[0]}.{last}".lower().encode("ascii", "replace").decode().replace("?", "x")


def has_rare_word(number: int) -> bool:
    """Whether `RARE_WORD` stands in a text of the message."""
    return number % RARE_ONE_IN == 0


def message(number: int, size: int | None = None) -> bytes:
    """One message, CRLF line ends; about `size` octets of body where one is given."""
    r = random.Random(number)  # noqa: S311  nothing here is a secret
    wanted = size or int(min(_LARGEST, max(400, r.lognormvariate(7.35, 1.25))))
    header, body = _entity(r, number, wanted)
    lines = [*_trace(r, number), *_envelope(r, number), "MIME-Version: 1.0", *header]
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + body


def exactly(number: int, octets: int) -> bytes:
    """One plain message of exactly that many octets, which must have room for a header."""
    r = random.Random(number)  # noqa: S311  nothing here is a secret
    lines = [*_envelope(r, number), "MIME-Version: 1.0", "Content-Type: text/plain; charset=us-ascii"]
    header = "\r\n".join(lines).encode("ascii") + b"\r\n\r\n"
    room = octets - len(header) - 2
    assert room >= 0, "the header alone is larger"
    text = "\r\n".join(r.choices(_PARAGRAPHS, k=room // 80 + 1)).encode("ascii")
    return header + text[:room].rstrip(b"\r\n").ljust(room, b".") + b"\r\n"


def _trace(r: random.Random, number: int) -> list[str]:
    at = sent_at(number)
    lines = [f"Return-Path: <bounce-{number}@lists.example.net>"]
    lines += [
        f"Received: from mx{hop}.example.net (mx{hop}.example.net [192.0.2.{r.randrange(1, 250)}])\r\n"
        f"\tby mail.example.org (Postfix) with ESMTPS id {r.getrandbits(44):011X}\r\n"
        f"\tfor <you@example.org>; {formatdate(at + 3 - hop)}"
        for hop in range(r.randrange(1, 4))
    ]
    if r.random() < 0.6:
        lines.append(
            f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.net; s=s2025;\r\n\tt={at};"
            f" h=From:To:Subject:Date:Message-ID;\r\n\tb={r.getrandbits(500):0125x}"
        )
    return lines


def _envelope(r: random.Random, number: int) -> list[str]:
    lines = [
        f"From: {_mailbox(*sender(number))}",
        f"To: {_people(r, 1 if r.random() < 0.7 else r.randrange(2, 9))}",
    ]
    if r.random() < 0.25:
        lines.append(f"Cc: {_people(r, r.randrange(1, 5))}")
    if r.random() < 0.1:
        lines.append(f"Reply-To: {_people(r, 1)}")
    parents = [number - back for back in sorted(r.sample(range(1, 30), r.randrange(0, 6)), reverse=True)]
    parents = [parent for parent in parents if parent > 0]
    lines.append(f"Subject: {_encoded(('Re: ' if parents else '') + r.choice(_TOPICS) + f' #{number % 1000}')}")
    lines.append(f"Date: {formatdate(sent_at(number))}")
    lines.append(f"Message-ID: {message_id(number)}")
    if parents:
        lines.append(f"In-Reply-To: {message_id(parents[-1])}")
        lines.append("References: " + "\r\n ".join(message_id(parent) for parent in parents))
    if r.random() < 0.25:
        lines.append("List-Id: Developers <dev.lists.example.net>\r\nPrecedence: list")
    if r.random() < 0.15:
        lines.append("X-Priority: 1")
    if r.random() < 0.5:
        lines.append("User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0)")
    return lines


def _encoded(text: str) -> str:
    return text if text.isascii() else Header(text, "utf-8", maxlinelen=72).encode(linesep="\r\n")


def _mailbox(first: str, last: str) -> str:
    name = f"{first} {last}"
    return f"{_encoded(name)} <{local_part(first, last)}@{_HOSTS[len(name) % len(_HOSTS)]}>"


def _people(r: random.Random, count: int) -> str:
    # not the name that searches look for in From: whether To counts must not matter
    return ",\r\n ".join(_mailbox(*r.choice(_PEOPLE[8:])) for _ in range(count))


def _entity(r: random.Random, number: int, size: int) -> Entity:
    kind = r.random()
    if size > 20_000:
        kind = max(kind, 0.7)  # what is large carries attachments
    if kind < 0.42:
        return _text(r, number, size)
    if kind < 0.7:
        return _alternative(r, number, size)
    if kind < 0.94:
        first = _alternative if r.random() < 0.5 else _text
        text = first(r, number, min(size // 3, 6000))
        count = r.choice((1, 1, 1, 2, 3))
        return _multipart(r, "mixed", [text, *(_attachment(r, size * 2 // 3 // count) for _ in range(count))])
    inner = _text(r, 1, size // 2)  # message 1 has no rare word
    octets = "\r\n".join([*_envelope(r, 1), "MIME-Version: 1.0", *inner[0]]).encode("ascii") + b"\r\n\r\n" + inner[1]
    return _multipart(r, "mixed", [_text(r, number, size // 4), (["Content-Type: message/rfc822"], octets)])


def _words(r: random.Random, number: int, size: int) -> tuple[str, str]:
    """Charset and text."""
    charset, foreign = "utf-8", None
    if r.random() < 0.35:
        charset, foreign = r.choice(_FOREIGN)
        charset = charset if r.random() < 0.5 else "utf-8"
    blocks: list[str] = []
    length = 0
    while length < size:
        block = foreign + "\r\n" if foreign else r.choice(_PARAGRAPHS)
        blocks.append(block)
        length += (len(block.encode()) if foreign else len(block)) + 2
    if has_rare_word(number):
        blocks.insert(len(blocks) // 2, f"The word of the day is {RARE_WORD}.\r\n")
    return charset, "\r\n".join(blocks)


def _text(r: random.Random, number: int, size: int, subtype: str = "plain") -> Entity:
    charset, text = _words(r, number, size)
    if subtype == "html":
        text = (
            _HTML_HEAD + "<p>" + text.replace("\r\n\r\n", '</p>\r\n<p style="color:#333">') + "</p></body></html>\r\n"
        )
    octets = text.encode(charset)
    encoding = "7bit" if octets.isascii() else r.choice(("quoted-printable", "base64", "8bit"))
    if encoding == "quoted-printable":
        octets = quopri.encodestring(octets.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    elif encoding == "base64":
        octets = base64.encodebytes(octets).replace(b"\n", b"\r\n")
    return [f"Content-Type: text/{subtype}; charset={charset}", f"Content-Transfer-Encoding: {encoding}"], octets


def _alternative(r: random.Random, number: int, size: int) -> Entity:
    return _multipart(r, "alternative", [_text(r, number, size // 3), _text(r, number, size * 2 // 3, subtype="html")])


def _attachment(r: random.Random, size: int) -> Entity:
    name, kind = r.choice(_FILES)
    lines = max(1, size // _BASE64_LINE)
    start = r.randrange(len(_BASE64) // _BASE64_LINE - lines) * _BASE64_LINE
    return [
        f'Content-Type: {kind};\r\n\tname="{name}"',
        "Content-Transfer-Encoding: base64",
        f'Content-Disposition: attachment;\r\n\tfilename="{name}"; size={lines * 57}',
    ], _BASE64[start : start + lines * _BASE64_LINE]


def _multipart(r: random.Random, subtype: str, parts: list[Entity]) -> Entity:
    boundary = f"=_{r.getrandbits(60):x}"
    mark = b"--" + boundary.encode("ascii")
    body = b"".join(
        mark + b"\r\n" + "\r\n".join(header).encode("ascii") + b"\r\n\r\n" + octets + b"\r\n"
        for header, octets in parts
    )
    return [f'Content-Type: multipart/{subtype};\r\n\tboundary="{boundary}"'], body + mark + b"--\r\n"
