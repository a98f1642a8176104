"""CATENATE (RFC 4469), URL-PARTIAL (RFC 5550 §5.7)."""

from __future__ import annotations

import pytest
from tests.conformance.imap.messages import crlf, simple_message
from tests.imap_client import ImapClient, Literal, Reply

pytestmark = pytest.mark.rfc("4469", "3")

DRAFT = crlf(
    "Message-ID: <419399E1.6000505@example.org>\n"
    "From: Bob Ar <bar@example.org>\n"
    "MIME-Version: 1.0\n"
    'Content-Type: multipart/mixed; boundary="b1"\n'
    "\n"
    "--b1\n"
    "Content-Type: text/plain; charset=us-ascii\n"
    "\n"
    "Our travel agent has sent the updated schedule.\n"
    "--b1\n"
    "Content-Type: application/x-zip-compressed\n"
    "Content-Transfer-Encoding: base64\n"
    "\n"
    "UEsDBBQ=\n"
    "--b1--\n"
)
BETWEEN = b"\r\n--b1\r\n"


@pytest.fixture
def draft(inbox: ImapClient, ours: None) -> ImapClient:
    inbox.append("INBOX", DRAFT)
    inbox.ok("NOOP")
    inbox.ok("FETCH 1:* UID")
    return inbox


def catenate(client: ImapClient, *parts: bytes | str, options: str = "") -> Reply:
    """APPEND of a catenation: octets become TEXT with a literal that does not wait, words stay as they are."""
    out = [b"TEXT {%d+}\r\n%b" % (len(part), part) if isinstance(part, bytes) else part.encode() for part in parts]
    client.send(b"cat APPEND INBOX %bCATENATE (%b)\r\n" % (options.encode(), b" ".join(out)))
    return client.finish("cat")


def made(client: ImapClient, *parts: bytes | str) -> bytes:
    """What a catenation comes to."""
    reply = catenate(client, *parts)
    assert reply.kind == "OK", reply.text
    assert reply.code
    _, [uid] = reply.code.args
    octets: bytes = client.ok(f"UID FETCH {uid} BODY.PEEK[]").by_uid[uid]["BODY[]"]
    return octets


def url(client: ImapClient, tail: str = "") -> str:
    return f'URL "/INBOX/;UID={client.uids[0]}{tail}"'


def test_an_attachment_is_replaced(draft: ImapClient) -> None:
    """Example 1 of RFC 4469"""
    validity = draft.ok("STATUS INBOX (UIDVALIDITY)").one("STATUS")[1]["UIDVALIDITY"]
    base = f"/INBOX;UIDVALIDITY={validity}/;UID={draft.uids[0]}"
    other = draft.append("INBOX", simple_message(7))
    octets = made(
        draft,
        f'URL "{base}/;section=HEADER"', BETWEEN, f'URL "{base}/;section=1.MIME"', f'URL "{base}/;section=1"',
        BETWEEN, f'URL "/INBOX;UIDVALIDITY={validity}/;UID={other}"', b"\r\n--b1--\r\n",
    )  # fmt: skip
    header, _, _ = DRAFT.partition(b"\r\n\r\n")
    part = crlf("Content-Type: text/plain; charset=us-ascii\n\nOur travel agent has sent the updated schedule.")
    assert octets == header + b"\r\n\r\n" + BETWEEN + part + BETWEEN + simple_message(7) + b"\r\n--b1--\r\n"


def test_the_text_of_a_draft_is_replaced(draft: ImapClient) -> None:
    """Example 2 of RFC 4469"""
    head = crlf('Subject: About our holiday trip\nContent-Type: multipart/mixed; boundary="b1"\n\n--b1\n\nNew text.\n')
    end = b"\r\n--b1--\r\n"
    octets = made(draft, head + b"--b1\r\n", url(draft, "/;Section=2.MIME"), url(draft, "/;Section=2"), end)
    assert octets == head + DRAFT[DRAFT.index(b"--b1\r\nContent-Type: application") : -len(end)] + end


def test_an_attachment_is_stripped(draft: ImapClient) -> None:
    """Example 3 of RFC 4469"""
    note = BETWEEN + crlf("Content-type: text/plain\n\nThis body part was deleted upon your request.\n--b1--\n")
    parts = [url(draft, f"/;section={section}") for section in ("HEADER", "1.MIME", "1")]
    octets = made(draft, parts[0], BETWEEN, parts[1], parts[2], note)
    assert octets.endswith(b"updated schedule." + note)
    assert b"UEsDBBQ=" not in octets


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        ("", DRAFT),
        ("/;SECTION=2", b"UEsDBBQ="),
        (
            "/;Section=2.MIME",
            b"Content-Type: application/x-zip-compressed\r\nContent-Transfer-Encoding: base64\r\n\r\n",
        ),
        ("/;SECTION=HEADER.FIELDS%20(FROM)", b"From: Bob Ar <bar@example.org>\r\n\r\n"),
        ("/;SECTION=2/;PARTIAL=2.3", b"sDB"),
        ("/;PARTIAL=0.7", b"Message"),
        ("/;SECTION=2/;PARTIAL=5", b"BQ="),
    ],
    ids=str,
)
def test_a_url_gives_what_fetch_would(draft: ImapClient, tail: str, expected: bytes) -> None:
    octets = made(draft, b"x\r\n", url(draft, tail))
    assert octets == b"x\r\n" + expected


def test_seen_is_not_set(draft: ImapClient) -> None:
    made(draft, url(draft))
    assert "\\Seen" not in draft.ok("FETCH 1 FLAGS").fetched[1]["FLAGS"]


def test_text_parts_may_be_large(draft: ImapClient) -> None:
    first, last = simple_message(1, size=1_200_000), b"z" * 200_000
    octets = made(draft, first, last)
    assert octets == first + last


def test_mailbox_names_are_percent_encoded_utf8(draft: ImapClient) -> None:
    """RFC 5092 §8"""
    draft.ok('CREATE "a b/&AXwA8wFCAUI-"')
    uid = draft.append("a b/&AXwA8wFCAUI-", simple_message(3))
    octets = made(draft, f'URL "/a%20b/%C5%BC%C3%B3%C5%82%C5%82/;UID={uid}"')
    assert octets == simple_message(3)


@pytest.mark.parametrize(
    "wrong",
    [
        "/INBOX/;UID=4000000",
        "/nowhere/;UID=1",
        "/INBOX",
        "/INBOX/;UID=0",
        "INBOX/;UID=1",
        "http://example.org/x",
        "imap://joe@example.com/INBOX/;UID=1",
        "/INBOX;UIDVALIDITY=1/;UID=1",
        "/INBOX/;UID=1/;SECTION=9",
        "/INBOX/;UID=1/;SECTION=TEXT.1",
        "/INBOX/;UID=1/;SECTION=MIME",
        "/INBOX/;UID=1;URLAUTH=anonymous",
        "/%FF/;UID=1",
        "/IN\x01BOX/;UID=1",
    ],
    ids=str,
)
def test_a_url_that_leads_nowhere_is_named(draft: ImapClient, wrong: str) -> None:
    """RFC 4469 §4.1"""
    draft.no("APPEND INBOX CATENATE (TEXT", Literal(b"x"), f'{url(draft)} URL "{wrong}" URL "/other")', code="BADURL")
    assert draft.ok("STATUS INBOX (MESSAGES)").one("STATUS")[1]["MESSAGES"] == 1


def test_the_first_bad_url_is_the_one_that_is_named(draft: ImapClient) -> None:
    reply = draft.no('APPEND INBOX CATENATE (URL "/INBOX/;UID=77/;SECTION=1" URL "/x")', code="BADURL")
    assert reply.raw.count(b'[BADURL "/INBOX/;UID=77/;SECTION=1"]') == 1


def test_an_expunged_message_is_gone_for_urls_too(draft: ImapClient, second: ImapClient) -> None:
    second.ok("SELECT INBOX")
    second.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    second.ok("EXPUNGE")
    draft.no(f"APPEND INBOX CATENATE ({url(draft)})", code="BADURL")


def test_a_message_that_grows_beyond_the_limit_is_too_big(draft: ImapClient) -> None:
    """RFC 4469 §4.2: and nothing is put together to find out"""
    uid = draft.append("INBOX", simple_message(1, size=1_000_000))
    parts = " ".join([f'URL "/INBOX/;UID={uid}"'] * 900)
    draft.no(f"APPEND INBOX CATENATE ({parts})", code="TOOBIG")


def test_several_messages_may_be_catenated_at_once(draft: ImapClient) -> None:
    """MULTIAPPEND (RFC 3502), all or none"""
    reply = draft.ok("APPEND INBOX (\\Seen) CATENATE (TEXT", Literal(b"A: 1\r\n\r\n"), f"{url(draft)})",
                     "(\\Draft)", Literal(b"plain\r\n"))  # fmt: skip
    assert reply.code
    assert len(reply.code.args[1]) == 2
    draft.no(f"APPEND INBOX CATENATE ({url(draft)}) CATENATE (URL /gone)", code="BADURL")
    assert draft.ok("STATUS INBOX (MESSAGES)").one("STATUS")[1]["MESSAGES"] == 3


def test_nothing_at_all_is_refused(draft: ImapClient) -> None:
    assert catenate(draft, b"").kind == "NO"
    draft.bad("APPEND INBOX CATENATE ()")


def test_outside_a_mailbox_too(draft: ImapClient) -> None:
    uid = draft.uids[0]
    draft.ok("UNSELECT")
    draft.ok(f'APPEND INBOX CATENATE (URL "/inbox/;uid={uid}")')
