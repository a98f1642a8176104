"""URLFETCH (RFC 4467, RFC 5524)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from tests.conformance.imap.messages import crlf, simple_message
from tests.conformance.imap.sharing import sharing
from tests.imap_client import ImapClient
from tests.live import OWN, Account, Service

from mailkeep.config import Imap

pytestmark = pytest.mark.rfc("4467", "7")

MAIL = crlf(
    "Subject: parts\n"
    "MIME-Version: 1.0\n"
    "Content-Type: multipart/mixed; boundary=b\n"
    "\n"
    "--b\n"
    "Content-Type: text/plain\n"
    "\n"
    "Si vis pacem, para bellum.\n"
    "--b\n"
    "Content-Type: image/png\n"
    "Content-Transfer-Encoding: base64\n"
    "\n"
    "AAECAwQ=\n"
    "--b\n"
    "Content-Type: image/png\n"
    "Content-Transfer-Encoding: x-blurdybloop\n"
    "\n"
    "whatever\n"
    "--b--\n"
)


@pytest.fixture
def base(inbox: ImapClient, account: Account, ours: None) -> str:
    uid = inbox.append("INBOX", MAIL)
    return f"imap://{quote(account.user, safe='')}@localhost/INBOX/;uid={uid}"


def authorized(client: ImapClient, rump: str) -> str:
    [url] = client.ok(f'GENURLAUTH "{rump}" INTERNAL').one("GENURLAUTH")
    return str(url)


def fetched(client: ImapClient, url: str) -> Any:
    named, data = client.ok(f'URLFETCH "{url}"').one("URLFETCH")
    assert named == url
    return data


@pytest.fixture
def stranger(server: Service, other_account: Account) -> ImapClient:
    return server.connect(other_account)


@pytest.mark.parametrize(
    ("tail", "octets"),
    [
        ("", MAIL),
        ("/;section=1", b"Si vis pacem, para bellum."),
        ("/;section=2", b"AAECAwQ="),
        ("/;section=1/;partial=3.3", b"vis"),
        ("/;section=HEADER.FIELDS%20(subject)", b"Subject: parts\r\n\r\n"),
        ("/;section=1/;partial=99", b""),
    ],
    ids=str,
)
def test_the_octets_that_the_url_names(
    inbox: ImapClient, stranger: ImapClient, base: str, tail: str, octets: bytes
) -> None:
    url = authorized(inbox, f"{base}{tail};urlauth=anonymous")
    assert fetched(stranger, url) == octets


def test_a_large_message(inbox: ImapClient, stranger: ImapClient, base: str) -> None:
    octets = simple_message(1, size=1_300_000)
    uid = inbox.append("INBOX", octets)
    url = authorized(inbox, f"{base.rpartition('=')[0]}={uid};urlauth=authuser")
    assert fetched(stranger, url) == octets


def test_seen_is_not_set(inbox: ImapClient, base: str) -> None:
    fetched(inbox, authorized(inbox, f"{base};urlauth=anonymous"))
    inbox.ok("NOOP")
    assert "\\Seen" not in inbox.ok("FETCH 1 FLAGS").fetched[1]["FLAGS"]


def test_who_may(inbox: ImapClient, stranger: ImapClient, base: str, account: Account, other_account: Account) -> None:
    """RFC 4467 §3"""
    mine = authorized(inbox, f"{base};urlauth=user+{quote(account.user, safe='')}")
    others = authorized(inbox, f"{base};urlauth=user+{quote(other_account.user, safe='')}")
    submit = authorized(inbox, f"{base};urlauth=submit+{quote(other_account.user, safe='')}")
    assert [fetched(inbox, url) is not None for url in (mine, others, submit)] == [True, False, False]
    assert [fetched(stranger, url) is not None for url in (mine, others, submit)] == [False, True, False]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda url: url[:-1] + ("0" if url[-1] != "0" else "1"),
        lambda url: url.replace("section=1", "section=2"),
        lambda url: url.replace("localhost", "LOCALHOST"),
        lambda url: url.replace("section", "SECTION"),
        lambda url: url.replace("anonymous", "authuser"),
        lambda url: url.replace(":internal:", ":xsample:"),
        lambda url: url.partition(":internal")[0],
        lambda url: url.replace("/INBOX/", "/nowhere/"),
        lambda url: url.replace("%40", "%40x"),
        lambda url: url.rpartition(":")[0] + ":" + "0" * 66,
        lambda url: "imap://localhost/",
        lambda url: "imap://joe@localhost/INBOX",
        lambda url: "",
    ],
)
def test_a_url_that_was_not_authorized_as_it_is_gives_nil(
    inbox: ImapClient, stranger: ImapClient, base: str, spoil: Callable[[str], str]
) -> None:
    """RFC 4467 §6: nothing is decoded or folded before it is compared"""
    url = spoil(authorized(inbox, f"{base}/;section=1;urlauth=anonymous"))
    assert fetched(stranger, url) is None


def test_the_case_of_mechanism_and_token_means_nothing(inbox: ImapClient, base: str) -> None:
    rump, _, token = authorized(inbox, f"{base}/;section=1;urlauth=anonymous").rpartition(":internal:")
    assert fetched(inbox, f"{rump}:INTERNAL:{token.upper()}") is not None


@pytest.mark.parametrize(("expire", "valid"), [("2001-01-01T00:00:00Z", False), ("2999-01-01T00:00:00+02:00", True)])
def test_a_url_may_expire(inbox: ImapClient, base: str, expire: str, valid: bool) -> None:
    url = authorized(inbox, f"{base}/;section=1;expire={expire};urlauth=anonymous")
    assert (fetched(inbox, url) is not None) is valid


def test_what_is_gone_gives_nil(inbox: ImapClient, stranger: ImapClient, base: str) -> None:
    url = authorized(inbox, f"{base};urlauth=anonymous")
    inbox.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    inbox.ok("EXPUNGE")
    assert fetched(stranger, url) is None
    assert fetched(stranger, authorized(inbox, f"{base}/;section=9;urlauth=anonymous")) is None


def test_it_works_without_a_mailbox_and_several_at_once(inbox: ImapClient, base: str) -> None:
    one = authorized(inbox, f"{base}/;section=1;urlauth=anonymous")
    inbox.ok("UNSELECT")
    rows = [r.data for r in inbox.ok(f'URLFETCH "{one}" "imap://nothing" "{one}"').all("URLFETCH")]
    assert [(url, data is None) for url, data in rows] == [(one, False), ("imap://nothing", True), (one, False)]


@pytest.mark.rfc("5524", "3")
@pytest.mark.parametrize(
    ("section", "wanted", "expected"),
    [
        (1, "BINARY", b"(BINARY {26}\r\nSi vis pacem, para bellum.)"),
        (2, "BINARY", b"(BINARY ~{5}\r\n\0\1\2\3\4)"),
        (2, "BODY", b"(BODY {8}\r\nAAECAwQ=)"),
        (
            2, "BINARY BODYPARTSTRUCTURE",
            b'(BODYPARTSTRUCTURE ("image" "png" NIL NIL NIL "binary" 5 NIL NIL NIL NIL)) (BINARY ~{5}\r\n\0\1\2\3\4)',
        ),
        (2, "BODYPARTSTRUCTURE", b'(BODYPARTSTRUCTURE ("image" "png" NIL NIL NIL "base64" 8 NIL NIL NIL NIL))'),
        (
            3, "BODYPARTSTRUCTURE BINARY",
            b'(BODYPARTSTRUCTURE ("image" "png" NIL NIL NIL "x-blurdybloop" 8 NIL NIL NIL NIL)) (BINARY NIL)',
        ),
    ],
    ids=str,
)  # fmt: skip
def test_the_extended_form(inbox: ImapClient, base: str, section: int, wanted: str, expected: bytes) -> None:
    """The examples of RFC 5524 §4"""
    url = authorized(inbox, f"{base}/;section={section};urlauth=anonymous")
    inbox.send(f'x URLFETCH ("{url}" {wanted})\r\n'.encode())
    assert inbox.read_raw() == b'* URLFETCH "%b" %b\r\n' % (url.encode(), expected)
    assert inbox.finish("x").kind == "OK"


@pytest.mark.rfc("5524", "3")
def test_the_extended_form_of_nothing_is_nil(inbox: ImapClient, base: str) -> None:
    url = authorized(inbox, f"{base}/;section=200;urlauth=anonymous")
    assert inbox.ok(f'URLFETCH ("{url}" BODYPARTSTRUCTURE BODY)').one("URLFETCH") == (url, None)


@pytest.mark.parametrize(
    "words",
    ["", " ()", ' ("x" BODY BINARY)', ' ("x" BODY BODY)', ' ("x" LINES)', ' "x" (', ' ("x"'],
)
def test_arguments_that_do_not_fit_are_bad(client: ImapClient, words: str, ours: None) -> None:
    client.bad(f"URLFETCH{words}")


def test_a_submission_server_may_read_what_is_for_it(configured: Callable[..., Service]) -> None:
    """RFC 4467 §3, submit+: the example of §7, URLFETCH"""
    service = configured(imap=Imap(submitters=(OWN.user,)))
    with service.connect(OWN) as client:
        uid = client.append("INBOX", MAIL)
        url = authorized(
            client, f"imap://{quote(OWN.user, safe='')}@localhost/INBOX/;uid={uid}/;section=1;urlauth=submit+fred"
        )
        assert fetched(client, url) == b"Si vis pacem, para bellum."


def test_a_url_gives_no_more_than_its_maker_may_read(
    server: Service, account: Account, other_account: Account, ours: None
) -> None:
    """RFC 4467 §7: the access of the user in the URL, as it is now"""
    with sharing(server, account, other_account) as two:
        two.ann.ok("CREATE lent")
        uid = two.ann.append("lent", MAIL)
        path = quote(two.name("lent").strip('"'), safe="/")
        rump = f"imap://{quote(two.guest, safe='')}@localhost/{path}/;uid={uid}/;section=1;urlauth=anonymous"
        two.bob.bad(f'GENURLAUTH "{rump}" INTERNAL')
        two.share("lr", "lent")
        url = authorized(two.bob, rump)
        assert fetched(two.ann, url) == b"Si vis pacem, para bellum."
        two.share("l", "lent")
        assert fetched(two.bob, url) is None
        two.share("lr", "lent")
        assert fetched(two.bob, url) is not None
