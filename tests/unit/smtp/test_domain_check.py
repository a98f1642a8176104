"""The check of a domain, against a DNS server that says the right, the wrong, or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import dns.name
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.dns_server import dns_server

from mailkeep.formats.dkim import make_key, public_record
from mailkeep.model.domain import SigningKey
from mailkeep.net.resolver import Answer, CachingResolver
from mailkeep.service.wellknown import Site
from mailkeep.service.zone import list_records, zone_fragment
from mailkeep.smtp.domain_check import Finding, Verdict, check_domain

DOMAIN = "example.org"
SITE = Site(hostname="mail.example.org", imap=143, imaps=993, submission=587, submissions=465)
KEY = SigningKey(DOMAIN, "e", "ed25519-sha256", make_key("ed25519-sha256"))
RECORDS = list_records(DOMAIN, SITE, (KEY,))
HOST = """
mail.example.org.  A     192.0.2.1
mail.example.org.  AAAA  2001:db8::1
1.2.0.192.in-addr.arpa.  PTR  mail.example.org.
1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.  PTR  Mail.Example.org.
"""


def zone(without: str = "", kind: str = "", instead: str = "") -> str:
    """The zone as it should be, without the records of a name (and kind), and with other ones."""
    kept = tuple(r for r in RECORDS if not (r.name == without and kind in ("", r.kind)))
    return f"{zone_fragment(kept)}{HOST}{instead}"


def check(zones: str, faults: Mapping[str, str] | None = None, site: Site = SITE) -> dict[tuple[str, str], Finding]:
    async def scenario() -> tuple[Finding, ...]:
        resolver = CachingResolver([(server.host, server.port)], timeout_s=1.0)
        try:
            return await check_domain(DOMAIN, site, (KEY,), resolver, "letsencrypt.org")
        finally:
            resolver.close()

    with dns_server(zones, faults=faults or {}) as server:
        return {(finding.name, finding.kind): finding for finding in asyncio.run(scenario())}


def test_the_fragment_itself_is_good_in_every_record() -> None:
    found = check(zone())
    assert {finding.verdict for finding in found.values()} == {Verdict.GOOD}
    assert {(r.name, r.kind) for r in RECORDS} <= set(found)
    assert {kind for _, kind in found} == {"A", "AAAA", "PTR", "MX", "TXT", "SRV", "CNAME", "CAA"}


def test_of_an_empty_zone_what_mail_suffers_from_is_missing_and_the_rest_is_advice() -> None:
    found = check("other.example. A 192.0.2.9")
    missing = {key for key, finding in found.items() if finding.verdict is Verdict.MISSING}
    assert missing == {
        ("mail.example.org", "A"),
        ("example.org", "MX"),
        ("example.org", "TXT"),
        ("_dmarc.example.org", "TXT"),
        ("e._domainkey.example.org", "TXT"),
    }
    assert {f.verdict for key, f in found.items() if key not in missing} == {Verdict.ADVICE}
    assert "10 mail.example.org." in found["example.org", "MX"].text


def test_a_server_that_does_not_answer_is_not_taken_for_a_no() -> None:
    found = check("", faults={"example.org MX": "SERVFAIL", "mail.example.org A": "TIMEOUT"})
    assert found["example.org", "MX"].verdict is Verdict.UNKNOWN
    assert found["mail.example.org", "A"].verdict is Verdict.UNKNOWN


MX, TXT = (DOMAIN, "MX"), (DOMAIN, "TXT")
DMARC, TLS, STS = ((f"{prefix}.{DOMAIN}", "TXT") for prefix in ("_dmarc", "_smtp._tls", "_mta-sts"))
DKIM = (f"e._domainkey.{DOMAIN}", "TXT")
IMAPS, POP3 = ((f"{service}._tcp.{DOMAIN}", "SRV") for service in ("_imaps", "_pop3"))
CAA = ("mail.example.org", "CAA")


@pytest.mark.parametrize(
    ("key", "values", "verdict", "says"),
    [
        (MX, ["10 mx.example.net."], Verdict.WRONG, "mail goes elsewhere"),
        (MX, ["0 ."], Verdict.WRONG, "mail goes elsewhere"),
        (MX, ["5 mx.example.net.", "10 mail.example.org."], Verdict.ADVICE, "first"),
        (MX, ["20 mx.example.net.", "10 MAIL.example.org."], Verdict.GOOD, ""),
        (TXT, ['"v=spf1 +all"'], Verdict.WRONG, "anybody may send"),
        (TXT, ['"v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 ~all"'], Verdict.GOOD, ""),
        (TXT, ['"v=spf1 ip4:192.0.2.0/24 ~all"'], Verdict.WRONG, "for 2001:db8::1 it says softfail"),
        (TXT, ['"v=spf1 include:example.net -all"'], Verdict.WRONG, "it says permerror"),
        (TXT, ['"V=SPF1  mx -all"', '"another"'], Verdict.GOOD, ""),
        (TXT, ['"v=spf10 mx"'], Verdict.MISSING, "v=spf1 mx -all"),
        (TXT, ['"v=spf1 mx"', '"v=spf1 a"'], Verdict.WRONG, "2 times"),
        (DMARC, ['"v=DMARC1; p=none"'], Verdict.ADVICE, "is believed"),
        (DMARC, ['"v=DMARC1;p=Reject"'], Verdict.GOOD, ""),
        (DKIM, ['"v=DKIM1; k=ed25519; p=AAAA"'], Verdict.WRONG, "another key"),
        (DKIM, ['"v=DKIM1; p="'], Verdict.WRONG, "another key"),
        (DKIM, ['"p=AAAA"', '"p=BBBB"'], Verdict.WRONG, "more than once"),
        (STS, ['"v=STSv1; id=20260101;"'], Verdict.GOOD, ""),
        (STS, ['"v=STSv1"'], Verdict.WRONG, "no id"),
        (TLS, ['"v=TLSRPTv1; rua=x"'], Verdict.WRONG, "no address"),
        (TLS, ['"v=TLSRPTv1; rua=https://example.net/"'], Verdict.GOOD, ""),
        (IMAPS, ["5 5 993 mail.example.org."], Verdict.GOOD, ""),
        (IMAPS, ["0 1 994 mail.example.org."], Verdict.WRONG, "port 994"),
        (POP3, ["0 1 110 pop.example.org."], Verdict.ADVICE, "no such service"),
        (CAA, ['0 issue "ca.example"'], Verdict.ADVICE, "ca.example"),
    ],
)
def test_what_differs_is_judged_by_what_it_means(
    key: tuple[str, str], values: list[str], verdict: Verdict, says: str
) -> None:
    name, kind = key
    finding = check(zone(name, kind, "\n".join(f"{name}. {kind} {value}" for value in values)))[key]
    assert finding.verdict is verdict, finding
    assert says in finding.text


@pytest.mark.rfc("8659", "3")
@pytest.mark.parametrize("value", ['issue "LetsEncrypt.org; a=b"', 'iodef "mailto:a@example.org"'])
def test_who_may_make_certificates_is_said_by_the_nearest_name_above(value: str) -> None:
    assert check(zone(*CAA, f"example.org. CAA 0 {value}"))[CAA].verdict is Verdict.GOOD


def test_any_host_may_answer_for_settings() -> None:
    key = ("autoconfig.example.org", "CNAME")
    assert check(zone(*key, f"{key[0]}. AAAA 2001:db8::7"))[key].verdict is Verdict.GOOD


def test_what_spf_says_of_a_relay_or_of_a_server_without_address_cannot_be_told() -> None:
    other = zone(*TXT, 'example.org. TXT "v=spf1 include:example.net -all"')
    relayed = Site(hostname="mail.example.org", relay="smtp.example.net")
    nowhere = Site(hostname="mx.example.org")
    assert {check(other, site=site)[TXT].verdict for site in (relayed, nowhere)} == {Verdict.ADVICE}


def test_a_fault_of_dns_while_spf_is_evaluated_is_no_judgement() -> None:
    other = zone(*TXT, 'example.org. TXT "v=spf1 include:example.net -all"')
    assert check(other, {"example.net": "SERVFAIL"})[TXT].verdict is Verdict.UNKNOWN


def test_a_key_that_is_there_in_other_words_is_good() -> None:
    record = public_record(KEY.algorithm, KEY.private).replace("v=DKIM1; k=ed25519; ", "k = ed25519;n=x;")
    name = "e._domainkey.example.org"
    assert check(zone(name, "TXT", f'{name}. TXT "{record}"'))[name, "TXT"].verdict is Verdict.GOOD
    testing = check(zone(name, "TXT", f'{name}. TXT "{record}; t=y:s"'))[name, "TXT"]
    assert (testing.verdict, testing.text[:3]) == (Verdict.ADVICE, "t=y")


def test_an_address_without_the_servers_name_is_told() -> None:
    found = check(zone().replace("1.2.0.192.in-addr.arpa.  PTR  mail.", "1.2.0.192.in-addr.arpa.  PTR  dsl-7."))
    finding = found["1.2.0.192.in-addr.arpa", "PTR"]
    assert (finding.verdict, "dsl-7.example.org" in finding.text) == (Verdict.ADVICE, True)


def test_what_dns_says_cannot_play_with_a_terminal_or_fill_it() -> None:
    long = '"' + "x" * 250 + '" '
    found = check(zone("_dmarc.example.org", "TXT", f'_dmarc.example.org. TXT "v=DMARC1;\\027[2J" {long * 20}'))
    text = found["_dmarc.example.org", "TXT"].text
    assert "\x1b" not in text
    assert len(text) < 1300


@dataclass
class Oracle:
    """A resolver that answers every question with the same records."""

    records: dict[str, tuple[Any, ...]]

    async def look_up(self, name: str, kind: str) -> Answer:
        return Answer(self.records.get(kind, ()), exists=True, authentic=False, name=name)


TEXTS = st.binary(max_size=40) | st.sampled_from([b"v=spf1", b"v=DMARC1", b"v=STSv1;", b";", b"=", b"p=", b"id=", b" "])
NAMES = st.sampled_from([dns.name.root, dns.name.from_text("Mail.Example.ORG"), dns.name.Name([b"\xff\0.", b""])])


@given(
    st.lists(st.lists(TEXTS, max_size=4).map(lambda strings: SimpleNamespace(strings=strings)), max_size=3),
    st.lists(NAMES, max_size=3),
    st.lists(st.tuples(st.sampled_from([b"issue", b"iodef", b"\xff"]), st.binary(max_size=20)), max_size=3),
)
def test_whatever_dns_says_is_judged(texts: list[Any], names: list[Any], issuers: list[tuple[bytes, bytes]]) -> None:
    oracle = Oracle(
        {
            "TXT": tuple(texts),
            "MX": tuple(SimpleNamespace(preference=7, exchange=name) for name in names),
            "SRV": tuple(SimpleNamespace(port=993, target=name) for name in names),
            "PTR": tuple(SimpleNamespace(target=name) for name in names),
            "CAA": tuple(SimpleNamespace(flags=0, tag=tag, value=value) for tag, value in issuers),
            "A": (SimpleNamespace(address="192.0.2.1"),),
        }
    )
    found = asyncio.run(check_domain(DOMAIN, SITE, (KEY,), oracle, "letsencrypt.org"))
    assert {(record.name, record.kind) for record in RECORDS} <= {(finding.name, finding.kind) for finding in found}
    assert all(finding.text.isprintable() for finding in found)


def test_of_several_digests_of_pacc_one_has_to_fit() -> None:
    key = ("_ua-auto-config.example.org", "TXT")
    other = f'{key[0]}. TXT "v=UAAC1; a=sha256; d=AAAA"'
    both = f"{zone_fragment(tuple(r for r in RECORDS if r.name == key[0]))}{other}"
    assert check(zone(*key, both))[key].verdict is Verdict.GOOD
    assert check(zone(*key, other))[key].verdict is Verdict.WRONG
    assert check(zone(*key))[key].verdict is Verdict.ADVICE
