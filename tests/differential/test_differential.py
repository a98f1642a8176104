"""Random sessions on mailkeep, Dovecot and Cyrus mean the same.  The long run: python -m tests.differential."""

from __future__ import annotations

import random
from contextlib import AbstractContextManager

import pytest
from tests import cyrus, dovecot
from tests.cannot_run import cannot_run
from tests.differential import servers
from tests.differential.differences import LISTED
from tests.differential.normal import differences, outcome
from tests.differential.run import Referee
from tests.differential.script import Step
from tests.differential.wire import Answer, Untagged, values

EPISODES = 2
PEERS = {"dovecot": (dovecot.missing, servers.dovecots), "cyrus": (cyrus.missing, servers.cyruses)}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("peer", PEERS)
def test_random_sessions_mean_the_same(peer: str) -> None:
    missing, running = PEERS[peer]
    reason = missing()
    if reason is not None:
        cannot_run(reason)
    theirs: AbstractContextManager[servers.Server] = running()
    with servers.ours(EPISODES + 20) as ours, theirs as other:
        referee = Referee([ours, other])
        for episode in range(EPISODES):
            referee.random_episode(random.Random(f"{peer}/{episode}"))
    assert referee.report.compared > EPISODES * 30


def test_every_listed_difference_has_the_word_of_a_standard_on_it() -> None:
    assert [row.name for row in LISTED if not row.word.startswith(("RFC ", "draft-"))] == []
    assert len({row.name for row in LISTED}) == len(LISTED)


def test_answers_are_read_whatever_their_form() -> None:
    read = values(b'(UID 3 BODY[HEADER.FIELDS ("SUBJECT")] {3}\r\na(b FLAGS (\\Seen $a) X NIL) "q\\"" 7')
    assert read == [
        ["UID", 3, 'BODY[HEADER.FIELDS ("SUBJECT")]', b"a(b", "FLAGS", ["\\Seen", "$a"], "X", None],
        b'q"',
        7,
    ]


def told(*rows: tuple[str, int, bytes], code: str = "") -> Answer:
    return Answer("OK", code, b"", [Untagged(kind, number, values(rest), b"") for kind, number, rest in rows])


def test_what_is_expunged_is_compared_by_uid() -> None:
    step = Step(0, "EXPUNGE", b"EXPUNGE")
    one = outcome(step, told(("EXPUNGE", 3, b""), ("EXPUNGE", 1, b"")), [4, 5, 6])
    two = outcome(step, told(("EXPUNGE", 1, b""), ("EXPUNGE", 2, b"")), [4, 5, 6])
    assert differences(one, two) == []
    other = outcome(step, told(("VANISHED", 0, b"4,5")), [4, 5, 6])
    assert differences(one, other) == [("gone", [4, 6], [4, 5])]


def test_flags_and_found_messages_are_compared_whatever_their_order() -> None:
    fetch = Step(0, "FETCH", b"FETCH 1 (UID FLAGS)")
    one = outcome(fetch, told(("FETCH", 1, b"(UID 4 FLAGS (\\Seen \\Recent $A))")), [4])
    two = outcome(fetch, told(("FETCH", 1, b"(FLAGS ($a \\SEEN) UID 4)")), [4])
    assert differences(one, two) == []
    search = Step(0, "SEARCH", b"SEARCH ALL")
    assert outcome(search, told(("SEARCH", 0, b"2 1")), [4, 9]) == outcome(search, told(("SEARCH", 0, b"1 2")), [4, 9])
