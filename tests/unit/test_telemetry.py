"""Log lines."""

from __future__ import annotations

import errno
import io
import json

import pytest
import structlog

from mailkeep import telemetry


@pytest.fixture(autouse=True)
def configuration() -> object:
    yield
    structlog.reset_defaults()


class FullDisk(io.StringIO):
    """A file that takes nothing while its disk is full."""

    full = True

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text)


def test_a_line_is_an_event_with_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr("sys.stderr", out)
    telemetry.configure("info", "json")
    telemetry.logger(listener="imaps").info("part.what", number=1)
    [line] = out.getvalue().splitlines()
    assert json.loads(line).items() >= {"event": "part.what", "listener": "imaps", "number": 1, "level": "info"}.items()


def test_a_line_that_cannot_be_written_is_lost_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    out = FullDisk()
    monkeypatch.setattr("sys.stderr", out)
    telemetry.configure("info", "json")
    telemetry.logger().error("disk.full")
    out.full = False
    telemetry.logger().info("disk.room")
    assert [json.loads(line)["event"] for line in out.getvalue().splitlines()] == ["disk.room"]


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_tells_where_but_never_the_values_of_variables(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    out = io.StringIO()
    monkeypatch.setattr("sys.stderr", out)
    telemetry.configure("info", form)

    def log_in(given: str) -> None:
        content = given.upper()
        raise RuntimeError(f"{len(content)} octets")

    try:
        log_in("hunter" + "2")
    except RuntimeError as error:
        telemetry.logger().error("connection_bug", exc_info=error)
    assert "log_in" in out.getvalue()
    assert "hunter2" not in out.getvalue().lower()
