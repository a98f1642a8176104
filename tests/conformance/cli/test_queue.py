"""mailkeep queue, with and without a server."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.cli.conftest import Run

from mailkeep.config import Config
from mailkeep.model.envelope import Envelope, Recipient
from mailkeep.model.ids import AccountId
from mailkeep.server import open_offices

ANN = "ann@example.org"


@pytest.fixture
def queued(store: Path) -> tuple[str, str]:
    """Two messages that will wait for long, as nobody answers for their domains; their names."""
    with (store / "mailkeep.toml").open("a", encoding="utf-8") as config:
        config.write('\n[dns]\nnameservers = ["127.0.0.1:1"]\ntimeout = 1\n')

    async def add() -> tuple[str, str]:
        async with open_offices(Config(data_dir=store), program="a test") as offices:
            account: AccountId = offices.accounts.get(ANN).id

            async def one(*to: str) -> str:
                spool = offices.spool()
                spool.write(b"Subject: x\r\n\r\n")
                envelope = Envelope(reverse_path=ANN, recipients=tuple(map(Recipient, to)))
                return await offices.queue.add(account, envelope, spool.finish())

            return await one("joe@example.com", "eve@example.net"), await one("zoe@example.net")

    return asyncio.run(add())


@pytest.fixture(params=["while the server runs", "without a server"])
def place(request: pytest.FixtureRequest, store: Path, queued: tuple[str, str]) -> Path:
    """The data directory with ann@example.org and her queue; every command must work both ways."""
    assert queued
    if request.param == "while the server runs":
        request.getfixturevalue("start")("serve", "--data", store)
    return store


def listed(mailkeep: Run, place: Path, *options: str) -> list[dict[str, Any]]:
    done = mailkeep("queue", "list", "--json", *options, "--data", place)
    assert done.returncode == 0, done.stderr
    lines: list[dict[str, Any]] = json.loads(done.stdout)
    return lines


def test_the_queue_is_listed_by_account_and_domain(mailkeep: Run, place: Path, queued: tuple[str, str]) -> None:
    first, second = queued
    lines = listed(mailkeep, place)
    assert [(line["id"], line["account"], line["sender"], line["waiting"], line["held"]) for line in lines] == [
        (first, ANN, ANN, 2, False),
        (second, ANN, ANN, 1, False),
    ]
    assert [line["id"] for line in listed(mailkeep, place, "--domain", "Example.COM")] == [first]
    assert [line["id"] for line in listed(mailkeep, place, "--account", ANN, "--domain", "example.net")] == [*queued]
    assert listed(mailkeep, place, "--domain", "example.edu") == []
    text = mailkeep("queue", "list", "--limit", "1", "--data", place)
    assert text.stdout.startswith(f"{first}  {ANN} → 2 at example.")
    assert "  14 octets  " in text.stdout
    assert "more than these 1" in text.stderr


def test_a_message_is_shown_with_each_recipient(mailkeep: Run, place: Path, queued: tuple[str, str]) -> None:
    shown = mailkeep("queue", "show", queued[0], "--data", place)
    assert shown.returncode == 0, shown.stderr
    assert f"from     <{ANN}>" in shown.stdout
    assert "to       <joe@example.com>  waiting, " in shown.stdout
    whole = json.loads(mailkeep("queue", "show", queued[0], "--json", "--data", place).stdout)
    assert [one["address"] for one in whole["recipients"]] == ["joe@example.com", "eve@example.net"]
    unknown = mailkeep("queue", "show", "1-7", "--data", place)
    assert (unknown.returncode, unknown.stderr) == (1, "mailkeep: There is no such message in the queue.\n")


def test_messages_are_held_released_retried_and_dropped(mailkeep: Run, place: Path, queued: tuple[str, str]) -> None:
    first, second = queued
    assert mailkeep("queue", "hold", first, "--data", place).stdout == "1 message held.\n"
    assert [line["held"] for line in listed(mailkeep, place)] == [True, False]
    refused = mailkeep("queue", "retry", first, second, "--data", place)
    assert (refused.returncode, refused.stdout) == (1, "1 message tried now.\n")
    assert refused.stderr == f"mailkeep: {first}: The message is held: release it\n"
    assert mailkeep("queue", "release", "--domain", "example.net", "--data", place).stdout == "2 messages released.\n"
    assert [line["held"] for line in listed(mailkeep, place)] == [False, False]
    assert mailkeep("queue", "drop", second, "--data", place, stdin="n\n").returncode != 0
    assert mailkeep("queue", "drop", second, "--data", place, stdin="y\n").returncode == 0
    assert [line["id"] for line in listed(mailkeep, place)] == [first]
    assert mailkeep("queue", "drop", "--all", "--yes", "--data", place).stdout == "1 message dropped.\n"
    assert listed(mailkeep, place) == []
    assert mailkeep("check", "--data", place).returncode == 0


@pytest.mark.parametrize("which", [(), ("1-1", "--all"), ("--all", "--domain", "example.net")])
def test_it_must_be_said_exactly_which_messages_are_meant(mailkeep: Run, store: Path, which: tuple[str, ...]) -> None:
    refused = mailkeep("queue", "drop", "--yes", *which, "--data", store)
    assert refused.returncode == 2
    assert "name messages, or --account and --domain, or --all" in " ".join(refused.stderr.split())


def test_a_name_of_no_message_is_told_as_that(mailkeep: Run, store: Path) -> None:
    place = ("--data", str(store))
    shown = mailkeep("queue", "show", "9-9", *place)
    assert (shown.returncode, shown.stderr) == (1, "mailkeep: There is no such message in the queue.\n")
    dropped = mailkeep("queue", "drop", "9-9", "--yes", *place)
    assert dropped.returncode == 1
    assert "9-9: There is no such message in the queue" in dropped.stderr
