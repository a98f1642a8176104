"""mailkeep account setup, and account openpgp, with and without a server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.conformance.cli.conftest import Run

KEY = Path(__file__).parents[2] / "golden/openpgp/ann.asc"
ANN = "ann@example.org"


@pytest.fixture(params=["while the server runs", "without a server"])
def place(request: pytest.FixtureRequest, store: Path) -> Path:
    """The data directory with ann@example.org; every command must work both ways."""
    if request.param == "while the server runs":
        request.getfixturevalue("start")("serve", "--data", store)
    return store


def test_settings_of_an_account_are_printed_for_people_and_for_programs(mailkeep: Run, place: Path) -> None:
    shown = mailkeep("account", "setup", "Ann@Example.org", "--data", place)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith(f"User name: {ANN}, with the account's password\nIMAP: ")
    told = json.loads(mailkeep("account", "setup", ANN, "--json", "--data", place).stdout)
    assert told["user"] == ANN
    assert {service["protocol"] for service in told["services"]} >= {"imap", "smtp"}
    refused = mailkeep("account", "setup", "eve@example.org", "--data", place)
    assert refused.returncode == 1


def test_where_a_proxy_stands_before_the_web_server_the_links_and_the_qr_code_lead_there(
    mailkeep: Run, store: Path, tmp_path: Path
) -> None:
    config = tmp_path / "mailkeep.toml"
    config.write_text(f'data_dir = "{store}"\n[web]\nurl = "https://mail.example.org/"\n')
    shown = mailkeep("account", "setup", ANN, "--config", config).stdout
    assert f"https://mail.example.org/mail.mobileconfig?email={ANN}" in shown
    assert f"https://mail.example.org/?address={ANN}" in shown
    assert shown.count("█") > 100
    plain = mailkeep("account", "setup", ANN, "--no-qr", "--config", config).stdout
    assert "█" not in plain


def test_a_key_is_published_shown_and_removed(mailkeep: Run, store: Path) -> None:
    published = mailkeep("account", "openpgp", "set", ANN, KEY, "--data", store)
    assert published.returncode == 0, published.stderr
    assert "https://openpgpkey.example.org/.well-known/openpgpkey/example.org/hu/" in published.stdout
    shown = mailkeep("account", "openpgp", "show", ANN, "--data", store).stdout
    again = mailkeep("account", "openpgp", "set", ANN, "-", "--data", store, stdin=shown)
    assert again.returncode == 0, again.stderr
    assert mailkeep("account", "openpgp", "remove", ANN, "--data", store).returncode == 0
    gone = mailkeep("account", "openpgp", "show", ANN, "--data", store)
    assert (gone.returncode, gone.stderr) == (1, f"mailkeep: There is no key of {ANN}.\n")


def test_what_is_no_public_key_of_the_account_is_refused(mailkeep: Run, store: Path) -> None:
    refused = mailkeep("account", "openpgp", "set", ANN, "-", "--data", store, stdin="-----BEGIN PGP PRIVATE KEY BLOCK")
    assert refused.returncode == 1
    assert "private key" in refused.stderr
    assert mailkeep("account", "openpgp", "set", ANN, "/nowhere", "--data", store).returncode == 2
