"""UNAUTHENTICATE (RFC 8437)."""

from __future__ import annotations

import base64
import zlib

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import Deflate, ImapClient
from tests.live import Account, Service

pytestmark = pytest.mark.rfc("8437", "3")


def plain(account: Account) -> str:
    return base64.b64encode(f"\0{account.user}\0{account.password}".encode()).decode()


def test_it_is_offered_after_login_only(server: Service, account: Account) -> None:
    client = server.connect()
    assert "UNAUTHENTICATE" not in client.ok("CAPABILITY").one("CAPABILITY")
    client.login(account.user, account.password)
    assert "UNAUTHENTICATE" in client.ok("CAPABILITY").one("CAPABILITY")


def test_one_connection_serves_two_accounts(server: Service, account: Account, other_account: Account) -> None:
    client = server.connect(account)
    client.ok("CREATE mine")
    client.ok("UNAUTHENTICATE")
    client.bad('LIST "" "*"')
    client.login(other_account.user, other_account.password)
    assert "mine" not in client.ok('LIST "" "*"').listed()


def test_the_capabilities_are_those_of_before(server: Service, account: Account) -> None:
    client = server.connect()
    before = client.ok("CAPABILITY").one("CAPABILITY")
    client.login(account.user, account.password)
    client.ok("UNAUTHENTICATE")
    assert client.ok("CAPABILITY").one("CAPABILITY") == before


def test_the_mailbox_is_left_and_nothing_is_expunged(inbox: ImapClient, account: Account, second: ImapClient) -> None:
    inbox.append("INBOX", simple_message(1), "(\\Deleted)")
    inbox.ok("NOOP")
    assert not inbox.ok("UNAUTHENTICATE").untagged
    inbox.forget()
    inbox.bad("FETCH 1 FLAGS")
    second.ok("SELECT INBOX")
    assert second.exists == 1
    inbox.login(account.user, account.password)
    inbox.bad("FETCH 1 FLAGS")


@pytest.mark.rfc("8437", "4.1")
def test_what_was_enabled_is_no_more(inbox: ImapClient, account: Account) -> None:
    inbox.ok("ENABLE IMAP4rev2 QRESYNC")
    inbox.ok("UNAUTHENTICATE")
    inbox.forget()
    inbox.login(account.user, account.password)
    reply = inbox.ok("SELECT INBOX")
    assert reply.all("RECENT")
    inbox.append("INBOX", simple_message(1))
    told = inbox.ok("STORE 1 FLAGS (\\Seen)").fetched[1]
    assert "MODSEQ" not in told
    inbox.bad("SELECT INBOX (QRESYNC (1 1))")


def test_nothing_of_the_old_account_is_told(inbox: ImapClient, second: ImapClient, other_account: Account) -> None:
    inbox.ok("UNAUTHENTICATE")
    inbox.forget()
    inbox.login(other_account.user, other_account.password)
    tag = inbox.idle()
    second.append("INBOX", simple_message(1))
    assert inbox.quiet(0.3)
    inbox.done(tag)


def test_the_next_login_may_be_pipelined(client: ImapClient, other_account: Account) -> None:
    client.send(f"a UNAUTHENTICATE\r\nb AUTHENTICATE PLAIN {plain(other_account)}\r\nc NAMESPACE\r\n".encode())
    assert [client.finish(tag).kind for tag in "abc"] == ["OK", "OK", "OK"]


def test_it_needs_a_login(server: Service) -> None:
    client = server.connect()
    client.bad("UNAUTHENTICATE")


def test_arguments_are_refused(client: ImapClient) -> None:
    client.bad("UNAUTHENTICATE now")
    client.ok("NAMESPACE")


def test_tls_stays(server: Service, account: Account) -> None:
    client = server.connect_tls(account)
    client.ok("UNAUTHENTICATE")
    assert "STARTTLS" not in client.ok("CAPABILITY").one("CAPABILITY")
    client.login(account.user, account.password)


def test_the_old_account_has_its_connection_back(server: Service, account: Account, other_account: Account) -> None:
    client = server.connect()
    for turn in range(300):  # more than one account may have open
        one = (account, other_account)[turn % 2]
        client.send(f"a AUTHENTICATE PLAIN {plain(one)}\r\nb UNAUTHENTICATE\r\n".encode())
        assert client.finish("a").kind == client.finish("b").kind == "OK"


@pytest.mark.rfc("8437", "4.1")
@pytest.mark.parametrize("mode", [zlib.Z_SYNC_FLUSH, zlib.Z_FINISH])
def test_compression_ends_behind_the_answer(client: ImapClient, other_account: Account, mode: int) -> None:
    client.compress()
    deflate = client.deflate
    assert deflate
    client.deflate = None
    login = f"b AUTHENTICATE PLAIN {plain(other_account)}\r\n".encode()
    client.send(deflate.compressor.compress(b"a UNAUTHENTICATE\r\n") + deflate.compressor.flush(mode) + login)
    octets = client.socket.recv(1 << 16)
    assert deflate.inflater.decompress(octets[: octets.index(b"\0\0\xff\xff") + 4]).startswith(b"a OK ")
    client.buffer = octets[octets.index(b"\0\0\xff\xff") + 4 :]
    assert client.finish("b").kind == "OK"
    client.compress()
    assert isinstance(client.deflate, Deflate)
    client.ok("NOOP")
