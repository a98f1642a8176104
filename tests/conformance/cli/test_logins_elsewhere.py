"""Others say who logs in, while the server runs with several processes and its configuration changes."""

from __future__ import annotations

import imaplib
import signal
import time
from pathlib import Path

import pytest
from tests.conformance.cli.conftest import Run, Running, Start

HOOK = """
def on_login(login):
    return f"{login.user}@example.org" if login.password == "PASSWORD" else None
"""


def tries(server: Running, user: str, password: str) -> str:
    """What the server says to a login; the connection may be with any of its processes."""
    with server.imap() as client:
        try:
            return client.login(user, password)[0]
        except imaplib.IMAP4.error as error:
            return str(error)


def eventually(server: Running, user: str, password: str, wanted: str) -> None:
    end = time.monotonic() + 15
    while wanted not in (said := tries(server, user, password)):
        assert time.monotonic() < end, said
        time.sleep(0.02)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_hook_lets_in_makes_accounts_and_is_read_again_on_sighup(store: Path, start: Start, workers: int) -> None:
    hook = store / "hook.py"
    hook.write_text(HOOK.replace("PASSWORD", "before"))
    config = store / "mailkeep.toml"
    config.write_text(
        f"workers = {workers}\n[accounts]\nat_login = true\n[auth]\nthrottle = false\nhook = 'hook.py'\n"
        + config.read_text()
    )
    server = start("serve", "--data", store)
    for number in range(3):
        user = f"new{number}"
        assert {tries(server, user, "before") for _ in range(4)} == {"OK"}
        with server.imap() as client:
            client.login(user, "before")
            assert client.select()[0] == "OK"
    assert tries(server, "ann@example.org", "secret") == "OK"
    assert "AUTHENTICATIONFAILED" in tries(server, "new0", "after")
    hook.write_text(HOOK.replace("PASSWORD", "after"))
    server.process.send_signal(signal.SIGHUP)
    eventually(server, "other", "after", "OK")
    assert server.stop()[0] == 0


def test_an_account_without_a_password_is_made_by_hand(store: Path, mailkeep: Run) -> None:
    done = mailkeep("account", "add", "bob@example.org", "--elsewhere", "--data", store)
    assert done.returncode == 0, done.stderr
    done = mailkeep("account", "add", "eve@example.org", "--elsewhere", "--shared", "--data", store)
    assert done.returncode == 2
