"""Counts that several processes share, here several ledgers on the same memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from mailkeep.service.ledger import WAYS, Ledger

CHILD = """
import signal, sys
from mailkeep.service.ledger import Ledger
ledger = Ledger.join(int(sys.argv[1]), 2, 1)
print([ledger.enter("account:1", 3) for _ in range(4)], flush=True)
signal.pause()
"""


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    ledger = Ledger.make(2, 0)
    yield ledger
    ledger.close()


def test_a_limit_holds_for_all_together_and_what_is_given_back_is_free_again(ledger: Ledger) -> None:
    other = Ledger.join(ledger.descriptor, 2, 1)
    assert [one.enter("account:1", 3) for one in (ledger, other, ledger, other)] == [True, True, True, False]
    assert other.enter("account:2", 3)
    ledger.leave("account:1")
    assert other.enter("account:1", 3)
    assert not ledger.enter("account:1", 3)
    for one in (ledger, other, other):
        one.leave("account:1")
    other.leave("account:2")
    assert (len(ledger), len(other)) == (0, 0)


def test_a_process_that_is_killed_takes_its_counts_with_it(ledger: Ledger) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(ledger.descriptor)], stdout=subprocess.PIPE, pass_fds=[ledger.descriptor]
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"[True, True, True, False]\n"
        assert not ledger.enter("account:1", 3)
        os.kill(child.pid, signal.SIGKILL)
    ledger.forget_counts(1)
    assert [ledger.enter("account:1", 3) for _ in range(4)] == [True, True, True, False]


def test_its_failures_remain_known(ledger: Ledger) -> None:
    other = Ledger.join(ledger.descriptor, 2, 1)
    record = other.own_or_new("login:ann")
    assert record is not None
    record.failures, record.failed_at, record.count = 3, 12.5, 2
    ledger.forget_counts(1)
    [known] = ledger.find("login:ann")
    assert (known.failures, known.failed_at, known.count) == (3, 12.5, 0)


def test_what_is_held_is_never_pushed_out() -> None:
    ledger = Ledger.alone(buckets=1)
    for number in range(WAYS):
        assert ledger.enter(f"account:{number}", 1)
    assert ledger.enter("account:more", 1)  # no room: it is not counted
    assert ledger.own_or_new("login:ann") is None
    ledger.leave("account:more")
    assert not any(ledger.enter(f"account:{number}", 1) for number in range(WAYS))


def test_giving_back_more_than_was_taken_is_harmless() -> None:
    ledger = Ledger.alone()
    ledger.leave("account:1")
    assert ledger.enter("account:1", 1)
    assert ledger.count("account:1") == 1
