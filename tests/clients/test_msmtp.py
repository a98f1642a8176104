"""msmtp, which sends what a program gives it, with the server's certificate verified."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.clients.mail import letter, until_stored
from tests.clients.programs import require_client, run
from tests.imap_client import ImapClient
from tests.live import Account, Service

NO_PERMISSION = 77
UNAVAILABLE = 69
DATA_ERROR = 65


class Msmtp:
    """msmtp with a server and an account."""

    def __init__(self, server: Service, account: Account, home: Path) -> None:
        self.program = require_client("msmtp")
        self.server = server
        self.account = account
        self.home = home

    def __call__(
        self,
        *recipients: str,
        message: bytes,
        tls: str = "implicit",
        auth: str = "plain",
        sender: str = "",
        password: str = "",
        code: int = 0,
        more: str = "",
    ) -> str:
        port = self.server.submissions[1] if tls == "implicit" else self.server.submission[1]
        config = self.home / "msmtprc"
        config.write_text(
            f"account default\nhost localhost\nport {port}\nfrom {sender or self.account.user}\n"
            f"tls {'off' if tls == 'off' else 'on'}\ntls_starttls {'on' if tls == 'starttls' else 'off'}\n"
            f"tls_trust_file {self.server.ca}\n"
            f"auth {auth}\nuser {self.account.user}\npassword {password or self.account.password}\n{more}"
        )
        config.chmod(0o600)
        arguments = [self.program, f"--file={config}", "--", *recipients]
        return run(arguments, self.home, stdin=message.replace(b"\r\n", b"\n"), code=code).decode("utf-8", "replace")


@pytest.fixture
def msmtp(server: Service, account: Account, home: Path) -> Msmtp:
    return Msmtp(server, account, home)


@pytest.mark.parametrize("auth", ["plain", "login", "scram-sha-256"])
@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_a_message_is_sent(msmtp: Msmtp, tls: str, auth: str, account: Account, client: ImapClient) -> None:
    message = letter("by msmtp", ".a dot\r\n.\r\nand ünïcode", author=account.user)
    msmtp(account.user, message=message, tls=tls, auth=auth)
    [got] = until_stored(client, "INBOX", lambda seen: len(seen) == 1).values()
    assert got.octets.endswith(b"\r\n\r\n" + message.partition(b"\r\n\r\n")[2])


def test_one_message_goes_to_several(
    msmtp: Msmtp, account: Account, other_account: Account, client: ImapClient, server: Service
) -> None:
    msmtp(account.user, other_account.user, message=letter("to both", author=account.user))
    for reader in (client, server.connect(other_account)):
        assert list(until_stored(reader, "INBOX", lambda seen: len(seen) == 1)) == ["to both"]


def test_a_wrong_password_is_refused(msmtp: Msmtp, account: Account) -> None:
    assert "535" in msmtp(account.user, message=letter("no"), password="wrong", code=NO_PERMISSION)


def test_nobody_logs_in_without_tls(msmtp: Msmtp, account: Account) -> None:
    msmtp(account.user, message=letter("no"), tls="off", code=UNAVAILABLE)


def test_a_sender_of_somebody_else_is_refused(msmtp: Msmtp, account: Account, other_account: Account) -> None:
    said = msmtp(account.user, message=letter("forged"), sender=other_account.user, code=DATA_ERROR)
    assert "5.7.1" in said


def test_an_unknown_recipient_of_this_server_is_refused_at_once(msmtp: Msmtp) -> None:
    assert "550" in msmtp("nobody@example.org", message=letter("lost"), code=DATA_ERROR)


def test_a_message_asks_for_a_report_of_its_delivery(msmtp: Msmtp, account: Account, client: ImapClient) -> None:
    message = letter("with a report", author=account.user)
    msmtp(account.user, message=message, more="dsn_notify success\ndsn_return headers\n")
    seen = until_stored(client, "INBOX", lambda seen: len(seen) == 2)
    [report] = [got for subject, got in seen.items() if subject != "with a report"]
    assert b"report-type=" in report.octets
    assert b"Action: delivered" in report.octets
