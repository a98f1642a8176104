"""XLIST, which no RFC describes: for Outlook 2013 and 2016."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.imap_client import ImapClient
from tests.live import OWN, Service

from mailkeep.config import Imap

pytestmark = pytest.mark.usefixtures("ours")


def test_special_uses_are_told_and_inbox_is_one(client: ImapClient) -> None:
    client.ok("CREATE Sent/2020")
    rows = client.ok('XLIST "" "*"').listed("XLIST")
    assert "\\Inbox" in rows["INBOX"].flags
    assert "\\Sent" in rows["Sent"].flags
    assert "\\HasChildren" in rows["Sent"].flags
    assert "\\Spam" in rows["Junk"].flags
    assert [str(flag) for flag in rows["Sent/2020"].flags] == ["\\HasNoChildren"]
    assert all(f"\\{name}" in rows[name].flags for name in ("Drafts", "Trash", "Archive"))


def test_percent_stands_for_one_level(client: ImapClient) -> None:
    client.ok("CREATE Sent/2020")
    assert "Sent/2020" not in client.ok('XLIST "" "%"').listed("XLIST")
    assert set(client.ok("XLIST Sent/ %").listed("XLIST")) == {"Sent/2020"}


def test_an_empty_pattern_answers_the_delimiter(client: ImapClient) -> None:
    """trap 10"""
    row = client.ok('XLIST "" ""').one("XLIST")
    assert (row.delimiter, row.name) == ("/", "")


def test_it_is_not_told_as_a_capability(client: ImapClient) -> None:
    assert "XLIST" not in client.ok("CAPABILITY").one("CAPABILITY")


def test_it_is_told_where_the_configuration_says_so(configured: Callable[..., Service]) -> None:
    client = configured(imap=Imap(xlist=True)).connect(OWN)
    assert "XLIST" in client.ok("CAPABILITY").one("CAPABILITY")


@pytest.mark.parametrize("line", ["XLIST", 'XLIST ""', 'XLIST "" * x', 'XLIST (SUBSCRIBED) "" *'])
def test_malformed_commands_are_bad(client: ImapClient, line: str) -> None:
    client.bad(line)
