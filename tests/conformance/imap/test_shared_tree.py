"""The shared tree: mailboxes of accounts into which nobody logs in (RFC 9051 §6.3.10), and who may use them."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient, Literal
from tests.live import Account, Service, mailkeep

pytestmark = [pytest.mark.rfc("2342", "5"), pytest.mark.usefixtures("ours")]

Administer = Callable[..., str]
NUMBERS = itertools.count()


@pytest.fixture
def administer(server: Service) -> Administer:
    """Run a command of the administrator on the server's data; gives what it prints."""

    def run(*arguments: str) -> str:
        command = (mailkeep(), *arguments, "--data", str(server.data))
        return subprocess.run(command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout

    return run


@pytest.fixture
def team(administer: Administer) -> Iterator[str]:
    """The address of a new shared account, which goes when the test ends, with the rights it has given."""
    address = f"team{next(NUMBERS)}@example.org"
    administer("account", "add", address, "--shared")
    yield address
    with suppress(subprocess.CalledProcessError):  # the test may have removed it
        administer("account", "remove", address, "--yes")


def test_a_shared_account_is_seen_by_whom_it_is_shared_with(
    client: ImapClient, account: Account, team: str, administer: Administer
) -> None:
    assert client.ok('LIST "" "Shared/*"').listed() == {}
    administer("mailbox", "share", team, "INBOX", account.user, "lrswitek")
    assert client.ok('LIST "" "Shared/*"').listed().keys() == {f"Shared/{team}/INBOX"}
    assert client.ok('LIST "" "Other Users/*"').listed() == {}
    client.ok(f"APPEND Shared/{team}/INBOX", Literal(simple_message(1), plus=True))
    client.ok(f"SELECT Shared/{team}/INBOX")
    assert client.exists == 1
    client.no(f'SELECT "Other Users/{team}/INBOX"', code="NONEXISTENT")
    client.ok(f"CREATE Shared/{team}/INBOX/a")
    client.ok(f"UNSUBSCRIBE Shared/{team}/INBOX/a")


def test_nobody_logs_in_to_a_shared_account(server: Service, team: str, administer: Administer) -> None:
    server.connect().no(f"LOGIN {team} x", code="AUTHENTICATIONFAILED")
    with pytest.raises(subprocess.CalledProcessError):
        administer("account", "password", team, "--password-file", "/dev/null")


def test_its_list_has_no_owner_and_may_be_administered(
    client: ImapClient, account: Account, other_account: Account, server: Service, team: str, administer: Administer
) -> None:
    administer("mailbox", "share", team, "INBOX", account.user, "lra")
    assert administer("mailbox", "acl", team, "INBOX").split() == [account.user, "lra"]
    client.ok(f"SETACL Shared/{team}/INBOX {other_account.user} lr")
    _, entries = client.ok(f"GETACL Shared/{team}/INBOX").one("ACL")
    assert dict(zip(entries[::2], entries[1::2], strict=True)) == {account.user: "lra", other_account.user: "lr"}
    server.connect(other_account).ok(f"SELECT Shared/{team}/INBOX")


def test_an_administrator_shares_a_whole_tree(
    client: ImapClient, account: Account, team: str, administer: Administer
) -> None:
    administer("mailbox", "create", team, "a/b")
    administer("mailbox", "share", team, "a", account.user, "lr", "--below")
    administer("mailbox", "share", team, "a/b", account.user, "+s")
    administer("mailbox", "share", team, "a", account.user, "-r")
    reply = client.ok('LIST "" "Shared/*" RETURN (MYRIGHTS)')
    assert [row.data for row in reply.all("MYRIGHTS")] == [(f"Shared/{team}/a", ["l"]), (f"Shared/{team}/a/b", ["lrs"])]
    administer("mailbox", "share", team, "a", account.user, "", "--below")
    assert client.ok('LIST "" "Shared/*"').listed() == {}


def test_mail_to_its_address_is_there_for_all(
    client: ImapClient, account: Account, server: Service, team: str, administer: Administer
) -> None:
    administer("mailbox", "share", team, "INBOX", account.user, "lr")
    client.ok(f"SELECT Shared/{team}/INBOX")
    tag = client.idle()
    server.deliver(team, simple_message(1))
    client.until(lambda response: response.kind == "EXISTS" and response.number == 1)
    client.done(tag)


def test_who_removes_an_account_takes_its_mailboxes_away(
    client: ImapClient, account: Account, team: str, administer: Administer
) -> None:
    administer("mailbox", "share", team, "INBOX", account.user, "lr")
    client.ok(f"SELECT Shared/{team}/INBOX")
    administer("account", "remove", team, "--yes")
    client.ok("NOOP")
    client.ok("FETCH 1:* FLAGS")
    client.ok("UNSELECT")
    assert client.ok('LIST "" "Shared/*"').listed() == {}
    client.no(f"SELECT Shared/{team}/INBOX", code="NONEXISTENT")


def test_who_comes_back_under_an_address_has_no_rights_of_before(
    client: ImapClient, account: Account, server: Service, administer: Administer
) -> None:
    address = f"gone{next(NUMBERS)}@example.org"
    for _ in range(2):
        subprocess.run(
            (mailkeep(), "account", "add", address, "--password-stdin", "--data", str(server.data)),
            check=True, capture_output=True, input=b"pass-of-a-test\n",
        )  # fmt: skip
        guest = server.connect(Account(address, "pass-of-a-test"))
        assert guest.ok('LIST "" "Other Users/*"').listed() == {}
        client.ok(f"SETACL Sent {address} lr")
        administer("account", "remove", address, "--yes")
        assert address not in str(client.ok("GETACL Sent").one("ACL"))
