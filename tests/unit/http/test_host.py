"""Which domain a request is about."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from mailkeep.http.host import domain_of_address, domain_of_host, host_of
from mailkeep.model.errors import Invalid, NotFound

OURS = frozenset({"example.org", "xn--bcher-kva.example", "autoconfig.example"})


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("example.org", "example.org"),
        ("EXAMPLE.org.:8443", "example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("127.0.0.1:80", "127.0.0.1"),
        ("[::1]:80", ""),
        ("", ""),
        ("a..b", ""),
        ("a b", ""),
        ("a/../b", ""),
        ("x" * 300, ""),
    ],
)
def test_a_host_has_one_form(host: str, expected: str) -> None:
    request = Request({"type": "http", "headers": [(b"host", host.encode("utf-8"))]})
    if not host.isascii():  # headers are octets, which Starlette takes for Latin-1
        request = Request({"type": "http", "headers": [(b"host", host.encode("latin-1"))]})
    assert host_of(request) == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("autoconfig.example.org", "example.org"),
        ("example.org", "example.org"),
        ("autoconfig.example", "autoconfig.example"),
        ("mta-sts.example.org", None),
        ("autoconfig.autoconfig.example.org", None),
        ("autoconfig.example.com", None),
        ("autoconfig.", None),
        ("", None),
    ],
)
def test_a_domain_is_found_by_its_own_name_and_by_a_label_before_it(host: str, expected: str | None) -> None:
    assert domain_of_host(host, ("autoconfig", ""), OURS.__contains__) == expected


def test_without_the_empty_label_the_bare_domain_is_not_meant() -> None:
    assert domain_of_host("example.org", ("mta-sts",), OURS.__contains__) is None


def test_an_address_leads_to_its_domain_whether_or_not_there_is_an_account() -> None:
    assert domain_of_address("nobody@Bücher.example", OURS.__contains__) == "xn--bcher-kva.example"
    with pytest.raises(NotFound):
        domain_of_address("ann@example.com", OURS.__contains__)
    with pytest.raises(Invalid):
        domain_of_address("ann", OURS.__contains__)
