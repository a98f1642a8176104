from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.live import *  # noqa: F403  the fixtures of the running server
from tests.live import Account, Demo

StartDemo = Callable[[Path, list[Account]], Demo]


@pytest.fixture
def start_demo() -> Iterator[StartDemo]:
    """Start servers; those that still run after the test are killed."""
    started: list[Demo] = []

    def start(data: Path, accounts: list[Account]) -> Demo:
        demo = Demo(data, accounts)
        started.append(demo)
        return demo

    yield start
    for demo in started:
        if demo.process.poll() is None:
            demo.kill()
