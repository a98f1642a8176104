"""Mail clients as programs: found, run to their end, or run in a terminal that a test types into and reads."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.cannot_run import cannot_run
from tests.live import eventually

PATH = f"{os.environ.get('PATH', '')}:/usr/bin:/bin:/usr/sbin:/sbin"
RUN_S = 30.0


def require_client(program: str) -> str:
    """The path of a program.  Without it the test is skipped; on the continuous integration it fails."""
    path = shutil.which(program, path=PATH)
    if path is None:
        cannot_run(f"{program} is not installed; script/tests-setup installs it as root on Debian")
    return path


def environment(home: Path) -> dict[str, str]:
    """For a program that shall know nothing of the user who runs the tests."""
    return {"PATH": PATH, "HOME": str(home), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}


def run(
    arguments: Sequence[str | Path], home: Path, *, stdin: bytes = b"", code: int = 0, timeout_s: float = RUN_S
) -> bytes:
    """Run a program to its end; it must end with `code`.  Gives what it printed, both streams in one."""
    done = subprocess.run(
        [str(argument) for argument in arguments],
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=home,
        env=environment(home),
        timeout=timeout_s,
    )
    text = done.stdout.decode("utf-8", "replace")
    assert done.returncode == code, f"{shlex.join(map(str, arguments))} ended with {done.returncode}:\n{text}"
    return done.stdout


class Terminal:
    """A program in tmux."""

    def __init__(self, arguments: Sequence[str | Path], home: Path) -> None:
        self._tmux = [require_client("tmux"), "-f", "/dev/null", "-S", str(home / "tmux.sock")]
        self._home = home
        command = shlex.join(str(argument) for argument in arguments)
        run([*self._tmux, "new-session", "-d", "-s", "test", "-x", "120", "-y", "40", command], home)
        run([*self._tmux, "set-option", "-t", "test", "remain-on-exit", "on"], home)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        run([*self._tmux, "kill-server"], self._home)

    def screen(self) -> str:
        """What the screen shows."""
        return run([*self._tmux, "capture-pane", "-p", "-t", "test"], self._home).decode("utf-8", "replace")

    def keys(self, *keys: str) -> None:
        """Press keys by tmux's names (``Enter``, ``C-u``)."""
        run([*self._tmux, "send-keys", "-t", "test", *keys], self._home)

    def type(self, text: str) -> None:
        """Type text as it is."""
        run([*self._tmux, "send-keys", "-t", "test", "-l", text], self._home)

    def until(self, *wanted: str, absent: Sequence[str] = (), deadline_s: float = 15.0) -> str:
        """Wait until the screen shows all that is wanted and nothing that must be absent; gives it."""
        shown = ""

        def is_shown() -> bool:
            nonlocal shown
            shown = self.screen()
            return all(text in shown for text in wanted) and not any(text in shown for text in absent)

        try:
            eventually(is_shown, "the screen", deadline_s)
        except AssertionError:
            raise AssertionError(f"the screen does not show {wanted} without {tuple(absent)}:\n{shown}") from None
        return shown

    def until_ended(self, deadline_s: float = 15.0) -> None:
        """Wait until the program has ended."""
        asked = [*self._tmux, "display-message", "-p", "-t", "test", "#{pane_dead}"]
        eventually(lambda: run(asked, self._home).strip() == b"1", "the program's end", deadline_s)
