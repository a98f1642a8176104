"""swaks delivers by LMTP."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.clients.mail import letter, stored
from tests.clients.programs import require_client, run
from tests.imap_client import ImapClient
from tests.live import Account, Service

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
