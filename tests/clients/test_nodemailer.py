"""Nodemailer, the library of Node that sends mail, with the server's certificate verified."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cannot_run import cannot_run
from tests.clients.driven import Driven, DrivenError
from tests.clients.mail import stored, until_stored
from tests.clients.programs import require_client
from tests.imap_client import ImapClient
from tests.live import Account, Service

DRIVER = Path(__file__).parent / "node/nodemailer.mjs"
MODULES = Path(__file__).parents[2] / "build/node"


class Mailer(Driven):
    """Nodemailer with these options."""

    def __init__(self, options: dict[str, Any], home: Path) -> None:
        if not (MODULES / "node_modules/nodemailer").is_dir():
            cannot_run("Nodemailer is not in build/node; script/tests-setup installs it")
        super().__init__([require_client("node"), DRIVER, MODULES, json.dumps(options)], home)

    def send(self, **fields: Any) -> dict[str, Any]:
        """Send one message; gives what Nodemailer knows of it."""
        answer: dict[str, Any] = self.call("sendMail", fields)
        return answer


@pytest.fixture
def options(server: Service, account: Account) -> dict[str, Any]:
    assert server.ca is not None
    return {
        "host": "localhost",
        "port": server.submissions[1],
        "secure": True,
        "auth": {"user": account.user, "pass": account.password},
        "tls": {"ca": Path(server.ca).read_text()},
    }


@pytest.fixture
def mailer(options: dict[str, Any], home: Path) -> Iterator[Mailer]:
    with Mailer(options, home) as made:
        yield made


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_a_user_logs_in(mechanism: str, tls: str, options: dict[str, Any], server: Service, home: Path) -> None:
    options["authMethod"] = mechanism
    if tls == "starttls":
        options |= {"port": server.submission[1], "secure": False, "requireTLS": True}
    with Mailer(options, home) as mailer:
        assert mailer.call("verify") is True


def test_a_wrong_password_is_refused(options: dict[str, Any], home: Path) -> None:
    options["auth"]["pass"] = "wrong"
    with Mailer(options, home) as mailer, pytest.raises(DrivenError, match="EAUTH"):
        mailer.call("verify")


def test_nobody_sends_without_tls(options: dict[str, Any], server: Service, account: Account, home: Path) -> None:
    options |= {"port": server.submission[1], "secure": False, "ignoreTLS": True}
    with Mailer(options, home) as mailer, pytest.raises(DrivenError, match=r"53[08] 5\.7\."):
        mailer.send(**{"from": account.user}, to=account.user, subject="in the clear", text="x")


def test_a_message_with_an_attachment_and_names_beyond_ascii_arrives(
    mailer: Mailer, server: Service, account: Account, other_account: Account
) -> None:
    sent = mailer.send(
        **{"from": f"Änne <{account.user}>"},
        to=f"Jürgen <{other_account.user}>",
        subject="Größe",
        text="Grüße\n.\nvon hier",
        attachments=[{"filename": "größe.txt", "content": "x" * 10_000}],
    )
    assert sent["accepted"] == [other_account.user]
    reader = server.connect(other_account)
    [got] = until_stored(reader, "INBOX", lambda seen: len(seen) == 1).values()
    assert f"Message-ID: {sent['messageId']}".encode() in got.octets
    assert b"with ESMTPSA" in got.octets


def test_blind_copies_reach_their_readers_and_are_not_named(
    mailer: Mailer, server: Service, account: Account, other_account: Account, client: ImapClient
) -> None:
    fields = {"from": account.user, "to": account.user, "bcc": other_account.user, "subject": "blind", "text": "x"}
    mailer.send(**fields)
    for reader in (client, server.connect(other_account)):
        [got] = until_stored(reader, "INBOX", lambda seen: len(seen) == 1).values()
        assert b"bcc" not in got.octets.lower().partition(b"\r\n\r\n")[0]


def test_a_sender_of_somebody_else_is_refused(mailer: Mailer, account: Account, other_account: Account) -> None:
    with pytest.raises(DrivenError, match=r"EENVELOPE.*5\.7\.1"):
        mailer.send(**{"from": other_account.user}, to=account.user, subject="forged", text="x")


def test_many_messages_go_over_one_connection(
    options: dict[str, Any], home: Path, account: Account, client: ImapClient
) -> None:
    options |= {"pool": True, "maxConnections": 1}
    with Mailer(options, home) as mailer:
        for number in range(10):
            mailer.send(**{"from": account.user}, to=account.user, subject=f"number {number}", text="x")
    seen = until_stored(client, "INBOX", lambda seen: len(seen) == 10)
    assert set(seen) == {f"number {number}" for number in range(10)}
    assert set(stored(client)) == set(seen)
