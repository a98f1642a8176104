"""SAVEDATE (RFC 8514)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient

pytestmark = [pytest.mark.rfc("8514", "4"), pytest.mark.usefixtures("ours")]


def test_it_is_when_the_message_came_into_the_mailbox_whatever_its_date(inbox: ImapClient) -> None:
    inbox.append("INBOX", simple_message(1), '"17-Jul-1996 02:44:25 -0700"')
    inbox.ok("NOOP")
    saved = datetime.strptime(inbox.ok("FETCH 1 SAVEDATE").fetched[1]["SAVEDATE"].strip(), "%d-%b-%Y %H:%M:%S %z")
    assert abs(datetime.now(UTC) - saved) < timedelta(minutes=1)


def test_search_keys(inbox: ImapClient) -> None:
    inbox.append("INBOX", simple_message(1), '"17-Jul-1996 02:44:25 -0700"')
    inbox.ok("NOOP")
    assert inbox.ok("SEARCH SAVEDSINCE 1-Jan-2020").found == [1]
    assert inbox.ok("SEARCH SAVEDBEFORE 1-Jan-2020").found == []
    assert inbox.ok("SEARCH SAVEDATESUPPORTED").found == [1]
