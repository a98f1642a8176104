"""URLs of messages (RFC 5092, RFC 4467)."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.formats.imapurl import Access, BadUrl, parse_url
from mailkeep.formats.mime.section import Text

FULL = (
    "imap://joe@example.com/INBOX;UIDVALIDITY=785799047/;UID=113330/;section=1.5.9/;partial=0.1024"
    ";EXPIRE=2026-11-24T10:00:00Z;urlauth=submit+fred:internal:91354a473744909de610943775f92038"
)


def test_all_that_a_url_may_hold() -> None:
    url = parse_url(FULL)
    assert (url.user, url.host, url.mailbox, url.uidvalidity, url.uid) == (
        "joe", "example.com", "INBOX", 785799047, 113330,
    )  # fmt: skip
    assert (url.part, url.text, url.partial) == ((1, 5, 9), Text.ALL, (0, 1024))
    assert (url.access, url.mechanism, url.token) == (
        Access("submit", "fred"), "INTERNAL", "91354a473744909de610943775f92038",
    )  # fmt: skip
    assert url.expires_at == 1795514400
    assert url.rump == FULL.partition(":internal")[0]


@pytest.mark.parametrize(
    ("text", "part", "what", "fields"),
    [
        ("HEADER", (), Text.HEADER, ()),
        ("text", (), Text.TEXT, ()),
        ("1.2.MIME", (1, 2), Text.MIME, ()),
        ("3.HEADER.FIELDS%20(From%20To)", (3,), Text.FIELDS, ("From", "To")),
        ("HEADER.FIELDS.NOT%20(Bcc)", (), Text.FIELDS_NOT, ("Bcc",)),
    ],
    ids=str,
)
def test_sections(text: str, part: tuple[int, ...], what: Text, fields: tuple[str, ...]) -> None:
    url = parse_url(f"/x/;UID=1/;SECTION={text}")
    assert (url.part, url.text, url.fields) == (part, what, fields)


@pytest.mark.parametrize(
    "text",
    [
        "", "/", "/INBOX", "/INBOX/", "INBOX/;UID=1", "/INBOX;UID=1", "/INBOX/;UID=0", "/INBOX/;UID=x", "//INBOX",
        "/INBOX/;UID=1/;SECTION=", "/INBOX/;UID=1/;SECTION=1.", "/INBOX/;UID=1/;SECTION=.TEXT",
        "/INBOX/;UID=1/;SECTION=1TEXT", "/INBOX/;UID=1/;SECTION=0", "/INBOX/;UID=1/;SECTION=HEADER.FIELDS",
        "/INBOX/;UID=1/;PARTIAL=1.0", "/INBOX/;UID=1/;PARTIAL=x", "/INBOX?SUBJECT%20x", "/INBOX/;UID=1 ", "/ż/;UID=1",
        "/%ff/;UID=1", "/a%0db/;UID=1", "/a%00b/;UID=1", "imap:///INBOX/;UID=1", "imap://example.com/INBOX/;UID=1",
        "/INBOX/;UID=1;EXPIRE=tomorrow;URLAUTH=authuser", "/INBOX/;UID=1;URLAUTH=root", "/INBOX/;UID=1;URLAUTH=user+",
        "/INBOX/;UID=1;URLAUTH=authuser:INTERNAL:12", "/x/;UID=1/;SECTION=" + "1." * 200 + "1", "/" + "x" * 9000,
        "/INBOX/;UID=1;EXPIRE=2026-13-24T10:00:00Z",
    ],
    ids=str,
)  # fmt: skip
def test_what_names_no_message_is_refused(text: str) -> None:
    with pytest.raises(BadUrl):
        parse_url(text)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=40), st.integers(1, 2**32 - 1))
def test_any_name_survives_encoding(name: str, uid: int) -> None:
    url = parse_url(f"/{quote(name, safe='')}/;UID={uid}/;SECTION=1")
    assert (url.mailbox if name.upper() != "INBOX" else name, url.uid) == (name, uid)


@given(st.text(max_size=200) | st.text(alphabet="/;=:@%.+uidUIDSECTIONPARTIALEXPIREURLAUTH0123 ()", max_size=200))
def test_any_text_is_a_url_or_refused(text: str) -> None:
    with suppress(BadUrl):
        parse_url(text)
    with suppress(BadUrl):
        parse_url("/INBOX/;UID=1" + text)
