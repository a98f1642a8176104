"""The zone fragment of a domain: a DNS library reads it, and it says what clients and servers look for."""

from __future__ import annotations

import dns.name
import dns.rdatatype
import dns.zone
import pytest

from mailkeep.formats.dkim import make_key, public_record
from mailkeep.model.domain import SigningKey
from mailkeep.service.discovery.pacc import digest_record, user_agent_configuration
from mailkeep.service.wellknown import Site, mta_sts_policy, policy_id, web_hosts
from mailkeep.service.zone import Record, list_records, zone_fragment

SITE = Site(hostname="mail.example.org", imap=143, imaps=993, submission=587, submissions=465)
KEYS = tuple(
    SigningKey("example.org", selector, algorithm, make_key(algorithm))
    for selector, algorithm in (("e", "ed25519-sha256"), ("r", "rsa-sha256"))
)


def read(records: tuple[Record, ...]) -> dict[tuple[str, str], list[str]]:
    """The fragment as dnspython reads it, long texts joined."""
    zone = dns.zone.from_text(
        "$TTL 60\n" + zone_fragment(records), origin=dns.name.root, relativize=False, check_origin=False
    )
    return {
        (name.to_text(omit_final_dot=True), dns.rdatatype.to_text(rdataset.rdtype)): [
            b"".join(rdata.strings).decode() if hasattr(rdata, "strings") else rdata.to_text() for rdata in rdataset
        ]
        for name, node in zone.nodes.items()
        for rdataset in node.rdatasets
    }


def test_every_kind_of_record_is_there_and_a_library_reads_it() -> None:
    zone = read(list_records("example.org", SITE, KEYS))
    assert zone["example.org", "MX"] == ["10 mail.example.org."]
    assert zone["example.org", "TXT"] == ["v=spf1 mx -all"]
    assert zone["mail.example.org", "TXT"] == ["v=spf1 a -all"]
    assert zone["_dmarc.example.org", "TXT"] == ["v=DMARC1; p=quarantine; rua=mailto:postmaster@example.org"]
    assert zone["_smtp._tls.example.org", "TXT"] == ["v=TLSRPTv1; rua=mailto:postmaster@example.org"]
    assert zone["_mta-sts.example.org", "TXT"] == [f"v=STSv1; id={policy_id(mta_sts_policy(SITE))}"]
    assert zone["mta-sts.example.org", "CNAME"] == zone["autoconfig.example.org", "CNAME"] == ["mail.example.org."]
    assert zone["mail.example.org", "CAA"] == ['0 issue "letsencrypt.org"']


@pytest.mark.rfc("6376", "3.6.2.2")
def test_keys_longer_than_a_string_are_split_and_read_whole() -> None:
    zone = read(list_records("example.org", SITE, KEYS))
    assert len(public_record("rsa-sha256", KEYS[1].private)) > 255
    for key in KEYS:
        record = public_record(key.algorithm, key.private)
        assert zone[f"{key.selector}._domainkey.example.org", "TXT"] == [record]


@pytest.mark.rfc("6186", "3.4")
def test_services_are_named_with_their_ports_and_those_that_are_not_there_with_a_dot() -> None:
    zone = read(list_records("example.org", Site(hostname="mail.example.org", imaps=10993, submissions=465), ()))
    services = {name.partition(".")[0]: value for (name, kind), [value] in zone.items() if kind == "SRV"}
    assert services == {
        "_imaps": "0 1 10993 mail.example.org.",
        "_submissions": "0 1 465 mail.example.org.",
        **dict.fromkeys(("_imap", "_submission", "_pop3", "_pop3s"), "0 0 0 ."),
    }


def test_a_domain_that_is_the_servers_own_name_has_one_spf_record() -> None:
    zone = read(list_records("example.org", Site(hostname="example.org"), ()))
    assert zone["example.org", "TXT"] == ["v=spf1 mx -all"]


def test_who_sends_by_a_relay_is_told_to_name_it() -> None:
    assert "; Add what the operator of smtp.example.net says" in zone_fragment(
        list_records("example.org", Site(hostname="mail.example.org", relay="smtp.example.net"), ())
    )


def test_another_authority_or_none_may_make_certificates() -> None:
    assert read(list_records("a.example", SITE, (), "ca.example"))["mail.example.org", "CAA"] == [
        '0 issue "ca.example"'
    ]
    assert ("mail.example.org", "CAA") not in read(list_records("a.example", SITE, (), ""))


@pytest.mark.rfc("8461", "3.2")
def test_the_policy_names_the_host_and_another_policy_has_another_id() -> None:
    policy = mta_sts_policy(SITE)
    assert policy == "version: STSv1\r\nmode: testing\r\nmx: mail.example.org\r\nmax_age: 604800\r\n"
    other = policy_id(mta_sts_policy(Site(hostname="mx.example.org")))
    assert other != policy_id(policy)
    assert other.isalnum()
    assert len(other) <= 32


WHOLE = Site(
    hostname="mail.example.org", imap=143, imaps=993, pop3=110, pop3s=995, submission=587, submissions=465, https=443
)


def test_every_host_that_the_web_server_answers_for_is_in_the_zone_and_the_other_way_round() -> None:
    zone = read(list_records("example.org", WHOLE, KEYS))
    hosts = {name: value for (name, kind), value in zone.items() if kind == "CNAME"}
    assert hosts == {host: ["mail.example.org."] for host in web_hosts("example.org")}


def test_every_service_is_in_the_zone_with_its_port_and_the_other_way_round() -> None:
    zone = read(list_records("example.org", WHOLE, KEYS))
    services = {name.partition(".")[0]: value.split()[2:] for (name, kind), [value] in zone.items() if kind == "SRV"}
    names = {"imap": ("_imap", "_imaps"), "pop3": ("_pop3", "_pop3s"), "smtp": ("_submission", "_submissions")}
    served = {names[s.protocol][s.security.value == "TLS"]: [str(s.port), f"{s.host}."] for s in WHOLE.services}
    assert services == {**served, "_autodiscover": ["443", "mail.example.org."]}


def test_a_web_server_behind_a_proxy_is_found_where_the_proxy_is() -> None:
    site = Site(hostname="mail.example.org", http=10080, web="https://www.example.net:8443")
    assert read(list_records("example.org", site, ()))["_autodiscover._tcp.example.org", "SRV"] == [
        "0 0 8443 www.example.net."
    ]


def test_without_a_web_server_only_hosts_that_another_can_answer_for_are_in_the_zone() -> None:
    zone = read(list_records("example.org", SITE, ()))
    hosts = {name.partition(".")[0] for name, kind in zone if kind == "CNAME"}
    assert hosts == {"autoconfig", "ua-auto-config", "mta-sts"}


def test_the_digest_in_the_zone_is_that_of_the_file() -> None:
    zone = read(list_records("example.org", WHOLE, ()))
    digest = digest_record(user_agent_configuration("example.org", WHOLE))
    assert zone["_ua-auto-config.example.org", "TXT"] == [digest]
