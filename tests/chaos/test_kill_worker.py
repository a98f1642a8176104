"""kill -9 of one of two workers in the middle of everything: the other goes on, and nothing acknowledged is lost.

The same load and the same ledgers as in `test_kill`.  A request that the dead worker was to carry out for a living one
is answered UNAVAILABLE: what it asked for may have been done.
"""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

from tests.chaos.soundness import assert_sound
from tests.chaos.test_kill import ACCOUNTS, Client, Deliverer, Ledger, Worker, settle, verify
from tests.conformance.workers.conftest import WORKERS, workers
from tests.imap_client import ImapClient
from tests.live import Demo, eventually

ROUNDS = 2


class PatientClient(Client):
    """Ends when it is told that the outcome is unknown."""

    def work(self) -> None:
        try:
            super().work()
        except AssertionError as error:
            if "UNAVAILABLE" not in str(error):
                raise


def start_load(demo: Demo, ledgers: list[Ledger], turn: int, chance: random.Random) -> list[Worker]:
    load: list[Worker] = []
    for at, ledger in enumerate(ledgers):
        name = f"a{turn}-{at}"
        load.append(Deliverer(f"{name}lmtp", demo.service, ledger, chance.randrange(10**6), ledgers[at - 1]))
        for n in range(3):
            load.append(PatientClient(f"{name}w{n}", demo.service, ledger, chance.randrange(10**6)))
    for one in load:
        one.start()
    return load


def kill(demo: Demo, victims: list[int]) -> None:
    for victim in victims:
        os.kill(victim, signal.SIGKILL)
    eventually(
        lambda: len(now := workers(demo.service)) == 2 and not set(victims) & set(now), "whoever died is replaced"
    )


def test_what_was_acknowledged_survives_the_death_of_a_worker(tmp_path: Path) -> None:
    chance = random.Random(4)
    ledgers = [Ledger(account) for account in ACCOUNTS]
    demo = Demo(tmp_path / "data", ACCOUNTS, *WORKERS)
    try:
        for ledger in ledgers:
            with ImapClient(demo.service.imap) as client:
                client.login(ledger.account.user, ledger.account.password).ok("CREATE box")
        for turn in range(ROUNDS):
            load = start_load(demo, ledgers, turn, chance)
            for count in (1, 2):  # the second time ends the load
                enough = sum(ledger.answers for ledger in ledgers) + chance.randrange(50, 200)
                eventually(
                    lambda load=load, enough=enough: (
                        sum(ledger.answers for ledger in ledgers) >= enough or not any(one.is_alive() for one in load)
                    ),
                    f"{enough} answers",
                    30,
                )
                kill(demo, chance.sample(workers(demo.service), count))
            for one in load:
                one.join(20)
                assert not one.is_alive()
                if one.failure:
                    raise one.failure
            for ledger in ledgers:
                verify(demo.service, ledger, read_all=turn == ROUNDS - 1)
                settle(ledger)
        assert_sound(demo.data)
        demo.stop()
    finally:
        demo.service.close_clients()
        if demo.process.poll() is None:
            demo.kill()
