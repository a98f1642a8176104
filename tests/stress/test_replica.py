"""The replica of the stress test notices what it is there to notice."""

from __future__ import annotations

import pytest
from tests import imap_grammar
from tests.stress.replica import DIALECTS, UIDONLY, Contradiction, Replica

REV1, REV2, CONDSTORE, QRESYNC, _ = DIALECTS
START = ("2 EXISTS", "FLAGS (\\Seen $A)", "1 FETCH (UID 5 FLAGS ())", "2 FETCH (UID 7 FLAGS (\\Seen))")


def replica(dialect=REV1, *lines: str, running: str | None = "NOOP") -> Replica:
    out = Replica(dialect)
    for line in (*START, *lines):
        out.hear(imap_grammar.parse(f"* {line}\r\n".encode()), running)
    return out


def test_what_is_told_is_believed() -> None:
    believed = replica(REV1, "1 EXPUNGE", "3 EXISTS", "1 FETCH (FLAGS ($A))", "3 FETCH (UID 20 FLAGS ())")
    assert [(m.uid, m.flags) for m in believed.messages] == [(7, {"$a"}), (None, None), (20, frozenset())]
    assert believed.incomplete() == [2]


def test_vanished_takes_the_message_whose_uid_was_not_told_from_its_gap() -> None:
    believed = replica(QRESYNC, "5 EXISTS", "5 FETCH (UID 30 FLAGS ())", "VANISHED 5,12")
    assert [m.uid for m in believed.messages] == [7, None, 30]


def test_messages_without_numbers_are_known_by_uid() -> None:
    believed = Replica(UIDONLY)
    for line in ("3 EXISTS", "9 UIDFETCH (FLAGS ())", "4 UIDFETCH (FLAGS (\\Seen))", "VANISHED 6"):
        believed.hear(imap_grammar.parse(f"* {line}\r\n".encode()), "UID FETCH")
    assert [(m.uid, m.flags) for m in believed.messages] == [(4, {"\\seen"}), (9, frozenset())]


LIES = {
    "fewer messages without an expunge": (REV1, "1 EXISTS"),
    "an expunge beyond the mailbox": (REV1, "3 EXPUNGE"),
    "data for a message that is not there": (REV1, "3 FETCH (UID 9 FLAGS ())"),
    "another UID": (REV1, "1 FETCH (UID 6 FLAGS ())"),
    "a UID out of order": (REV1, "3 EXISTS", "3 FETCH (UID 6 FLAGS ())"),
    "RECENT in IMAP4rev2": (REV2, "0 RECENT"),
    "EXPUNGE with QRESYNC": (QRESYNC, "1 EXPUNGE"),
    "VANISHED without QRESYNC": (CONDSTORE, "VANISHED 5"),
    "VANISHED of a stranger": (QRESYNC, "VANISHED 6"),
    "VANISHED (EARLIER) out of the blue": (QRESYNC, "VANISHED (EARLIER) 2"),
    "MODSEQ that was not asked for": (REV1, "1 FETCH (UID 5 FLAGS () MODSEQ (9))"),
    "MODSEQ that falls": (CONDSTORE, "1 FETCH (UID 5 FLAGS () MODSEQ (9))", "1 FETCH (UID 5 FLAGS () MODSEQ (8))"),
    "other flags at one MODSEQ": (
        CONDSTORE,
        "1 FETCH (UID 5 FLAGS () MODSEQ (9))",
        "1 FETCH (UID 5 FLAGS (\\Seen) MODSEQ (9))",
    ),
    "a message that changes": (REV1, "1 FETCH (RFC822.SIZE 10)", "1 FETCH (RFC822.SIZE 11)"),
    "no UID with QRESYNC": (QRESYNC, "1 FETCH (FLAGS ())"),
    "goodbye": (REV1, "BYE Enough"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_noticed(lie: str) -> None:
    dialect, *lines = LIES[lie]
    with pytest.raises(Contradiction):
        replica(dialect, *lines)


@pytest.mark.parametrize("running", ["FETCH", "STORE", "SEARCH", None])
@pytest.mark.parametrize(("dialect", "line"), [(REV1, "1 EXPUNGE"), (QRESYNC, "VANISHED 5")], ids=["number", "uid"])
def test_an_expunge_is_noticed_where_numbers_are_in_use(dialect, line: str, running: str | None) -> None:
    believed = replica(dialect)
    with pytest.raises(Contradiction):
        believed.hear(imap_grammar.parse(f"* {line}\r\n".encode()), running)


def test_a_keyword_that_was_never_announced_is_noticed_when_the_command_ends() -> None:
    believed = replica(REV1, "1 FETCH (FLAGS ($New))")
    with pytest.raises(Contradiction):
        believed.completed(may_expunge=True)
