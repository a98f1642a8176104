"""Perl's Net::SMTP brings a message in chunks, as BINARYMIME."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.clients.mail import letter
from tests.clients.programs import require_client
from tests.imap_client import ImapClient
from tests.live import Account, Service


@pytest.mark.rfc("3030", "4.2")
def test_a_message_comes_in_chunks(server: Service, account: Account, client: ImapClient, ours: None) -> None:
    message = letter("in chunks", ".dot\r\n.\r\nand ünïcode") + bytes(range(256))
    script = Path(__file__).with_name("net_smtp.pl")
    arguments = [require_client("perl"), str(script), str(server.smtp[1]), "joe@example.net", account.user]
    done = subprocess.run(arguments, input=message, capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stdout[:3]) == (0, b"250"), done.stderr
    client.ok("EXAMINE INBOX")
    [row] = client.ok("FETCH 1:* BINARY.PEEK[]").fetched.values()
    assert row["BINARY[]"].endswith(message)
