"""Mail that users send to each other, with several processes: whichever takes it, whoever has it, it arrives once."""

from __future__ import annotations

import os
import signal
import smtplib
from collections import Counter

from tests.conformance.workers.conftest import ACCOUNTS, Pair, workers
from tests.live import Account, Demo, Service, eventually

SENDERS = ACCOUNTS[:4]  # two of each shard


def send(service: Service, sender: Account, *to: Account, subject: str) -> None:
    """Over a connection of its own, which whichever worker accepts."""
    with smtplib.SMTP_SSL(*service.submissions, context=service.tls(), timeout=15) as session:
        session.login(sender.user, sender.password)
        session.sendmail(sender.user, [account.user for account in to], f"Subject: {subject}\r\n\r\nhello\r\n")


def subjects(service: Service, account: Account) -> Counter[str]:
    client = service.connect(account)
    client.ok("SELECT INBOX")
    found = client.ok("FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])") if client.exists else None
    client.close()
    if found is None:
        return Counter()
    fields = [row.data["BODY[HEADER.FIELDS (SUBJECT)]"] for row in found.untagged if row.kind == "FETCH"]
    return Counter(field.decode().strip().removeprefix("Subject: ") for field in fields)


def test_everybody_sends_to_everybody_and_each_message_arrives_once(service: Service) -> None:
    for number in range(3):
        for sender in SENDERS:
            send(service, sender, *SENDERS, subject=f"{number} of {sender.user}")
    wanted = Counter(f"{number} of {sender.user}" for number in range(3) for sender in SENDERS)
    for account in SENDERS:
        eventually(lambda account=account: wanted <= subjects(service, account), "all have arrived")
        found = subjects(service, account)
        assert {subject: found[subject] for subject in wanted} == wanted


def test_what_is_sent_is_pushed_to_whoever_idles_on_any_worker(service: Service, pair: Pair, account: Account) -> None:
    tags = pair.one.idle(), pair.two.idle()
    for count, sender in enumerate(SENDERS, 1):
        send(service, sender, account, subject="x")
        for client in (pair.one, pair.two):
            client.until(lambda response, count=count: response.kind == "EXISTS" and response.number == count)
    pair.one.done(tags[0])
    pair.two.done(tags[1])


def test_what_was_queued_arrives_once_though_workers_are_killed(own_demo: Demo) -> None:
    service = own_demo.service
    queued: list[str] = []
    for number in range(120):
        sender = SENDERS[number % len(SENDERS)]
        if number % 40 == 30:
            os.kill(workers(service)[number // 40 % 2], signal.SIGKILL)
        try:
            send(service, sender, *SENDERS[:2], subject=f"{number}")
        except (OSError, smtplib.SMTPException):  # of the worker that was killed, or while its shard is away
            continue
        queued.append(f"{number}")
    assert len(queued) > 60
    for account in SENDERS[:2]:
        eventually(lambda account=account: set(queued) <= set(subjects(service, account)), "all have arrived", 60)
        assert set(subjects(service, account).values()) == {1}
