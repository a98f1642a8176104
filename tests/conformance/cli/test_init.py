import datetime as dt
import getpass
import re
from pathlib import Path

import pytest
from tests.conformance.cli.conftest import Run, Start

from mailkeep.certificates import ensure_self_signed
from mailkeep.config import Address, load


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
    assert "ann@example.org logs in, sends over SMTP, and reads it over IMAP" in done.stdout
    assert "ann@example.org  active  shard 0  1 message  " in mailkeep("account", "list", "--data", data).stdout
    listed = mailkeep("domain", "list", "--config", data / "mailkeep.toml").stdout
    assert listed.startswith("example.org  1 account  1 alias  keys ")
    aliases = mailkeep("alias", "list", "--config", data / "mailkeep.toml").stdout
    assert aliases == "postmaster@example.org  ann@example.org\n"


def test_init_overwrites_nothing(mailkeep: Run, data: Path) -> None:
    mailkeep("init", "ann@example.org", "--data", data, "--password-stdin", "--no-trial", stdin="secret\n")
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
    assert done.returncode == 2
    assert not data.exists()


def test_a_data_directory_can_be_moved_whole(mailkeep: Run, start: Start, data: Path, tmp_path: Path) -> None:
    mailkeep("init", "ann@example.org", "--data", data, "--password-stdin", "--no-trial", stdin="secret\n")
    moved = data.rename(tmp_path / "moved")
    text = (moved / "mailkeep.toml").read_text("utf-8")
    text = re.sub(r'"(?:\*|127\.0\.0\.1):\d+"', '"127.0.0.1:0"', text)
    (moved / "mailkeep.toml").write_text(text, "utf-8")
    server = start("serve", "--config", moved / "mailkeep.toml")
    with server.imap() as imap:
        assert imap.login("ann@example.org", "secret")[0] == "OK"


def test_every_answer_can_be_an_option(mailkeep: Run, data: Path, tmp_path: Path) -> None:
    given = ensure_self_signed(tmp_path, ("mx.example.net",), dt.datetime.now(dt.UTC))
    unit = tmp_path / "mailkeep.service"
    options = ("--hostname", "mx.example.net", "--certificate", given.certificate, "--key", given.key)
    more = ("--ports", "high", "--unit", unit, "--user", getpass.getuser(), "--no-trial", "--yes")
    done = mailkeep("init", "ann@example.org", "--data", data, *options, *more, "--password-stdin", stdin="secret\n")
    assert done.returncode == 0, done.stderr
    config = load(data / "mailkeep.toml")
    assert (config.tls.certificate, config.tls.key) == (given.certificate, given.key)
    assert config.listen.submissions == Address("*", 10465)
    assert not (data / "key.pem").exists()
    assert "systemctl enable --now mailkeep.service" in done.stdout
    assert mailkeep("config", "unit", "--data", data, "--user", getpass.getuser()).stdout == unit.read_text("utf-8")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--hostname", "no name"), "no host name"),
        (("--certificate", "/nowhere.pem"), "give both"),
        (("--certificate", "/nowhere.pem", "--key", "/nowhere.pem"), "cannot be read"),
        (("--unit", "-", "--user", "nobody-at-all"), "there is no user nobody-at-all"),
        (("--unit", "/etc/passwd"), "exists already"),
        (("--ports", "many"), "standard"),
        (("--unit", "/etc/passwd/mailkeep.service"), "cannot be made"),
        (("--tls", "acme", "--hostname", "localhost"), "a name in public DNS"),
        (("--tls", "acme", "--certificate", "/nowhere.pem", "--key", "/nowhere.pem"), "--tls acme none"),
    ],
)
def test_a_wrong_option_leaves_nothing_behind(mailkeep: Run, data: Path, options: tuple[str, ...], why: str) -> None:
    done = mailkeep("init", "ann@example.org", "--data", data, *options, "--password-stdin", stdin="secret\n")
    assert done.returncode == 2
    assert why in done.stderr
    assert not data.exists()


def test_without_a_terminal_the_address_must_be_said(mailkeep: Run, data: Path) -> None:
    done = mailkeep("init", "--data", data, "--password-stdin", stdin="secret\n")
    assert done.returncode == 2
    assert "mailkeep init you@example.org" in done.stderr


def test_certificates_can_be_asked_of_an_authority(mailkeep: Run, data: Path) -> None:
    done = mailkeep("init", "ann@example.org", "--tls", "acme", "--data", data, "--password-stdin", stdin="secret\n")
    assert done.returncode == 0, done.stderr
    config = load(data / "mailkeep.toml")
    assert (config.tls.acme, config.acme.terms_agreed) == (True, True)
    assert "until Let's Encrypt has given one" in done.stdout
    assert not (data / "acme").exists()  # the trial asks nobody
