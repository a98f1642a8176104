from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.conformance.lmtp.lmtp_client import Lmtp
from tests.live import *  # noqa: F403  the fixtures of the running server
from tests.live import Service


@pytest.fixture
def lmtp(server: Service) -> Iterator[Lmtp]:
    """A connection that has been greeted."""
    with Lmtp(server.lmtp) as client:
        yield client
