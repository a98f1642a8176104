"""mailkeep init on a terminal: questions and answers, as a user sees them."""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.conformance.cli.conftest import environment

from mailkeep.certificates import ensure_self_signed
from mailkeep.config import load

PATIENCE_S = 30.0


class Terminal:
    """A program on a terminal: what it shows, and keys."""

    def __init__(self, *arguments: str | Path) -> None:
        self._ours, theirs = pty.openpty()
        self._process = subprocess.Popen(
            (sys.executable, "-m", "mailkeep", *map(str, arguments)),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**environment(), "TERM": "dumb"},
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(theirs)
        self.shown = ""
        self._seen = 0

    def answer(self, question: str, text: str, *, hidden: bool = False) -> None:
        """Wait for `question` (`hidden`: until what is typed is not shown), and type `text`."""
        self._until(lambda: question in self.shown[self._seen :] and self._shows() is not hidden, question)
        self._seen = len(self.shown)
        os.write(self._ours, text.encode() + b"\r")

    def end(self) -> int:
        """Exit status."""
        self._until(lambda: self._process.poll() is not None, "the end")
        while self._read(0.1):
            pass
        return self._process.returncode

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._ours)

    def _shows(self) -> bool:
        return bool(termios.tcgetattr(self._ours)[3] & termios.ECHO)

    def _until(self, done: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while not done():
            assert time.monotonic() < end, f"no {what!r} in {self.shown!r}"
            self._read(0.1)
        while self._read(0):
            pass

    def _read(self, seconds: float) -> bool:
        if not select.select([self._ours], [], [], seconds)[0]:
            return False
        with suppress(OSError):  # Linux: the other end is closed
            octets = os.read(self._ours, 1 << 16)
            self.shown += octets.decode("utf-8", "replace").replace("\r\n", "\n")
            return bool(octets)
        return False


def _take_terminal() -> None:
    """So that Ctrl-C is a signal, and one that is heard: programs in the background are started deaf to it."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def open_terminal(*arguments: str | Path) -> Terminal:
        opened.append(Terminal(*arguments))
        return opened[-1]

    yield open_terminal
    for each in opened:
        each.close()


def test_a_guided_run_asks_explains_and_tries_the_server_out(
    terminal: Callable[..., Terminal], data: Path, tmp_path: Path
) -> None:
    given = ensure_self_signed(tmp_path, ("mx.example.org",), dt.datetime.now(dt.UTC))
    run = terminal("init", "--data", data, "--unit", tmp_path / "mailkeep.service", "--user", "root")
    run.answer("Your mail address:", "ann")
    run.answer("Error: ann: an address has the form user@domain", "ann@example.org")
    run.answer("The server's own name in DNS [mail.example.org]:", "no name")
    run.answer("no name is no host name in ASCII", "mx.example.org")
    run.answer("Password for ann@example.org:", "secret", hidden=True)
    run.answer("Repeat for confirmation:", "other", hidden=True)
    run.answer("Password for ann@example.org:", "secret", hidden=True)
    run.answer("Repeat for confirmation:", "secret", hidden=True)
    run.answer("Ports [", "high")
    run.answer("Certificate [self-signed]:", "files")
    run.answer("PEM file of the certificate", "/nowhere.pem")
    run.answer("PEM file of its private key", "/nowhere.pem")
    run.answer("Error: /nowhere.pem: cannot be read", str(given.certificate))
    run.answer("PEM file of its private key", str(given.key))
    run.answer("Set it up so? [Y/n]:", "")
    assert run.end() == 0, run.shown
    assert "secret" not in run.shown
    assert re.search(r"good +trial +ann@example.org logs in, sends over SMTP, and reads it over IMAP", run.shown)
    assert "systemctl enable --now mailkeep.service" in run.shown
    config = load(data / "mailkeep.toml")
    assert config.hostname == "mx.example.org"
    assert config.listen.imaps is not None
    assert config.listen.imaps.port == 10993
    assert config.tls.certificate == given.certificate
    unit = (tmp_path / "mailkeep.service").read_text("utf-8")
    assert "\nUser=root\n" in unit
    assert f"serve --config {data / 'mailkeep.toml'}\n" in unit


@pytest.mark.parametrize("last", ["n", "\x03"], ids=["no", "Ctrl-C"])
def test_whoever_says_no_at_the_end_has_changed_nothing(
    terminal: Callable[..., Terminal], data: Path, last: str
) -> None:
    run = terminal("init", "ann@example.org", "--hostname", "mx.example.org", "--data", data, "--ports", "high")
    run.answer("Password for", "secret", hidden=True)
    run.answer("Repeat", "secret", hidden=True)
    run.answer("unit" if os.geteuid() else "Have systemd start the server", "n")
    run.answer("Certificate [self-signed]:", "acme")
    run.answer("Do you agree to the terms", "y")
    run.answer("Set it up so?", last)
    assert run.end() == 1
    assert not data.exists()
