"""SETQUOTA (RFC 9208 §4.1.3)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.imap_client import ImapClient
from tests.live import OWN, Account, Service

from mailkeep.config import Accounts

pytestmark = pytest.mark.rfc("9208", "4.1.3")


@pytest.fixture
def fresh(fresh_account: Account, server: Service, ours: None) -> ImapClient:
    return server.connect(fresh_account)


def test_the_owner_may_lower_his_limits_but_not_raise_them(fresh: ImapClient) -> None:
    quota = fresh.ok('SETQUOTA "" (STORAGE 510 MESSAGE 100)').one("QUOTA")
    assert quota[1] == {"STORAGE": (0, 510), "MESSAGE": (0, 100), "MAILBOX": (6, 10_000)}
    fresh.no('SETQUOTA "" (STORAGE 511 MESSAGE 100)', code="NOPERM")
    fresh.no('SETQUOTA "" (STORAGE 510)', code="NOPERM")
    fresh.no('SETQUOTA "" ()', code="NOPERM")
    quota = fresh.ok('SETQUOTA "" (STORAGE 509 MESSAGE 100 MAILBOX 7)').one("QUOTA")
    assert quota[1] == {"STORAGE": (0, 509), "MESSAGE": (0, 100), "MAILBOX": (6, 7)}
    assert fresh.ok("GETQUOTAROOT INBOX").one("QUOTA") == quota


def test_the_owner_may_raise_limits_where_the_configuration_says_so(configured: Callable[..., Service]) -> None:
    client = configured(accounts=Accounts(quota=1 << 20, quota_mailboxes=4, owner_sets_quota="freely")).connect(OWN)
    assert client.ok('GETQUOTA ""').one("QUOTA")[1] == {"STORAGE": (0, 1024), "MAILBOX": (6, 4)}
    client.no("CREATE seven", code="OVERQUOTA")
    assert client.ok('SETQUOTA "" (STORAGE 2000)').one("QUOTA")[1] == {"STORAGE": (0, 2000), "MAILBOX": (6, 10_000)}
    client.ok("CREATE seven")


def test_a_limit_below_what_is_in_use_is_taken(fresh: ImapClient) -> None:
    assert fresh.ok('SETQUOTA "" (MAILBOX 2)').one("QUOTA")[1] == {"MAILBOX": (6, 2)}


def test_the_largest_numbers_are_taken(fresh: ImapClient) -> None:
    reply = fresh.ok(f'SETQUOTA "" (STORAGE {2**63 - 1} MESSAGE {2**63 - 1} MAILBOX {2**63 - 1})')
    assert reply.one("QUOTA")[1]["MAILBOX"] == (6, 10_000)
    fresh.append("INBOX", b"Subject: x\r\n\r\n")


def test_unknown_resources_and_quota_roots_are_refused(client: ImapClient, other_account: Account) -> None:
    client.no('SETQUOTA "" (FOO 1)', code="CANNOT")
    client.no('SETQUOTA "" (ANNOTATION-STORAGE 1)', code="CANNOT")
    client.no(f'SETQUOTA "#user/{other_account.user}" (STORAGE 1)', code="NONEXISTENT")


@pytest.mark.parametrize(
    "arguments", ['""', '"" STORAGE 1', '"" (STORAGE)', '"" (STORAGE -1)', '"" (STORAGE 1 STORAGE 1)']
)
def test_malformed_commands_are_bad(client: ImapClient, arguments: str) -> None:
    client.bad(f"SETQUOTA {arguments}")
