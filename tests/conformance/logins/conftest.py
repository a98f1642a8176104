from __future__ import annotations

from tests.live import *  # noqa: F403  the fixtures of the running server
