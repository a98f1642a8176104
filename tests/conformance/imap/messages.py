"""Messages for prepared mailboxes."""

from __future__ import annotations

from typing import Final


def crlf(text: str) -> bytes:
    """Lines of `text` with CRLF."""
    return text.replace("\n", "\r\n").encode("utf-8")


def simple_message(
    number: int, *, subject: str | None = None, text: str | None = None, size: int = 0, sender: str | None = None
) -> bytes:
    """A small text message; padded to exactly `size` octets when that is larger."""
    octets = crlf(
        f"Date: Mon, 7 Feb 1994 21:52:25 -0800\n"
        f"From: {sender or 'Fred Foobar <foobar@example.com>'}\n"
        f"Subject: {subject or f'message {number}'}\n"
        f"To: mooch@example.com\n"
        f"Message-ID: <{number}.{abs(hash((subject, text))) % 10**8}@example.com>\n"
        f"MIME-Version: 1.0\n"
        f"Content-Type: text/plain; charset=utf-8\n"
        f"Content-Transfer-Encoding: 8bit\n"
        f"\n"
        f"{text or 'Hello.'}\n"
    )
    missing = size - len(octets)
    if missing <= 0:
        return octets
    line = b"x" * 70 + b"\r\n"
    return (octets + line * (missing // len(line) + 1))[: size - 2] + b"\r\n"


# RFC 9051 §8: header of 342 octets and a body of 3028 octets in 92 lines
_TERRY_HEADER: Final = crlf(
    """\
Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)
From: Terry Gray <gray@cac.washington.edu>
Subject: IMAP4rev2 WG mtg summary and minutes
To: imap@cac.washington.edu
cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>
Message-Id: <B27397-0100000@cac.washington.edu>
MIME-Version: 1.0
Content-Type: TEXT/PLAIN; CHARSET=US-ASCII

"""
)
_TERRY_BODY: Final = b"".join(b"%02d " % n + b"m" * 28 + b"\r\n" for n in range(91)) + b"n" * 23 + b"\r\n"

# RFC 9051 §6.4.5.1: the message with the part numbers HEADER, TEXT, 1 to 4.2.2.2
_NESTED_TEXT: Final = "Content-Type: text/plain; charset=us-ascii\n\n"
NESTED: Final = crlf(
    """\
From: a@example.com
To: b@example.com
Subject: outer
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=outer

preamble
--outer
Content-Type: text/plain; charset=us-ascii

part one
--outer
Content-Type: application/octet-stream
Content-Transfer-Encoding: base64

cGFydCB0d28=
--outer
Content-Type: message/rfc822

From: c@example.com
Subject: three
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=three

--three
Content-Type: text/plain; charset=us-ascii

part three one
--three
Content-Type: application/octet-stream

part three two
--three--
--outer
Content-Type: multipart/mixed; boundary=four

--four
Content-Type: image/gif
Content-Transfer-Encoding: base64

R0lGODlhAQABAAAAACw=
--four
Content-Type: message/rfc822

From: d@example.com
Subject: four two
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=fourtwo

--fourtwo
Content-Type: text/plain; charset=us-ascii

part four two one
--fourtwo
Content-Type: multipart/alternative; boundary=alternative

--alternative
Content-Type: text/plain; charset=us-ascii

part four two two one
--alternative
Content-Type: text/richtext; charset=us-ascii

part four two two two
--alternative--
--fourtwo--
--four--
--outer--
"""
)

MESSAGES: Final[dict[str, bytes]] = {"terry": _TERRY_HEADER + _TERRY_BODY, "nested": NESTED}
