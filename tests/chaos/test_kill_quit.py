"""kill -9 while POP3's QUIT removes messages: all that is marked goes, or nothing; what was answered stays gone."""

from __future__ import annotations

import os
import random
import threading
from pathlib import Path

from tests.chaos.conftest import StartDemo
from tests.chaos.soundness import assert_sound
from tests.conformance.pop3.pop3_client import Pop3
from tests.imap_client import ImapClient
from tests.live import Account, Service

ROUNDS = int(os.environ.get("MAILKEEP_CHAOS_ROUNDS", "3"))
MESSAGES = 300
LONGEST_S = 0.03  # from QUIT to the kill
ANN = Account("popper@example.org", "pass-of-chaos")


def fill(service: Service, count: int) -> None:
    """Append so many messages."""
    with ImapClient(service.imap) as client:
        client.login(ANN.user, ANN.password)
        for number in range(count):
            client.append("INBOX", b"Subject: %d\r\n\r\nHello\r\n" % number)


def listed(service: Service) -> list[str]:
    """The unique-ids of INBOX, as a session of POP3 tells them."""
    with Pop3(service.pop3) as pop:
        assert pop.log_in(ANN.user, ANN.password).startswith("+OK")
        return [line.split()[1] for line in pop.lines("UIDL")]


def test_whenever_it_is_killed_quit_removes_all_or_nothing(tmp_path: Path, start_demo: StartDemo) -> None:
    chance = random.Random(1)
    data = tmp_path / "data"
    demo = start_demo(data, [ANN])
    seen: set[str] = set()
    fill(demo.service, MESSAGES)
    for _ in range(ROUNDS):
        before = listed(demo.service)
        assert len(before) == MESSAGES
        marked = chance.sample(range(MESSAGES), MESSAGES // 2)
        with Pop3(demo.service.pop3) as pop:
            assert pop.log_in(ANN.user, ANN.password).startswith("+OK")
            for number in marked:
                pop.ok(f"DELE {number + 1}")
            pop.send(b"QUIT\r\n")
            killer = threading.Timer(chance.uniform(0, LONGEST_S), demo.kill)
            killer.start()
            try:
                answer = pop.line()
            except OSError:
                answer = ""  # cut off
            killer.join()
        demo = start_demo(data, [ANN])
        left = [uid for number, uid in enumerate(before) if number not in set(marked)]
        now = listed(demo.service)
        assert now in ((left,) if answer.startswith("+OK") else (left, before))
        seen.update(before)
        fill(demo.service, MESSAGES - len(now))
        assert not (set(listed(demo.service)) - set(now)) & seen  # no unique-id comes again
    demo.stop()
    assert_sound(data)
