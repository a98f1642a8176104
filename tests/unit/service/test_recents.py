r"""Who is given \Recent, when several processes ask."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.service.recents import WAYS, Recents

ANN, INBOX = AccountId(7), MailboxId(1)
CHILD = """
import sys
from mailkeep.service.recents import Recents
recents = Recents.join(int(sys.argv[1]))
print(sum(max(0, last + 1 - recents.claim(7, 1, 1, last)) for last in range(1, 20001)))
"""


@pytest.fixture
def recents() -> Iterator[Recents]:
    recents = Recents.make()
    yield recents
    recents.close()


def test_each_message_is_given_once_whoever_asks(recents: Recents) -> None:
    other = Recents.join(recents.descriptor)
    assert recents.claim(ANN, INBOX, 3, 5) == 3
    assert other.claim(ANN, INBOX, 3, 5) == 6
    assert other.claim(ANN, INBOX, 0, 8) == 6
    assert recents.claim(ANN, INBOX, 3, 8) == 9
    assert other.first(ANN, INBOX) == 9


def test_processes_that_race_get_each_message_once(recents: Recents) -> None:
    command = [sys.executable, "-c", CHILD, str(recents.descriptor)]
    children = [
        subprocess.Popen(command, stdout=subprocess.PIPE, pass_fds=[recents.descriptor], text=True) for _ in range(2)
    ]
    given = [int(child.communicate()[0]) for child in children]
    assert sum(given) == 20_000
    assert recents.first(ANN, INBOX) == 20_001


def test_what_nobody_knows_of_is_not_recent_but_what_comes_later_is(recents: Recents) -> None:
    assert recents.claim(ANN, INBOX, 0, 4) == 5
    assert recents.claim(ANN, INBOX, 0, 6) == 5


def test_memory_is_bounded_and_the_longest_unused_goes_first() -> None:
    recents = Recents.alone(buckets=1)
    for mailbox in range(1, WAYS + 1):
        recents.claim(ANN, MailboxId(mailbox), 1, 1)
    recents.claim(ANN, MailboxId(1), 1, 2)
    recents.claim(ANN, MailboxId(99), 1, 1)
    assert recents.first(ANN, MailboxId(2)) == 0
    assert [recents.first(ANN, MailboxId(mailbox)) for mailbox in (1, 3, 99)] == [3, 2, 2]
