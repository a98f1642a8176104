"""Whether the data that a test left behind is sound."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.live import mailkeep


def assert_sound(data: Path) -> None:
    """`mailkeep check` finds nothing, with a server or without."""
    checked = subprocess.run([mailkeep(), "check", "--data", str(data)], capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stdout + checked.stderr
