"""mailkeep account app-password, and hashes of imported accounts, without a server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.conformance.cli.conftest import Run

ANN = "ann@example.org"


@pytest.fixture
def store(mailkeep: Run, tmp_path: Path) -> Path:
    data = tmp_path / "data"
    mailkeep("account", "add", ANN, "--data", data, "--password-stdin", stdin="secret\n")
    return data


def test_one_is_made_shown_listed_and_revoked(mailkeep: Run, store: Path) -> None:
    command = ("account", "app-password")
    made = mailkeep(
        *command, "add", ANN, "Ann's phone", "--scope", "imap", "--read-only", "--expires", "90d", "--data", store
    )
    first, secret = made.stdout.splitlines()
    assert first == f"Number 1, for {ANN}: imap, for reading only.  Type this as the password:"
    assert len(secret) == 34
    [line] = json.loads(mailkeep(*command, "list", ANN, "--json", "--data", store).stdout)
    assert (line["label"], line["services"], line["read_only"], line["used_at"]) == (
        "Ann's phone",
        ["imap"],
        True,
        None,
    )
    assert line["expires_at"] - line["created_at"] == 90 * 86400
    listed = mailkeep(*command, "list", ANN, "--data", store).stdout
    assert "Ann's phone  (imap, for reading only)" in listed
    assert "never used, expires" in listed
    assert mailkeep(*command, "revoke", ANN, "1", "--data", store).returncode == 0
    assert mailkeep(*command, "revoke", ANN, "1", "--data", store).returncode == 1


@pytest.mark.parametrize(
    "options",
    [("--scope", "gopher"), ("--read-only", "--scope", "smtp"), ("--expires", "soon"), ("--expires", "2001-01-01")],
    ids=lambda options: " ".join(options),
)
def test_what_makes_no_sense_is_refused(mailkeep: Run, store: Path, options: tuple[str, ...]) -> None:
    assert mailkeep("account", "app-password", "add", ANN, "phone", *options, "--data", store).returncode == 2


def test_an_account_moves_in_with_the_hash_of_its_password(mailkeep: Run, store: Path) -> None:
    hashed = "{SHA256-CRYPT}$5$rounds=1000$saltsalt$2T4NgfXuGqH8uGJzMbKiGjsSVgSwPz8mWXLDPnLQ6c7"
    options = ("--password-stdin", "--password-hash", "--data", store)
    assert mailkeep("account", "add", "bob@example.org", *options, stdin=f"{hashed}\n").returncode == 0
    wrong = mailkeep("account", "password", ANN, *options, stdin="{MD5-CRYPT}$1$x$y\n")
    assert wrong.returncode == 1
    assert "MD5-CRYPT" in wrong.stderr
