"""Several judges have one opinion together."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mailkeep.service.spool import Octets, Spool
from mailkeep.smtp.judging import Action, Arriving, Judges, Opinion
from mailkeep.smtp.wire.reply import Reply


def octets_of(data: bytes) -> Octets:
    return Octets(len(data), hashlib.sha256(data).digest(), data, None)


ARRIVING = Arriving(
    peer="192.0.2.7",
    peer_name="",
    helo="mx.example.com",
    tls=False,
    user="",
    reverse_path="joe@example.com",
    recipients=("ann@example.org",),
    octets=octets_of(b"one"),
)
NO = Reply(550, "5.7.1", "No")


@dataclass
class Says:
    """A judge with one opinion, who remembers what he saw."""

    opinion: Opinion
    seen: list[Arriving] = field(default_factory=list)

    async def judge(self, arriving: Arriving) -> Opinion:
        self.seen.append(arriving)
        return self.opinion


def judged(*judges: Says) -> Opinion:
    return asyncio.run(Judges(judges).judge(ARRIVING))


def test_nobody_has_anything_against_it() -> None:
    assert judged() == Opinion()


def test_each_sees_the_fields_of_those_before_and_all_fields_stand_newest_first() -> None:
    second = Says(Opinion(fields=b"B: 2\r\n"))
    opinion = judged(Says(Opinion(Action.JUNK, fields=b"A: 1\r\n")), second)
    assert second.seen[0].fields == b"A: 1\r\n"
    assert opinion == Opinion(Action.JUNK, fields=b"B: 2\r\nA: 1\r\n")


def test_after_one_who_refuses_nobody_is_asked() -> None:
    for action in (Action.REJECT, Action.DEFER, Action.DISCARD):
        last = Says(Opinion())
        assert judged(Says(Opinion(Action.JUNK)), Says(Opinion(action, NO)), last) == Opinion(action, NO)
        assert last.seen == []


def test_when_the_client_goes_meanwhile_what_was_changed_leaves_no_file(tmp_path: Path) -> None:
    class Waits:
        async def judge(self, arriving: Arriving) -> Opinion:
            raise asyncio.CancelledError

    spool = Spool(tmp_path, 100, in_memory=0)
    spool.write(b"two")
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(Judges((Says(Opinion(octets=spool.finish())), Waits())).judge(ARRIVING))
    assert list(tmp_path.iterdir()) == []


def test_what_one_has_changed_the_next_one_sees() -> None:
    two, three = octets_of(b"two"), octets_of(b"three")
    last = Says(Opinion())
    opinion = judged(Says(Opinion(octets=two)), Says(Opinion(octets=three)), last)
    assert last.seen[0].octets == three
    assert opinion.octets == three
