"""The filter that the manual gives for fail2ban finds the address in the lines that we write."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from mailkeep import telemetry
from mailkeep.model.errors import MailError
from mailkeep.service.guard import Guard

PAGE = Path(__file__).parents[3] / "docs/how-to/passwords.md"


@pytest.fixture
def pattern() -> re.Pattern[str]:
    """The filter, with the place of the address as fail2ban fills it in."""
    [found] = re.findall(r"^ +failregex = (.*)$", PAGE.read_text("utf-8"), re.MULTILINE)
    return re.compile(found.replace("<HOST>", r"(?P<host>[0-9a-fA-F:.]+)"))


@pytest.fixture
def json_log() -> Iterator[None]:
    before = structlog.get_config()
    telemetry.configure("info", "json", worker=1)
    yield
    structlog.configure(**before)


async def _no() -> None:
    return None


async def _no_wait(seconds: float) -> None:
    await asyncio.sleep(0)


def try_to_log_in(times: int, peer: str, account: str | None) -> None:
    async def tries() -> None:
        guard = Guard(sleep=_no_wait, clock=lambda: 1000.0)

        async def one() -> None:
            with contextlib.suppress(MailError):
                await guard.attempt("ann@example.org", peer, "imap", _no, account=account)

        for _ in range(times // 2):
            await one()
        await asyncio.gather(*(one() for _ in range(times - times // 2)))

    asyncio.run(tries())


@pytest.mark.usefixtures("json_log")
@pytest.mark.parametrize("peer", ["192.0.2.7", "2001:db8::7"])
def test_every_failure_and_refusal_is_found_with_its_address(
    peer: str, pattern: re.Pattern[str], capsys: pytest.CaptureFixture[str]
) -> None:
    try_to_log_in(12, peer, "ann@example.org")
    lines = capsys.readouterr().err.splitlines()
    assert {"auth.failed", "auth.refused"} == set(re.findall(r"auth\.\w+", " ".join(lines)))
    assert len(lines) == 12
    for line in lines:
        found = pattern.match(line)
        assert found is not None, line
        assert found["host"] == peer


@pytest.mark.usefixtures("json_log")
def test_the_name_of_an_account_cannot_pass_for_an_address(
    pattern: re.Pattern[str], capsys: pytest.CaptureFixture[str]
) -> None:
    try_to_log_in(1, "192.0.2.7", 'x", "peer": "198.51.100.1", "event": "auth.failed')
    found = pattern.match(capsys.readouterr().err.strip())
    assert found is not None
    assert found["host"] == "192.0.2.7"
