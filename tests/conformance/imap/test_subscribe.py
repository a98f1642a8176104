"""SUBSCRIBE and UNSUBSCRIBE (RFC 9051 §6.3.7, §6.3.8)."""

from __future__ import annotations

import pytest
from tests.imap_client import ImapClient

pytestmark = [pytest.mark.rfc("9051", "6.3.7"), pytest.mark.rfc("9051", "6.3.8")]


def subscribed(client: ImapClient) -> set[str]:
    return set(client.ok('LIST (SUBSCRIBED) "" "*"').listed())


def test_a_name_is_added_and_taken_away(client: ImapClient) -> None:
    client.ok("CREATE box")
    client.ok("SUBSCRIBE box")
    assert "box" in subscribed(client)
    client.ok("UNSUBSCRIBE box")
    assert "box" not in subscribed(client)


def test_twice_is_no_error(client: ImapClient) -> None:
    client.ok("CREATE box")
    client.ok("SUBSCRIBE box")
    client.ok("SUBSCRIBE box")
    assert "box" in subscribed(client)


def test_a_missing_mailbox_may_be_subscribed(client: ImapClient, ours: None) -> None:
    client.ok("SUBSCRIBE ghost")
    assert "\\NonExistent" in client.ok('LIST (SUBSCRIBED) "" ghost').listed()["ghost"].flags


def test_inbox_folds_case(client: ImapClient) -> None:
    client.ok("SUBSCRIBE inbox")
    assert "INBOX" in subscribed(client)


def test_unsubscribing_a_name_that_is_not_is_answered(client: ImapClient) -> None:
    assert client.command("UNSUBSCRIBE never").kind in ("OK", "NO")


def test_accounts_do_not_share_subscriptions(client: ImapClient, server: object, other_account: object) -> None:
    client.ok("CREATE mine")
    client.ok("SUBSCRIBE mine")
    other = server.connect(other_account)  # type: ignore[attr-defined]
    assert "mine" not in subscribed(other)
