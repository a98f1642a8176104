"""A process that queues mail and sends it, until it is killed: `python -m tests.chaos.sender DIRECTORY COUNT`.

Each message goes to an account here, to one elsewhere that takes it, and to one that does not.  What it says:

- on standard output the name of a message once it has been queued;
- in the file `taken` of the directory, a line for each message that the host elsewhere has taken: before it answers;
- in the file `log` what servers log.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import structlog
from argon2 import PasswordHasher

from mailkeep.model.envelope import Envelope, Outcome, Recipient
from mailkeep.model.ids import AccountId
from mailkeep.service.accounts import Accounts
from mailkeep.service.addresses import Addresses
from mailkeep.service.bus import Bus
from mailkeep.service.delivery import Delivery
from mailkeep.service.ledger import Ledger
from mailkeep.service.mailboxes import Mailboxes
from mailkeep.service.messages import Messages
from mailkeep.service.passwords import Passwords
from mailkeep.service.queue import Queue
from mailkeep.service.reports import Reports
from mailkeep.service.spool import Octets, Spool
from mailkeep.smtp.runner import Options, Runner
from mailkeep.store.sqlite.store import SqliteStore

ANN, JOE, NOBODY = "ann@example.org", "joe@example.com", "nobody@example.com"
RETRY_S = 1


class Elsewhere:
    """A host that takes mail for one, and every third time wants it to come again."""

    def __init__(self, directory: Path) -> None:
        self._taken = os.open(directory / "taken", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._asked = 0

    async def send(self, domain: str, envelope: Envelope, octets: Octets) -> Mapping[str, Outcome]:
        assert domain == "example.com"
        name = b"".join(octets.pieces()).partition(b"\r\n")[0].partition(b": ")[2]
        self._asked += 1
        return {one.address: await self._answer(one.address, name) for one in envelope.recipients}

    async def _answer(self, address: str, name: bytes) -> Outcome:
        if address == NOBODY:
            return Outcome(enhanced="5.1.1", text="nobody", code=550, host="mx.example.com")
        if self._asked % 3 == 0:
            return Outcome(enhanced="4.2.1", text="not now", code=450, host="mx.example.com")
        os.write(self._taken, name + b"\n")
        await asyncio.sleep(0)  # the answer is on its way
        return Outcome(enhanced="2.0.0", text="taken", code=250, host="mx.example.com")


async def run(directory: Path, count: int) -> None:
    """Queue `count` messages, named after this process; return when nothing is left in the queue."""
    async with SqliteStore(directory) as store:
        bus = Bus()
        accounts = Accounts(
            store.directory, store, Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        )
        await accounts.finish()
        account = accounts.find(ANN) or await accounts.create(ANN, "secret")
        messages = Messages(store, bus, ())
        delivery = Delivery(accounts, Mailboxes(store, bus), messages, hostname="mail.example.org")
        queue = Queue(store, bus)
        runner = Runner(
            queue,
            addresses=Addresses(store.directory),
            delivery=delivery,
            courier=Elsewhere(directory),
            reports=Reports(delivery, hostname="mail.example.org"),
            claims=Ledger.alone(),
            options=Options(retry_s=(RETRY_S,), lifetime_s=86400, warn_after_s=0, concurrency=20, per_destination=10),
        )
        async with asyncio.TaskGroup() as group:
            running = group.create_task(runner.run())
            for number in range(count):
                await add(store, queue, account.id, f"{os.getpid()}-{number}")
                await asyncio.sleep(0)
            while await queue.count():
                await asyncio.sleep(0.02)
            running.cancel()


async def add(store: SqliteStore, queue: Queue, account: AccountId, name: str) -> None:
    """Queue one message, and say so."""
    spool = Spool(store.spool_dir, 1 << 20)
    spool.write(b"X-Name: %s\r\nSubject: x\r\n\r\n%s\r\n" % (name.encode(), b"x" * (len(name) * 997 % 20_000)))
    recipients = tuple(map(Recipient, (ANN, JOE, NOBODY)))
    await queue.add(account, Envelope(reverse_path=ANN, recipients=recipients), spool.finish())
    sys.stdout.write(f"{name}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    place = Path(sys.argv[1])
    with (place / "log").open("a", encoding="utf-8", buffering=1) as file:
        structlog.configure(
            processors=[structlog.processors.JSONRenderer()], logger_factory=structlog.PrintLoggerFactory(file)
        )
        asyncio.run(run(place, int(sys.argv[2])))
