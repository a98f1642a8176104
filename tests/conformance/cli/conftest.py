"""The program as a user runs it: in a process of its own."""

import imaplib
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

START_S = 60.0
STOP_S = 10.0

Run = Callable[..., subprocess.CompletedProcess[str]]


def environment() -> dict[str, str]:
    return {**{k: v for k, v in os.environ.items() if not k.startswith("MAILKEEP_")}, "COLUMNS": "200"}


@pytest.fixture
def mailkeep() -> Run:
    """Run a command to its end."""

    def run(*args: str | Path, stdin: str | bytes = "", env: dict[str, str] | None = None) -> Any:
        return subprocess.run(
            (sys.executable, "-m", "mailkeep", *map(str, args)),
            input=stdin,
            capture_output=True,
            text=isinstance(stdin, str),
            env={**environment(), **(env or {})},
            timeout=60,
        )

    return run


@dataclass(slots=True)
class Running:
    """A server process that has said that it is ready."""

    process: subprocess.Popen[str]
    ready: dict[str, Any]
    ready_file: Path

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.ready["ca"])

    def imap(self) -> imaplib.IMAP4_SSL:
        """A connection over TLS to the name localhost, which the certificate must have."""
        return imaplib.IMAP4_SSL("localhost", self.ready["imaps"][1], ssl_context=self.context(), timeout=20)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        """Exit status and output."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=STOP_S)
        return self.process.returncode, out, err


Start = Callable[..., Running]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start `demo` or `serve`, and wait until it is ready."""
    started: list[subprocess.Popen[str]] = []

    def run(*args: str | Path) -> Running:
        ready_file = tmp_path / f"ready{len(started)}.json"
        process = subprocess.Popen(
            (sys.executable, "-m", "mailkeep", *map(str, args), "--ready-file", str(ready_file)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        started.append(process)
        end = time.monotonic() + START_S
        while not ready_file.exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end, "not ready in time"
            time.sleep(0.01)
        return Running(process, json.loads(ready_file.read_text("utf-8")), ready_file)

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Where a data directory may be made."""
    return tmp_path / "data"


@pytest.fixture
def store(mailkeep: Run, data: Path) -> Path:
    """A data directory with the account ann@example.org."""
    assert (
        mailkeep("account", "add", "ann@example.org", "--data", data, "--password-stdin", stdin="secret\n").returncode
        == 0
    )
    listeners = ("imap", "imaps", "pop3", "pop3s", "lmtp", "smtp", "submission", "submissions", "http", "https")
    lines = "".join(f'{name} = "127.0.0.1:0"\n' for name in listeners)
    (data / "mailkeep.toml").write_text(f"[listen]\n{lines}", "utf-8")
    return data
