"""Many sessions on one mailbox: each must be able to believe what it is told.  The long run: python -m tests.stress."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from tests.live import *  # noqa: F403  the fixtures of the running server
from tests.live import OWN, PASSWORD, Account, Demo, Service
from tests.stress.replica import DIALECTS, UIDONLY, Dialect
from tests.stress.run import Plan, Report, stress

from mailkeep.config import Imap

SECONDS = 2.0
SESSIONS = 10


@pytest.fixture
def two_workers(tmp_path: Path) -> Iterator[Demo]:
    accounts = [Account(f"{name}@example.org", PASSWORD) for name in ("stress", "guest")]
    demo = Demo(tmp_path / "data", accounts, "--workers", "2")
    yield demo
    demo.stop()


def run(
    service: Service, account: Account, seed: int, guest: str = "", dialects: Sequence[Dialect] = DIALECTS
) -> Report:
    plan = Plan(
        address=service.imap,
        user=account.user,
        password=account.password,
        guest=guest,
        sessions=SESSIONS,
        seconds=SECONDS,
        seed=seed,
        steps=10,
        dialects=dialects,
    )
    return asyncio.run(stress(plan))


@pytest.mark.rfc("9051", "7.5.1")
@pytest.mark.rfc("7162", "3.2.10")
def test_what_every_session_is_told_is_the_same_and_true(server: Service, account: Account) -> None:
    """trap 2"""
    report = run(server, account, seed=1)
    assert report.rounds
    assert report.expunges
    assert report.searches


def test_what_every_session_is_told_is_true_whichever_worker_serves_it(two_workers: Demo) -> None:
    """trap 2"""
    report = run(two_workers.service, Account("stress@example.org", PASSWORD), seed=2)
    assert report.rounds
    assert report.expunges


@pytest.mark.rfc("4314", "4")
def test_what_every_session_is_told_is_true_for_guests_too(two_workers: Demo) -> None:
    """Every second one is another user's, whose shard is another worker's."""
    report = run(two_workers.service, Account("stress@example.org", PASSWORD), seed=3, guest="guest@example.org")
    assert report.rounds
    assert report.expunges


@pytest.mark.rfc("9586", "3")
def test_sessions_without_message_numbers_are_told_the_same(configured: Callable[..., Service]) -> None:
    """trap 2"""
    report = run(configured(imap=Imap(uidonly=True)), OWN, 4, dialects=(*DIALECTS, UIDONLY, UIDONLY))
    assert report.rounds
    assert report.expunges
