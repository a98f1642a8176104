"""Sample mail for the demo account: varied enough that every feature of a client has something to show."""

from __future__ import annotations

import datetime as dt
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final, cast

ANN: Final = "Ann Beech <ann@garden.example>"
BEN: Final = "Ben Cole <ben@works.example>"
CHLOE: Final = "Chloé Düring <chloe@reise.example>"
NEWS: Final = "The Weekly Hedge <news@hedge.example>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One message: where it lies, with which flags, since when, and its octets."""

    mailbox: str
    flags: tuple[str, ...]  # as IMAP writes them: \Seen, or a keyword
    at: dt.datetime
    octets: bytes


def sample_mail(user: str, now: dt.datetime) -> tuple[Sample, ...]:
    """Two dozen messages to and from `user` of the four weeks before `now`, oldest first."""
    me = f"You <{user}>"
    writer = _Writer(user, now)
    return tuple(
        sorted(
            (
                *_welcome(writer, me),
                *_garden_thread(writer, me),
                *_work(writer, me),
                *_travel(writer, me),
                *_newsletters(writer, me),
                *_rest(writer, me),
            ),
            key=lambda sample: sample.at,
        )
    )


@dataclass(frozen=True, slots=True)
class _Writer:
    user: str
    now: dt.datetime

    def letter(
        self, sender: str, to: str, subject: str, text: str, *, days: float, key: str, replies: tuple[str, ...] = ()
    ) -> EmailMessage:
        """A plain letter of `days` ago.  `key` names it for `replies` of later ones, oldest first."""
        message = EmailMessage(policy=SMTP)
        message["From"], message["To"], message["Subject"] = sender, to, subject
        message["Date"] = format_datetime(self.at(days))
        message["Message-ID"] = self.message_id(key)
        if replies:
            message["In-Reply-To"] = self.message_id(replies[-1])
            message["References"] = " ".join(self.message_id(reply) for reply in replies)
        message.set_content(text)
        return message

    def message_id(self, key: str) -> str:
        return f"<{key}.{self.now:%Y%m%d}@demo.example>"

    def at(self, days: float) -> dt.datetime:
        return (self.now - dt.timedelta(days=days)).replace(microsecond=0)

    def put(self, mailbox: str, message: EmailMessage, *flags: str, days: float) -> Sample:
        return Sample(mailbox=mailbox, flags=flags, at=self.at(days), octets=bytes(message))


def _welcome(w: _Writer, me: str) -> Iterable[Sample]:
    letter = w.letter(
        "mailkeep <postmaster@demo.example>",
        me,
        "Welcome to mailkeep",
        "Hello,\n\nthis account is yours to try things on: read, flag, move, delete, search, and open it in two clients"
        " at once.\nWhat one of them does, the other sees at once.\n",
        days=0.01,
        key="welcome",
    )
    letter.add_alternative(
        "<html><body><h1>Hello,</h1><p>this account is <b>yours to try things on</b>: read, flag, move, delete, search,"
        " and open it in two clients at once.</p><p>What one of them does, the other sees <i>at once</i>.</p>"
        "</body></html>",
        subtype="html",
    )
    yield w.put("INBOX", letter, "\\Flagged", days=0.01)


def _garden_thread(w: _Writer, me: str) -> Iterable[Sample]:
    subject = "A hedge, or a fence?"
    first = w.letter(
        ANN, me, subject, "The old fence will not see another winter.\n\nA hedge?\n", days=20, key="fence1"
    )
    yield w.put("INBOX", first, "\\Seen", "\\Answered", days=20)
    mine = w.letter(
        me,
        ANN,
        f"Re: {subject}",
        "> A hedge?\n\nHornbeam keeps its leaves.\n",
        days=19.8,
        key="fence2",
        replies=("fence1",),
    )
    yield w.put("Sent", mine, "\\Seen", days=19.8)
    photo = w.letter(
        ANN,
        me,
        f"Re: {subject}",
        "Like this one?  See the picture.\n",
        days=19.1,
        key="fence3",
        replies=("fence1", "fence2"),
    )
    photo.add_attachment(_picture(48, 32), "image", "png", filename="hornbeam.png")
    yield w.put("INBOX", photo, "\\Seen", "$HasAttachment", days=19.1)
    plan = w.letter(
        BEN,
        me,
        f"Re: {subject}",
        "I have measured: 14 metres.  The list is attached.\n",
        days=18,
        key="fence4",
        replies=("fence1", "fence2", "fence3"),
    )
    plan["Cc"] = ANN
    plan.add_attachment("what,count,price\nhornbeam,42,3.20\nstakes,8,1.75\n", "csv", filename="list.csv")
    yield w.put("Projects/Garden", plan, "\\Seen", "$HasAttachment", days=18)
    order = w.letter(me, ANN, "Hornbeams ordered", "They come on Thursday.\n", days=12, key="order")
    order["Cc"] = BEN
    yield w.put("Projects/Garden", order, "\\Seen", days=12)


def _work(w: _Writer, me: str) -> Iterable[Sample]:
    for number, (days, text) in enumerate(
        (
            (15.0, "Agenda: numbers, the move, any other business."),
            (8.0, "As last week."),
            (1.0, "The room has changed."),
        ),
        1,
    ):
        letter = w.letter(BEN, me, f"Meeting on Tuesday ({number})", text + "\n", days=days, key=f"meeting{number}")
        letter.add_attachment(_invitation(w, number, days).encode(), "text", "calendar", filename="invite.ics")
        seen = ("\\Seen",) if days > 2 else ()
        yield w.put("INBOX", letter, *seen, days=days)
    report = w.letter(BEN, me, "Report, please comment", "Whole text attached.\n", days=6, key="report")
    report["Importance"] = "high"
    report.add_attachment(("A line of the report.\n" * 2000).encode(), "text", "plain", filename="report – final.txt")
    yield w.put("INBOX", report, "\\Flagged", "$Important", days=6)
    forwarded = w.letter(me, CHLOE, "Fwd: Report, please comment", "Do you see it as I do?\n", days=5.5, key="forward")
    forwarded.add_attachment(report)
    yield w.put("Sent", forwarded, "\\Seen", "$Forwarded", days=5.5)
    draft = w.letter(me, BEN, "Re: Report, please comment", "Dear Ben,\n\n", days=5, key="draft", replies=("report",))
    yield w.put("Drafts", draft, "\\Draft", "\\Seen", days=5)


def _travel(w: _Writer, me: str) -> Iterable[Sample]:
    yield w.put(
        "INBOX",
        w.letter(
            CHLOE, me, "Grüße aus Zürich", "Schönes Wetter, süße Äpfel.  À bientôt!\n\nChloé\n", days=10, key="zurich"
        ),
        "\\Seen",
        days=10,
    )
    yield w.put(
        "INBOX",
        w.letter(
            "田中 <tanaka@tabi.example>", me, "旅行の写真", "写真を送ります。また会いましょう。\n", days=4, key="photos"
        ),
        days=4,
    )
    yield w.put(
        "Archive",
        w.letter(
            "Железная дорога <billet@rail.example>",
            me,
            "Билет № 42",
            "Поезд отправляется в 7:15.\n",
            days=25,
            key="ticket",
        ),
        "\\Seen",
        days=25,
    )


def _newsletters(w: _Writer, me: str) -> Iterable[Sample]:
    for issue, days in ((101, 22.0), (102, 15.1), (103, 8.1), (104, 1.2)):
        letter = w.letter(
            NEWS,
            me,
            f"The Weekly Hedge, No. {issue}",
            f"Issue {issue} in plain text.\n",
            days=days,
            key=f"hedge{issue}",
        )
        letter["List-Id"] = "The Weekly Hedge <weekly.hedge.example>"
        letter["List-Unsubscribe"] = "<mailto:leave@hedge.example>"
        letter.add_alternative(
            f'<html><body><h2>Issue {issue}</h2><img src="cid:logo@hedge.example"><p>Clip in June.</p></body></html>',
            subtype="html",
        )
        html = cast("list[EmailMessage]", letter.get_payload())[1]  # the alternative just added
        html.add_related(_picture(16, 16), "image", "png", cid="<logo@hedge.example>")
        yield w.put("INBOX" if issue == 104 else "Archive", letter, *(() if issue == 104 else ("\\Seen",)), days=days)


def _rest(w: _Writer, me: str) -> Iterable[Sample]:
    yield w.put(
        "Junk",
        w.letter(
            "Prize Office <win@prize.example>", me, "YOU HAVE WON", "Send your bank details now.\n", days=3, key="prize"
        ),
        "$Junk",
        days=3,
    )
    yield w.put(
        "Trash",
        w.letter(NEWS, me, "Your subscription", "It will be renewed.\n", days=16, key="renewal"),
        "\\Seen",
        days=16,
    )
    long = w.letter(ANN, me, "All my recipes", "Plum cake.\n" * 4000, days=7, key="recipes")
    yield w.put("INBOX", long, "\\Seen", days=7)
    yield w.put("INBOX", w.letter(ANN, me, "", "No subject at all.\n", days=2.5, key="nosubject"), days=2.5)
    yield w.put(
        "INBOX", w.letter(ANN, me, "Lunch today?", "At twelve, by the hedge.\n", days=0.1, key="lunch"), days=0.1
    )


def _invitation(w: _Writer, number: int, days: float) -> str:
    start = w.at(days - 1)
    return "\r\n".join(
        (
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:-//mailkeep//demo//EN",
            "METHOD:REQUEST",
            "BEGIN:VEVENT",
            f"UID:meeting{number}@works.example",
            f"DTSTAMP:{w.at(days):%Y%m%dT%H%M%SZ}",
            f"DTSTART:{start:%Y%m%dT090000Z}",
            f"DTEND:{start:%Y%m%dT100000Z}",
            f"SUMMARY:Meeting {number}",
            "END:VEVENT",
            "END:VCALENDAR",
            "",
        )
    )


def _picture(width: int, height: int) -> bytes:
    """A small PNG: a green gradient."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))

    rows = b"".join(
        b"\0" + b"".join(bytes((40, 90 + 120 * y // height, 30 + 60 * x // width)) for x in range(width))
        for y in range(height)
    )
    header = struct.pack("!IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
