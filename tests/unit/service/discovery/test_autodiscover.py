"""Requests of Microsoft's Autodiscover: read leniently, within limits, and without entities."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.service.discovery.autodiscover import (
    MAX_DEPTH,
    MAX_ELEMENTS,
    MAX_TEXT,
    Asked,
    Malformed,
    Schema,
    find_protocol,
    parse_request,
)
from mailkeep.service.wellknown import Site

OUTLOOK = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
MOBILESYNC = "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006"
BEGIN = '<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request>'
END = "</Request></Autodiscover>"


def request(inside: str) -> bytes:
    return f"{BEGIN}{inside}{END}".encode()


def wanted(schema: str) -> str:
    return f"<EMailAddress>ann@example.org</EMailAddress><AcceptableResponseSchema>{schema}</AcceptableResponseSchema>"


@pytest.mark.parametrize(
    ("octets", "asked"),
    [
        (request(wanted(OUTLOOK)), Asked(Schema.OUTLOOK, "ann@example.org")),
        (request(wanted(MOBILESYNC)), Asked(Schema.MOBILESYNC, "ann@example.org")),
        (request(wanted("http://schemas.example/other")), Asked(Schema.OTHER, "ann@example.org")),
        (request("<EMailAddress>ann@example.org</EMailAddress>"), Asked(Schema.OUTLOOK, "ann@example.org")),
        (request("<LegacyDN>/o=x</LegacyDN>"), Asked(Schema.OUTLOOK, "")),
        (
            b"\xef\xbb\xbf<?xml version='1.0' encoding='utf-8'?>\n<a:autodiscover xmlns:a='x'><a:Request>"
            b"<a:EmailAddress> b\xc3\xb6@example.org\n</a:EmailAddress></a:Request></a:autodiscover>\n",
            Asked(Schema.OUTLOOK, "bö@example.org"),
        ),
        (
            "<?xml version='1.0' encoding='utf-16'?><Autodiscover/>".encode("utf-16"),
            Asked(Schema.OUTLOOK, ""),
        ),
        (request("<EMailAddress>a&amp;b@example.org</EMailAddress>"), Asked(Schema.OUTLOOK, "a&b@example.org")),
    ],
    ids=["outlook", "mobilesync", "other", "no schema", "no address", "prefixes, case, BOM", "UTF-16", "escapes"],
)
def test_a_request_is_read_whatever_its_prefixes_and_letter_case(octets: bytes, asked: Asked) -> None:
    assert parse_request(octets) == asked


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (b"", "no element"),
        (b"{}", "not well-formed"),
        (BEGIN.encode(), "not well-formed"),
        (b"<html/>", "root element"),
        (b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><Autodiscover>&x;</Autodiscover>", "document type"),
        (b"<!DOCTYPE Autodiscover SYSTEM 'http://x.example/'><Autodiscover/>", "document type"),
        (request("&unknown;"), "not well-formed"),
        (b"<?xml version='1.0' encoding='utf-7'?><Autodiscover/>", "encoding"),
        (b"<?xml version='1.0' encoding='nobody-knows'?><Autodiscover/>", "encoding"),
        (b"<a>" * (MAX_DEPTH + 1), "too many"),
        (request("<a/>" * MAX_ELEMENTS), "too many"),
        (request(f"<EMailAddress>{'a' * (MAX_TEXT + 1)}</EMailAddress>"), "too long"),
    ],
)
def test_what_is_no_request_is_refused_with_a_reason(octets: bytes, says: str) -> None:
    with pytest.raises(Malformed, match=says):
        parse_request(octets)


@given(
    st.binary(max_size=200)
    | st.text(max_size=100).map(lambda text: f"<Autodiscover>{text}</Autodiscover>".encode(errors="replace"))
    | st.lists(st.sampled_from([BEGIN, END, "<a>", "</a>", "&", "<!", "<?xml", "]]>", wanted(OUTLOOK), "\0"])).map(
        lambda parts: "".join(parts).encode()
    )
)
def test_no_octets_bring_the_reader_down(octets: bytes) -> None:
    try:
        asked = parse_request(octets)
    except Malformed:
        return
    assert len(asked.address) <= MAX_TEXT


def test_without_a_web_server_no_url_is_told() -> None:
    assert find_protocol("AutodiscoverV1", Site(hostname="mail.example.org")) is None


def test_the_web_server_is_named_as_the_world_reaches_it() -> None:
    for site, url in (
        (Site(hostname="mail.example.org", https=443), "https://mail.example.org"),
        (Site(hostname="mail.example.org", https=10443), "https://mail.example.org:10443"),
        (Site(hostname="mail.example.org", http=80, web="https://web.example.org"), "https://web.example.org"),
        (Site(hostname="mail.example.org", http=80), ""),
    ):
        assert site.url == url
