"""The messages of the differential sessions: of each kind of content something that searches can tell apart."""

from __future__ import annotations

import base64
import quopri
import random
from typing import Final

WORDS: Final = ("copper", "silver", "gold", "Größe", "überall", "résumé", "Ελλάδα", "日本", "iron ore", "50%", "a_b")
PEOPLE: Final = (
    "Ann Lee <ann@example.net>",
    "bob@example.org",
    '"Carl, Mr." <carl@Example.COM>',
    "=?utf-8?q?Zo=C3=AB?= <zoe@example.org>",
)
DATES: Final = (
    "Mon, 3 Feb 2025 10:00:00 +0000",
    "Tue, 4 Feb 2025 23:30:00 -0500",
    "Wed, 5 Feb 2025 00:15:00 +0900",
    "5 Mar 2024 12:00:00 GMT",
)
ARRIVALS: Final = (
    "03-Feb-2025 10:00:00 +0000",
    "04-Feb-2025 23:30:00 -0500",
    " 5-Mar-2024 12:00:00 +0000",
    "31-Dec-2023 23:59:59 +0200",
)


def message(chance: random.Random, number: int) -> bytes:
    """One message; its Message-ID and some references make threads of some."""
    word = chance.choice(WORDS)
    head = [
        f"From: {chance.choice(PEOPLE)}",
        f"To: {', '.join(chance.sample(PEOPLE, chance.randrange(1, 3)))}",
        f"Subject: {chance.choice(['', 'Re: ', 'Fwd: '])}{encoded(word)}",
        f"Date: {chance.choice(DATES)}",
        f"Message-ID: <{number}@example.org>",
        "MIME-Version: 1.0",
    ]
    if chance.random() < 0.4:
        head.append(f"References: <{chance.randrange(max(1, number))}@example.org>")
    if chance.random() < 0.3:
        head.append(f"Cc: {chance.choice(PEOPLE)}")
    if chance.random() < 0.2:
        head.append(f"X-Metal: {chance.choice(WORDS[:3])}")
    lines, body = chance.choice([_plain, _quoted, _base64, _latin, _html, _mixed])(chance)
    return "\r\n".join([*head, *lines, ""]).encode() + b"\r\n" + body


def encoded(text: str) -> str:
    """A subject, in an encoded word if need be."""
    return text if text.isascii() else f"=?utf-8?b?{base64.b64encode(text.encode()).decode()}?="


def _words(chance: random.Random) -> str:
    return " ".join(chance.choice(WORDS) for _ in range(chance.randrange(1, 12)))


def _plain(chance: random.Random) -> tuple[list[str], bytes]:
    text = " ".join(word for word in _words(chance).split() if word.isascii())
    return [], f"{text}\r\n".encode() * chance.randrange(1, 5)


def _quoted(chance: random.Random) -> tuple[list[str], bytes]:
    head = ["Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: quoted-printable"]
    text = quopri.encodestring(_words(chance).encode(), quotetabs=False)
    return head, text.replace(b"\n", b"\r\n") + b"\r\n"


def _base64(chance: random.Random) -> tuple[list[str], bytes]:
    head = ["Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: base64"]
    return head, base64.encodebytes(_words(chance).encode()).replace(b"\n", b"\r\n")


def _latin(chance: random.Random) -> tuple[list[str], bytes]:
    head = ["Content-Type: text/plain; charset=windows-1252", "Content-Transfer-Encoding: quoted-printable"]
    octets = _words(chance).encode("windows-1252", "ignore")
    return head, quopri.encodestring(octets).replace(b"\n", b"\r\n") + b"\r\n"


def _html(chance: random.Random) -> tuple[list[str], bytes]:
    head = ["Content-Type: text/html; charset=utf-8", "Content-Transfer-Encoding: 8bit"]
    return head, f"<p>{_words(chance)}</p>\r\n".encode()


def _mixed(chance: random.Random) -> tuple[list[str], bytes]:
    parts = [chance.choice([_plain, _quoted, _base64, _latin])(chance) for _ in range(chance.randrange(1, 4))]
    body = b""
    for lines, content in parts:
        body += b"--frontier\r\n" + "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + content + b"\r\n"
    return ['Content-Type: multipart/mixed; boundary="frontier"'], body + b"--frontier--\r\n"
