from pathlib import Path

import pytest
from tests.conformance.cli.conftest import Run, Start

from mailkeep.config import load


def test_init_makes_configuration_key_and_account_and_tells_how_to_go_on(mailkeep: Run, data: Path) -> None:
    done = mailkeep("init", "ann@example.org", "--data", data, "--password-stdin", stdin="secret\n")
    assert done.returncode == 0, done.stderr
    config = load(data / "mailkeep.toml")
    assert config.data_dir == data
    assert config.hostname == "mail.example.org"
    assert (data / "key.pem").stat().st_mode & 0o777 == 0o600
    for part in (
        "IN MX    10 mail.example.org.",
        "._domainkey.example.org.",
        "_imaps._tcp.example.org.",
        "user name  ann@example.org",
        "mailkeep serve --config",
    ):
        assert part in done.stdout
    assert "ann@example.org" in mailkeep("account", "list", "--config", data / "mailkeep.toml").stdout
    listed = mailkeep("domain", "list", "--config", data / "mailkeep.toml").stdout
    assert listed.startswith("example.org  1 accounts  1 aliases  keys ")
    aliases = mailkeep("alias", "list", "--config", data / "mailkeep.toml").stdout
    assert aliases == "postmaster@example.org  ann@example.org\n"


def test_init_overwrites_nothing(mailkeep: Run, data: Path) -> None:
    mailkeep("init", "ann@example.org", "--data", data, "--password-stdin", stdin="secret\n")
    before = {path: path.read_bytes() for path in data.iterdir() if path.is_file()}
    done = mailkeep("init", "ben@example.org", "--data", data, "--password-stdin", stdin="secret\n")
    assert done.returncode == 2
    assert "exists already: nothing has been changed" in done.stderr
    assert before == {path: path.read_bytes() for path in data.iterdir() if path.is_file()}


@pytest.mark.parametrize(
    ("address", "password"), [("ann", "secret"), ("ann@[192.0.2.1]", "secret"), ("ann@example.org", "with\x07bell")]
)
def test_a_wrong_address_or_password_leaves_nothing_behind(
    mailkeep: Run, data: Path, address: str, password: str
) -> None:
    done = mailkeep("init", address, "--data", data, "--password-stdin", stdin=f"{password}\n")
    assert done.returncode == 1
    assert not data.exists()


def test_a_data_directory_can_be_moved_whole(mailkeep: Run, start: Start, data: Path, tmp_path: Path) -> None:
    mailkeep("init", "ann@example.org", "--data", data, "--password-stdin", stdin="secret\n")
    moved = data.rename(tmp_path / "moved")
    text = (moved / "mailkeep.toml").read_text("utf-8")
    for port in (143, 993, 24):
        text = text.replace(f":{port}", ":0").replace(f":{10000 + port}", ":0")
    (moved / "mailkeep.toml").write_text(text.replace("*:0", "127.0.0.1:0"), "utf-8")
    server = start("serve", "--config", moved / "mailkeep.toml")
    with server.imap() as imap:
        assert imap.login("ann@example.org", "secret")[0] == "OK"
