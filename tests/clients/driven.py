"""A client library of another language, in a program that does what it is told: JSON lines in and out.

Each line of its input is {"call": method, "args": […]}, each line of its output {"value": …}, {"error": …}, or
{"event": name, "value": …} whenever something was pushed.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from tests.clients.programs import environment


class DrivenError(AssertionError):
    """The library has raised an error, or says that it failed."""


class Driven:
    """The program; it ends with its input."""

    def __init__(self, arguments: Sequence[str | Path], home: Path) -> None:
        self._process = subprocess.Popen(
            [str(argument) for argument in arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=home,
            env=environment(home),
            text=True,
            encoding="utf-8",
        )
        self.events: list[tuple[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=10)

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the program has ended"
        message: dict[str, Any] = json.loads(line)
        if "event" in message:
            self.events.append((message["event"], message["value"]))
        return message

    def call(self, name: str, *args: object) -> Any:
        """Call a method and wait for what it gives.  Raises: DrivenError."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"call": name, "args": args}) + "\n")
        self._process.stdin.flush()
        while "event" in (message := self._read()):
            pass
        if "error" in message:
            raise DrivenError(message["error"])
        return message["value"]

    def until(self, event: str) -> Any:
        """Wait until something of this kind is pushed; gives it."""
        while not any(name == event for name, _ in self.events):
            self._read()
        [index, *_] = [place for place, (name, _) in enumerate(self.events) if name == event]
        return self.events.pop(index)[1]
