"""Capabilities that the configuration switches off are not offered, and nothing of them is understood."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.imap_client import ImapClient, Literal
from tests.live import OWN, Service

from mailkeep.config import Imap
from mailkeep.imap.capabilities import SWITCHES, TABLE, When

pytestmark = pytest.mark.rfc("9051", "6.1.1")
Configured = Callable[..., Service]

BEFORE_LOGIN = {row.name for row in TABLE if row.when is not When.LOGGED_IN}
COMMANDS = (
    "ID NIL",
    "IDLE",
    "NAMESPACE",
    "ENABLE CONDSTORE",
    "UNSELECT",
    "COMPRESS DEFLATE",
    "UNAUTHENTICATE",
    "NOTIFY NONE",
    "MOVE 1 Sent",
    "UID MOVE 1 Sent",
    "UID EXPUNGE 1",
    "SELECT INBOX (CONDSTORE)",
    "SELECT INBOX (QRESYNC (1 1))",
    "FETCH 1 MODSEQ",
    "FETCH 1 (FLAGS) (CHANGEDSINCE 1)",
    "FETCH 1 EMAILID",
    "FETCH 1 BINARY[1]",
    "FETCH 1 (UID SAVEDATE)",
    "STORE 1 (UNCHANGEDSINCE 1) FLAGS (\\Seen)",
    "SEARCH YOUNGER 10",
    "SEARCH MODSEQ 1",
    "SEARCH RETURN (COUNT) ALL",
    "SEARCH $",
    "SEARCH FILTER a",
    "SEARCH RETURN (UPDATE) ALL",
    "SORT RETURN (UPDATE) (ARRIVAL) UTF-8 ALL",
    "ESEARCH IN (personal) ALL",
    'CANCELUPDATE "a"',
    "SEARCH SAVEDON 1-Jan-2020",
    "STATUS Sent (SIZE)",
    "STATUS Sent (HIGHESTMODSEQ)",
    "STATUS Sent (DELETED-STORAGE)",
    "STATUS Sent (APPENDLIMIT)",
    "STATUS Sent (MAILBOXID)",
    'GETQUOTA ""',
    "GETQUOTAROOT INBOX",
    'SETQUOTA "" ()',
    "GETMETADATA INBOX /shared/comment",
    "SETMETADATA INBOX (/shared/comment NIL)",
    'XLIST "" "*"',
    'LIST (SUBSCRIBED) "" "*"',
    'LIST "" ("INBOX" "Sent")',
    'LIST "" "*" RETURN (STATUS (MESSAGES))',
    "CREATE x (USE (\\Sent))",
    "FETCH 1 PREVIEW",
    "FETCH 1 (UID PREVIEW (LAZY))",
    'APPEND Sent CATENATE (URL "/INBOX/;UID=1")',
    'REPLACE 1 Sent CATENATE (URL "/INBOX/;UID=1")',
    'GENURLAUTH "x" INTERNAL',
    "RESETKEY INBOX",
    'URLFETCH "x"',
    'URLFETCH ("x" BODY)',
)


def words(client: ImapClient) -> set[str]:
    return set(client.ok("CAPABILITY").one("CAPABILITY"))


@pytest.fixture
def bare(configured: Configured) -> Service:
    """A server with everything switched off that can be."""
    return configured(imap=Imap(disable=tuple(SWITCHES.values())))


def test_with_everything_off_only_rev1_is_left(bare: Service) -> None:
    client = bare.connect()
    assert words(client) == {"IMAP4rev1"}
    client.login(OWN.user, OWN.password)
    assert words(client) == {"IMAP4rev1"}


def test_what_is_off_is_unknown(bare: Service) -> None:
    client = bare.connect(OWN)
    client.ok("APPEND INBOX", Literal(b"Subject: x\r\n\r\ny\r\n"))
    client.ok("SELECT INBOX")
    for command in COMMANDS:
        client.bad(command)
        client.ok("NOOP")  # or 20 mistakes in a row end the connection
    client.ok("SELECT INBOX")
    client.no("APPEND INBOX", Literal(b"Subject: x\r\n\r\ny\r\n", plus=True), code="TOOBIG")
    client.bad("APPEND INBOX", Literal(b"Subject: x\r\n\r\ny\r\n", binary=True))
    client.ok("FETCH 1 (FLAGS)")


def test_before_login_what_is_off_is_unknown(bare: Service) -> None:
    client = bare.connect()
    client.bad("STARTTLS")
    client.bad("AUTHENTICATE PLAIN AG93bgB4")
    client.no("AUTHENTICATE PLAIN", code="CANNOT")


def test_one_that_is_off_takes_rev2_with_it_and_nothing_else(configured: Configured) -> None:
    client = configured(imap=Imap(disable=("MOVE",))).connect(OWN)
    offered = words(client)
    assert not {"MOVE", "IMAP4rev2"} & offered
    assert {"IMAP4rev1", "IDLE", "UIDPLUS", "ESEARCH"} <= offered
    assert client.ok("ENABLE IMAP4rev2").one("ENABLED") == []
    client.ok("SELECT INBOX")
    client.bad("MOVE 1 Sent")
    client.ok("SEARCH RETURN (COUNT) ALL")


def test_the_three_lists_are_exact(server: Service, ours: None) -> None:
    client = server.connect()
    before = words(client)
    assert client.greeting.code
    assert before == set(client.greeting.code.args)
    assert {"STARTTLS", "AUTH=PLAIN", "AUTH=LOGIN"} <= before
    assert "LOGINDISABLED" not in before  # loopback
    client.ok("STARTTLS")
    client.start_tls(server.tls())
    assert words(client) == before - {"STARTTLS"}
