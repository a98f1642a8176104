"""The set-up page, as it is fetched; tests/clients/test_setup_page.py looks at it in a browser."""

import http.client
import xml.etree.ElementTree as ET

import pytest
from tests.live import Account, Service


def ask(server: Service, path: str, method: str = "GET") -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPSConnection("localhost", server.https[1], context=server.tls(), timeout=20)
    connection.request(method, path)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body


def test_the_page_may_load_nothing_from_elsewhere_and_is_not_kept(server: Service) -> None:
    status, headers, body = ask(server, "/")
    assert status == 200
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert body.startswith("<!doctype html>")


def test_an_address_that_does_not_exist_looks_like_one_that_does(server: Service, account: Account) -> None:
    status, _, body = ask(server, f"/?address={account.user}")
    name, _, domain = account.user.partition("@")
    assert (status, "Incoming mail" in body) == (200, True)
    assert ask(server, f"/?address=nobody@{domain}")[2] == body.replace(name, "nobody")


def test_an_address_is_shown_in_its_normal_form(server: Service, account: Account) -> None:
    name, _, domain = account.user.partition("@")
    assert f"<bdi>{account.user}</bdi>" in ask(server, f"/?address=%20{name.upper()}%40{domain.title()}%20")[2]


@pytest.mark.parametrize(
    ("typed", "status", "told"),
    [
        ("ann%40example.com", 404, "Mail of example.com is not served here."),
        ("ann", 400, "This is no mail address"),
        ("%40example.org", 400, "This is no mail address"),
        ("%00%40example.org", 400, "This is no mail address"),
        ("%22%3E%3Cscript%3E%40example.com", 404, "&quot;&gt;&lt;script&gt;@example.com"),
        ("a" * 9000, 400, "This is no mail address"),
    ],
    ids=["another's domain", "no domain", "no name", "a control character", "markup", "too long"],
)
def test_what_is_no_address_of_ours_is_answered_with_the_page_and_a_reason(
    server: Service, typed: str, status: int, told: str
) -> None:
    found, _, body = ask(server, f"/?address={typed}")
    assert (found, told in body) == (status, True)
    assert "<script>" not in body
    assert "Incoming mail" not in body


@pytest.mark.parametrize("name", ["account.svg", "profile.svg"])
def test_codes_are_pictures_of_addresses_served_here(server: Service, account: Account, name: str) -> None:
    status, headers, body = ask(server, f"/{name}?address={account.user}")
    assert (status, headers["content-type"]) == (200, "image/svg+xml")
    assert ET.fromstring(body).tag == "{http://www.w3.org/2000/svg}svg"
    long = "a" * 101 + "@" + account.user.partition("@")[2]
    for typed, expected in (("ann@example.com", 404), ("ann", 400), ("", 400), (long, 400)):
        assert ask(server, f"/{name}?address={typed}")[0] == expected


@pytest.mark.parametrize(
    ("name", "kind"), [("page.css", "text/css"), ("page.js", "text/javascript"), ("icon.svg", "image/svg+xml")]
)
def test_what_belongs_to_the_page_may_be_kept(server: Service, name: str, kind: str) -> None:
    status, headers, _ = ask(server, f"/{name}")
    assert (status, headers["content-type"].partition(";")[0]) == (200, kind)
    assert headers["cache-control"].startswith("public")


def test_programs_that_look_for_calendars_here_are_told_at_once_that_there_are_none(server: Service) -> None:
    """Thunderbird asks ``/`` with PROPFIND while it sets up an account."""
    assert ask(server, "/", "PROPFIND")[0] == 405
    assert ask(server, "/", "HEAD")[2] == ""
