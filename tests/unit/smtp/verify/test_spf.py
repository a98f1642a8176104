"""SPF beyond the suite of openspf: faults, limits, hostile policies, and names that are none."""

from __future__ import annotations

import asyncio
import ipaddress
import time

import dns.rdata
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dns_server import DnsServer, dns_server

from mailkeep.net.resolver import Answer, CachingResolver
from mailkeep.smtp.verify.spf import SpfResult, check_helo, check_mail_from

PEER = "192.0.2.7"


def check(zone: str | DnsServer, sender: str = "ann@example.org", peer: str = PEER, **options: object) -> SpfResult:
    async def main(server: DnsServer) -> SpfResult:
        resolver = CachingResolver([(server.host, server.port)], timeout_s=5.0)
        return await check_mail_from(resolver, peer, "client.example", sender, "mx.example.net")

    if isinstance(zone, DnsServer):
        return asyncio.run(main(zone))
    with dns_server(zone, **options) as server:  # type: ignore[arg-type]
        return asyncio.run(main(server))


def policy(text: str, domain: str = "example.org") -> str:
    pieces = " ".join(f'"{text[start : start + 250]}"' for start in range(0, len(text), 250))
    return f"{domain}. TXT {pieces}\n"


@pytest.mark.rfc("7208", "2.6")
@pytest.mark.parametrize(
    ("text", "result", "mechanism"),
    [
        ("v=spf1 ip4:192.0.2.0/24 -all", "pass", "ip4:192.0.2.0/24"),
        ("v=spf1 -all", "fail", "-all"),
        ("v=spf1 ~all", "softfail", "~all"),
        ("v=spf1 ?all", "neutral", "?all"),
        ("v=spf1", "neutral", ""),
        ("v=spf1 nonsense -all", "permerror", ""),
        ("something else", "none", ""),
    ],
)
def test_the_result_and_what_matched_are_told(text: str, result: str, mechanism: str) -> None:
    found = check(policy(text))
    assert (found.result, found.mechanism, found.identity, found.domain) == (
        result,
        mechanism,
        "mailfrom",
        "example.org",
    )


@pytest.mark.rfc("7208", "2.4")
def test_the_null_path_stands_for_the_postmaster_of_the_client() -> None:
    found = check(
        policy("v=spf1 exists:%{l}.%{d} -all", "client.example") + "postmaster.client.example. A 127.0.0.2", ""
    )
    assert (found.result, found.domain, found.identity) == ("pass", "client.example", "mailfrom")


@pytest.mark.parametrize("domain", ["localhost", "[192.0.2.1]", "-bad-.example", "a..b", "x" * 300, "a b.example"])
def test_what_is_no_domain_has_no_policy(domain: str) -> None:
    with dns_server() as server:
        assert check(server, f"ann@{domain}").result == "none"
        resolver = CachingResolver([(server.host, server.port)])
        assert asyncio.run(check_helo(resolver, PEER, domain, "mx")).result == "none"
        assert server.asked == []


def test_addresses_in_any_notation_are_looked_at() -> None:
    text = policy("v=spf1 ip4:192.0.2.7 ip6:2001:db8::/32 -all")
    assert check(text, peer="::ffff:192.0.2.7").result == "pass"
    assert check(text, peer="2001:db8::25").result == "pass"
    assert check(text, peer="fe80::1%eth0").result == "fail"
    assert check(text, peer="").result == "none"


def test_a_domain_in_unicode_is_asked_by_its_ascii_form() -> None:
    assert check(policy("v=spf1 ip4:192.0.2.7 -all", "xn--bcher-kva.example"), "a@Bücher.example").result == "pass"


@pytest.mark.rfc("7208", "4.4")
def test_a_fault_of_dns_is_temporary() -> None:
    assert check("", faults={"example.org": "SERVFAIL"}).result == "temperror"
    text = policy("v=spf1 include:other.example -all")
    assert check(text, faults={"other.example": "SERVFAIL"}).result == "temperror"
    assert check(text, faults={"other.example": "REFUSED"}, peer="192.0.2.9").result == "temperror"


def test_a_policy_that_is_much_too_long_is_an_error() -> None:
    assert check(policy("v=spf1 " + "ip4:198.51.100.1 " * 300 + "-all")).result == "permerror"


def test_no_text_of_the_domain_is_fetched_to_explain() -> None:
    with dns_server(policy("v=spf1 -all exp=why.example.org")) as server:
        assert check(server).result == "fail"
        assert server.asked == [("example.org", "TXT")]


@pytest.mark.parametrize(
    "text",
    [
        "v=spf1 " + "include:example.org " * 200 + "-all",
        "v=spf1 redirect=example.org",
        "v=spf1 exists:" + "%{d}." * 700 + "example.org -all",
        "v=spf1 exists:" + "." * 3000 + "%%.example.org -all",
        "v=spf1 " + "mx " * 1000 + "-all",
        "v=spf1 ptr " * 300,
        "v=spf1 a:%{" + "1" * 3000 + "} -all",
    ],
)
def test_a_hostile_policy_takes_little_time(text: str) -> None:
    many = "".join(f"example.org. MX {n} m{n}.example.org.\nm{n}.example.org. A 198.51.100.{n}\n" for n in range(1, 12))
    start = time.process_time()
    assert check(policy(text) + many).result in {"permerror", "fail", "neutral"}
    assert time.process_time() - start < 1


class Crowd:
    """A resolver in which each name has ten mail hosts, and each of these 200 addresses."""

    async def look_up(self, name: str, kind: str) -> Answer:
        if kind == "TXT":
            texts = [f'"v=spf1 {" ".join(f"mx:m{n}.example.org" for n in range(10))} -all"']
        elif kind == "MX":
            texts = [f"10 h{n}.{name}." for n in range(10)]
        else:
            texts = [f"198.51.100.{n}" for n in range(200)]
        records = tuple(dns.rdata.from_text("IN", kind, text) for text in texts)
        return Answer(records, exists=True, authentic=False, name=name)


def test_hosts_with_very_many_addresses_take_little_time() -> None:
    start = time.process_time()
    assert asyncio.run(check_mail_from(Crowd(), PEER, "client.example", "ann@example.org", "mx")).result == "fail"
    assert time.process_time() - start < 2


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 32))
def test_networks_are_what_they_are_elsewhere(client: int, other: int, length: int) -> None:
    peer, address = ipaddress.IPv4Address(client), ipaddress.IPv4Address(other)
    found = check_network(f"{address}/{length}", str(peer))
    assert (found == "pass") is (peer in ipaddress.ip_network(f"{address}/{length}", strict=False))


def check_network(network: str, peer: str) -> str:
    resolver = Echo(f"v=spf1 ip4:{network} -all")
    return asyncio.run(check_mail_from(resolver, peer, "client.example", "ann@example.org", "mx")).result


WORDS = st.sampled_from(
    [
        "a",
        "mx",
        "ptr",
        "all",
        "include:",
        "exists:",
        "ip4:",
        "ip6:",
        "redirect=",
        "exp=",
        "+",
        "-",
        "~",
        "?",
        ":",
        "/",
        "//",
        "24",
        "example.org",
        "%{i}",
        "%{p}",
        "%{l1r-}",
        "%{",
        "}",
        "%",
        ".",
        "=",
        "::1",
        "192.0.2.7",
        "é",
    ]
)


class Echo:
    """A resolver that answers everything with the same policy, and addresses."""

    def __init__(self, text: str) -> None:
        self.text = text.encode()

    async def look_up(self, name: str, kind: str) -> Answer:
        texts = {"A": "192.0.2.9", "AAAA": "2001:db8::9", "MX": "10 m.example.org.", "PTR": "p.example.org."}
        if kind == "TXT":
            octets = "".join(f"\\{octet:03d}" for octet in self.text[:250])
            record = dns.rdata.from_text("IN", "TXT", f'"{octets}"')
        else:
            record = dns.rdata.from_text("IN", kind, texts[kind])
        return Answer((record,), exists=True, authentic=False, name=name)


@settings(deadline=None)
@given(st.lists(WORDS, max_size=12).map("".join), st.text(max_size=20), st.text(max_size=20))
def test_no_policy_and_no_name_breaks_the_check(words: str, local: str, helo: str) -> None:
    found = asyncio.run(check_mail_from(Echo("v=spf1 " + words), PEER, helo, f"{local}@example.org", "mx"))
    assert found.result in {"pass", "fail", "softfail", "neutral", "none", "permerror", "temperror"}
