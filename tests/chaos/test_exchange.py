"""Two mailkeep servers and a Postfix send to each other while they are killed; the long form: python -m tests.exchange.

MAILKEEP_EXCHANGE_MESSAGES sets how many messages there are.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.chaos.soundness import assert_sound
from tests.exchange.nodes import MailkeepNode
from tests.exchange.run import Plan, exchange, nodes

MESSAGES = int(os.environ.get("MAILKEEP_EXCHANGE_MESSAGES", "300"))


@pytest.fixture
def base() -> Iterator[Path]:
    """A directory that other users can enter, as Postfix's processes are."""
    with tempfile.TemporaryDirectory(prefix="mk-exchange-", dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.timeout(300 + MESSAGES)
@pytest.mark.parametrize("kinds", ["MMP", "22P"], ids=["one-process", "two-processes"])
def test_no_acknowledged_message_is_lost_and_no_duplicate_is_without_a_kill(kinds: str, base: Path) -> None:
    with nodes(base, kinds) as servers:
        verdict = exchange(Plan(messages=MESSAGES, seed=1, pause_s=1.5), servers)
        data = [node.data for node in servers if isinstance(node, MailkeepNode)]
    assert verdict.problems == []
    assert verdict.counts["acknowledged"] > MESSAGES * 0.9
    for directory in data:
        assert_sound(directory)
