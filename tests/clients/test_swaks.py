"""swaks delivers by LMTP, sends for users with every login over every kind of TLS, and brings mail as a stranger."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.clients.mail import letter, stored
from tests.clients.programs import require_client, run
from tests.imap_client import ImapClient
from tests.live import Account, Service, eventually

REFUSED_RECIPIENT = 24


class Swaks:
    """swaks with a server."""

    def __init__(self, server: Service, home: Path) -> None:
        self.start = [require_client("swaks"), "--protocol", "LMTP", "--server", f"127.0.0.1:{server.lmtp[1]}"]
        self.home = home

    def __call__(self, *options: str, message: bytes, code: int = 0) -> str:
        # swaks sends a line end of its own behind the file
        (self.home / "message.eml").write_bytes(message.removesuffix(b"\r\n").replace(b"\r\n", b"\n"))
        arguments = [*self.start, *options, "--data", f"@{self.home}/message.eml"]
        return run(arguments, self.home, code=code).decode("utf-8", "replace")


@pytest.fixture
def swaks(server: Service, home: Path) -> Swaks:
    return Swaks(server, home)


def test_a_message_is_delivered_behind_the_lines_that_delivery_adds(
    swaks: Swaks, account: Account, client: ImapClient
) -> None:
    message = letter("by swaks", ".a line with a dot\r\n.\r\nand ünïcode")
    swaks("--from", "joe@example.net", "--to", account.user, message=message)
    octets = stored(client)["by swaks"].octets
    added, _, rest = octets.partition(b"From: ")
    assert b"From: " + rest == message
    assert added.startswith(b"Return-Path: <joe@example.net>\r\nDelivered-To: " + account.user.encode() + b"\r\n")


def test_one_message_reaches_several_recipients_and_a_detail(
    swaks: Swaks, server: Service, account: Account, other_account: Account
) -> None:
    detail = account.user.replace("@", "+lists@")
    swaks("--to", f"{detail},{other_account.user}", message=letter("to all"))
    assert list(stored(server.connect(account))) == ["to all"]
    assert list(stored(server.connect(other_account))) == ["to all"]


def test_an_unknown_recipient_is_refused_and_the_others_get_it(
    swaks: Swaks, account: Account, client: ImapClient
) -> None:
    said = swaks("--to", f"nobody@example.org,{account.user}", message=letter("to one"))
    assert "550 5.1.1" in said
    assert list(stored(client)) == ["to one"]


def test_a_message_to_nobody_known_is_refused(swaks: Swaks) -> None:
    assert "550 5.1.1" in swaks("--to", "nobody@example.org", message=letter("lost"), code=REFUSED_RECIPIENT)


def test_a_pipelined_transaction_is_answered_in_order(swaks: Swaks, account: Account, client: ImapClient) -> None:
    swaks("--pipeline", "--to", account.user, message=letter("pipelined"))
    assert list(stored(client)) == ["pipelined"]


class Sender:
    """swaks with a server, for SMTP."""

    def __init__(self, server: Service, home: Path) -> None:
        self.server, self.home = server, home
        self.program = require_client("swaks")

    def __call__(self, *options: str, port: int, message: bytes, code: int = 0) -> str:
        (self.home / "message.eml").write_bytes(message.removesuffix(b"\r\n").replace(b"\r\n", b"\n"))
        where = ["--server", "localhost", "--port", str(port), "--tls-ca-path", str(self.server.ca), "--tls-verify"]
        arguments = [self.program, *where, *options, "--data", f"@{self.home}/message.eml"]
        return run(arguments, self.home, code=code).decode("utf-8", "replace")


@pytest.fixture
def sender(server: Service, home: Path, ours: None) -> Sender:
    return Sender(server, home)


def as_user(account: Account, mechanism: str, password: str | None = None) -> list[str]:
    """The options of a login, and the sender that goes with it."""
    secret = password or account.password
    return ["--auth", mechanism, "--auth-user", account.user, "--auth-password", secret, "--from", account.user]


@pytest.mark.rfc("4954", "4")
@pytest.mark.parametrize("pipelined", [False, True], ids=["", "pipelined"])
@pytest.mark.parametrize("way", ["starttls", "tls"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_a_user_logs_in_and_sends(
    sender: Sender, server: Service, account: Account, client: ImapClient, mechanism: str, way: str, pipelined: bool
) -> None:
    port, tls = (server.submission[1], "--tls") if way == "starttls" else (server.submissions[1], "--tlsc")
    options = [tls, *as_user(account, mechanism), "--to", account.user, *(["--pipeline"] if pipelined else [])]
    message = letter("sent", author=account.user)
    said = sender(*options, port=port, message=message)
    assert "235 2.7.0" in said
    eventually(lambda: list(stored(client)) == ["sent"], "the message has been delivered")


def test_a_wrong_password_and_a_login_in_the_clear_are_refused(
    sender: Sender, server: Service, account: Account
) -> None:
    wrong = as_user(account, "PLAIN", "wrong")
    said = sender("--tlsc", *wrong, "--to", account.user, port=server.submissions[1], message=letter("no"), code=28)
    assert "535 5.7.8" in said
    clear = as_user(account, "PLAIN")
    said = sender(*clear, "--to", account.user, port=server.submission[1], message=letter("no"), code=28)
    assert "does not appear to support" in said or "not advertise" in said, said


def test_a_user_does_not_send_as_somebody_else(sender: Sender, server: Service, account: Account) -> None:
    options = [*as_user(account, "PLAIN")[:-1], "joe@example.net"]
    said = sender("--tlsc", *options, "--to", account.user, port=server.submissions[1], message=letter("no"), code=23)
    assert "550 5.7.1" in said


@pytest.mark.parametrize("options", [[], ["--tls"], ["--pipeline"], ["--protocol", "SMTP"]], ids=" ".join)
def test_a_stranger_brings_mail(
    sender: Sender, server: Service, account: Account, client: ImapClient, options: list[str]
) -> None:
    message = letter("from outside", ".dot\r\n.\r\nand ünïcode")
    sender(*options, "--from", "joe@example.net", "--to", account.user, port=server.smtp[1], message=message)
    [(subject, arrived)] = stored(client).items()
    assert subject == "from outside"
    assert arrived.octets.endswith(message)


def test_a_stranger_does_not_reach_others_through_us(sender: Sender, server: Service) -> None:
    said = sender("--to", "a@elsewhere.example", port=server.smtp[1], message=letter("no"), code=REFUSED_RECIPIENT)
    assert "550 5.7.1" in said
