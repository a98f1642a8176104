"""GENURLAUTH (RFC 4467)."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient
from tests.live import Account

pytestmark = pytest.mark.rfc("4467", "7")


@pytest.fixture
def base(inbox: ImapClient, account: Account, ours: None) -> str:
    """A URL of a message, to which a section and an access identifier are added."""
    uid = inbox.append("INBOX", simple_message(1))
    return f"imap://{quote(account.user, safe='')}@mail.example.com/INBOX/;uid={uid}"


def test_a_token_is_added(inbox: ImapClient, base: str) -> None:
    """The third example of RFC 4467 §7, GENURLAUTH"""
    rump = f"{base}/;section=TEXT;urlauth=submit+fred"
    [url] = inbox.ok(f'GENURLAUTH "{rump}" INTERNAL').one("GENURLAUTH")
    assert url.startswith(rump + ":internal:")
    assert len(url.rpartition(":")[2]) >= 32


def test_the_same_url_has_the_same_token_and_others_another(inbox: ImapClient, base: str) -> None:
    def token(rump: str) -> str:
        [url] = inbox.ok(f'GENURLAUTH "{rump}" internal').one("GENURLAUTH")
        return str(url).rpartition(":")[2]

    tokens = [token(f"{base};URLAUTH=anonymous") for _ in range(2)]
    assert tokens[0] == tokens[1]
    assert token(f"{base};URLAUTH=authuser") not in tokens
    assert token(f"{base}/;section=1;URLAUTH=anonymous") not in tokens


def test_several_at_once(inbox: ImapClient, base: str) -> None:
    urls = inbox.ok(
        f'GENURLAUTH "{base};URLAUTH=anonymous" INTERNAL "{base}/;SECTION=TEXT;URLAUTH=authuser" INTERNAL'
    ).one("GENURLAUTH")
    assert len(urls) == 2


@pytest.mark.parametrize(
    "url",
    [
        "{base}/;section=1.2",
        "{base}/;section=1.2;urlauth=root",
        "{base};urlauth=user+",
        "/INBOX/;uid=1;urlauth=anonymous",
        "imap://mail.example.com/INBOX/;uid=1;urlauth=anonymous",
        "imap://nobody%40example.org@mail.example.com/INBOX/;uid=1;urlauth=anonymous",
        "{account}/nowhere/;uid=1;urlauth=anonymous",
        "{account}/INBOX;uidvalidity=1/;uid=1;urlauth=anonymous",
        "{account}/INBOX;urlauth=anonymous",
        "{base};urlauth=anonymous:internal:0123456789abcdef0123456789abcdef",
        "nonsense",
    ],
    ids=str,
)
def test_what_cannot_be_authorized_is_bad(inbox: ImapClient, base: str, account: Account, url: str) -> None:
    """The first two examples of RFC 4467 §7, GENURLAUTH"""
    whole = url.format(base=base, account=base.partition("/INBOX")[0])
    inbox.bad(f'GENURLAUTH "{whole}" INTERNAL')


def test_another_mechanism_is_bad(inbox: ImapClient, base: str) -> None:
    inbox.bad(f'GENURLAUTH "{base};urlauth=anonymous" XSAMPLE')


@pytest.mark.parametrize("words", ["", ' "x"', ' "x" INTERNAL "y"', " INTERNAL", ' ("x") INTERNAL'])
def test_arguments_that_do_not_fit_are_bad(client: ImapClient, words: str, ours: None) -> None:
    client.bad(f"GENURLAUTH{words}")
