from __future__ import annotations

import pytest
from tests.live import *  # noqa: F403  the fixtures of the running server


@pytest.fixture(autouse=True)
def only_ours(ours: None) -> None:
    """The foreign servers that these tests are tested with ask others otherwise."""
