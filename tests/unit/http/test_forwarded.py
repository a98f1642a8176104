"""Whose request a reverse proxy passes on, and who is believed."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.http.forwarded import unproxied

PROXIES = tuple(map(ipaddress.ip_network, ("192.0.2.0/28", "2001:db8::/64")))


def seen(peer: str, **headers: str) -> tuple[str, str, str]:
    fields = [(b"host", b"inner:10080")]
    fields += [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    scope: dict[str, Any] = {"client": (peer, 0), "scheme": "http", "headers": fields}
    told = unproxied(scope, PROXIES)
    assert scope["headers"] == fields  # what came is left as it was
    hosts = [value.decode() for name, value in told["headers"] if name == b"host"]
    assert len(hosts) == 1
    return told["client"][0], told["scheme"], hosts[0]


ASIS = ("http", "inner:10080")


@pytest.mark.parametrize(
    ("peer", "headers", "expected"),
    [
        ("203.0.113.1", {"x_forwarded_for": "198.51.100.1", "x_forwarded_proto": "https"}, ("203.0.113.1", *ASIS)),
        ("192.0.2.1", {}, ("192.0.2.1", *ASIS)),
        ("192.0.2.1", {"x_forwarded_for": "198.51.100.1"}, ("198.51.100.1", *ASIS)),
        ("::ffff:192.0.2.1", {"x_forwarded_for": "[2001:db9::1]:555"}, ("2001:db9::1", *ASIS)),
        ("192.0.2.1", {"x_forwarded_for": "10.0.0.1, 198.51.100.1"}, ("198.51.100.1", *ASIS)),
        ("192.0.2.1", {"x_forwarded_for": "10.0.0.1, 198.51.100.1, 192.0.2.2"}, ("198.51.100.1", *ASIS)),
        ("192.0.2.1", {"x_forwarded_for": "rubbish"}, ("192.0.2.1", *ASIS)),
        (
            "2001:db8::1",
            {"x_forwarded_for": "198.51.100.1:80", "x_forwarded_proto": "HTTPS", "x_forwarded_host": "a.example"},
            ("198.51.100.1", "https", "a.example"),
        ),
        ("192.0.2.1", {"x_forwarded_proto": "gopher", "x_forwarded_host": "a\x01"}, ("192.0.2.1", *ASIS)),
        (
            "192.0.2.1",
            {"forwarded": 'for="[2001:db9::1]:4711";proto=https;host="a.example", for=192.0.2.3'},
            ("2001:db9::1", "https", "a.example"),
        ),
        ("192.0.2.1", {"forwarded": "for=_hidden;proto=https"}, ("192.0.2.1", "https", "inner:10080")),
        (
            "192.0.2.1",
            {"forwarded": "for=10.0.0.1", "x_forwarded_for": "198.51.100.1"},
            ("198.51.100.1", *ASIS),
        ),
    ],
)
def test_only_what_trusted_proxies_have_seen_themselves_is_believed(
    peer: str, headers: dict[str, str], expected: tuple[str, str, str]
) -> None:
    assert seen(peer, **headers) == expected


@given(st.text(st.characters(max_codepoint=255), max_size=200), st.sampled_from(["forwarded", "x_forwarded_for"]))
def test_whatever_a_proxy_says_the_peer_is_an_address(text: str, header: str) -> None:
    peer, scheme, _ = seen("192.0.2.1", **{header: text})
    ipaddress.ip_address(peer)
    assert scheme in ("http", "https")
