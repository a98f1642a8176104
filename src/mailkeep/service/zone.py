"""What DNS has to say of a domain whose mail this server takes, as records and as a fragment of a zone file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final
from urllib.parse import urlsplit

from mailkeep.formats.dkim import public_record
from mailkeep.model.domain import SigningKey
from mailkeep.service.discovery.pacc import PACC_PATH, digest_record, user_agent_configuration
from mailkeep.service.wellknown import (
    AUTOCONFIG,
    AUTODISCOVER,
    CONFIG_PATH,
    MTA_STS,
    OPENPGP,
    PACC,
    POLICY_PATH,
    Site,
    mta_sts_policy,
    policy_id,
)

MAX_STRING: Final = 255  # octets of one string of a TXT record (RFC 1035 §3.3.14)
DEFAULT_CA: Final = "letsencrypt.org"


@dataclass(frozen=True, slots=True)
class Record:
    """One record.  `name` is absolute, without the last dot; `value` as in a zone file, TXT without quotes.

    `about` says what it is for, in one or more lines.
    """

    name: str
    kind: str
    value: str
    about: str


def list_records(
    domain: str, site: Site, keys: Sequence[SigningKey], authority: str = DEFAULT_CA
) -> tuple[Record, ...]:
    """All records of `domain`, those that belong together in a row.

    `authority`: who alone may make certificates for the server's name (RFC 8659).
    """
    return (
        *_mail(domain, site),
        *list_key_records(keys),
        *_policies(domain, site),
        *_services(domain, site),
        *_web(domain, site),
        *_host(domain, site, authority),
    )


def _mail(domain: str, site: Site) -> Iterator[Record]:
    yield Record(domain, "MX", f"10 {site.hostname}.", "Mail comes here.")
    relay = f"\nAdd what the operator of {site.relay} says: mail leaves from there." if site.relay else ""
    yield Record(domain, "TXT", "v=spf1 mx -all", f"SPF: who sends mail from the domain.{relay}")


def list_key_records(keys: Sequence[SigningKey]) -> tuple[Record, ...]:
    """The records of keys alone."""
    return tuple(
        Record(
            f"{key.selector}._domainkey.{key.domain}",
            "TXT",
            public_record(key.algorithm, key.private),
            "DKIM: new keys, which will sign it." if key.waiting else "DKIM: the keys that sign it.",
        )
        for key in keys
    )


def _policies(domain: str, site: Site) -> Iterator[Record]:
    # p=reject is for domains whose people write to no mailing list (RFC 9989 §7.4)
    dmarc = f"v=DMARC1; p=quarantine; rua=mailto:postmaster@{domain}"
    about = "DMARC: what is neither signed nor sent from here is suspect; reports go to the postmaster."
    yield Record(f"_dmarc.{domain}", "TXT", dmarc, about)
    about = "TLS-RPT: where reports of encryption that failed go (RFC 8460)."
    yield Record(f"_smtp._tls.{domain}", "TXT", f"v=TLSRPTv1; rua=mailto:postmaster@{domain}", about)
    about = (
        "MTA-STS: others are to insist on encryption (RFC 8461).\n"
        + _condition(site, f"https://{MTA_STS}.{domain}/{POLICY_PATH}")
        + "Whoever changes that file changes the id."
    )
    yield Record(f"_mta-sts.{domain}", "TXT", f"v=STSv1; id={policy_id(mta_sts_policy(site))}", about)
    yield Record(f"{MTA_STS}.{domain}", "CNAME", f"{site.hostname}.", about)


def _condition(site: Site, url: str) -> str:
    """What has to be done besides, where this server has no web server of its own."""
    return "" if site.url else f"Of use once a web server answers\n{url} with the file that `domain web` writes.\n"


def _services(domain: str, site: Site) -> Iterator[Record]:
    about = "What mail programs look for (RFC 6186, RFC 8314): a dot says that there is no such service."
    for service, priority, port in (
        ("_imaps", 0, site.imaps),
        ("_imap", 10, site.imap),
        ("_submissions", 0, site.submissions),
        ("_submission", 10, site.submission),
        ("_pop3s", 20, site.pop3s),
        ("_pop3", 30, site.pop3),
    ):
        value = f"{priority} 1 {port} {site.hostname}." if port is not None else "0 0 0 ."
        yield Record(f"{service}._tcp.{domain}", "SRV", value, about)


def _web(domain: str, site: Site) -> Iterator[Record]:
    """Hosts and records by which programs find what our web server tells them, or another one."""
    config = f"https://{AUTOCONFIG}.{domain}/{CONFIG_PATH}"
    about = f"Settings for Thunderbird and others.\n{_condition(site, config)}"
    yield Record(f"{AUTOCONFIG}.{domain}", "CNAME", f"{site.hostname}.", about)
    about = (
        "PACC: settings for programs to come (draft-ietf-mailmaint-pacc).\n"
        + _condition(site, f"https://{PACC}.{domain}/{PACC_PATH}")
        + "The digest is that of the file: when it changes, let both stand for the time to live of the old one."
    )
    yield Record(f"{PACC}.{domain}", "CNAME", f"{site.hostname}.", about)
    digest = digest_record(user_agent_configuration(domain, site))
    yield Record(f"_{PACC}.{domain}", "TXT", digest, about)
    if site.url:
        about = "Settings for Outlook."
        yield Record(f"{AUTODISCOVER}.{domain}", "CNAME", f"{site.hostname}.", about)
        host, port = _web_place(site)
        yield Record(f"_autodiscover._tcp.{domain}", "SRV", f"0 0 {port} {host}.", about)
        about = "OpenPGP keys of accounts (WKD, draft-koch-openpgp-webkey-service)."
        yield Record(f"{OPENPGP}.{domain}", "CNAME", f"{site.hostname}.", about)


def _web_place(site: Site) -> tuple[str, int]:
    """Host and port of the web server."""
    url = urlsplit(site.url)
    return url.hostname or site.hostname, url.port or 443


def _host(domain: str, site: Site, authority: str) -> Iterator[Record]:
    about = f"The server itself.  It needs an address as well: {site.hostname}. A ADDRESS, and perhaps AAAA."
    if site.hostname != domain:  # else it is the SPF of the domain
        yield Record(site.hostname, "TXT", "v=spf1 a -all", about)
    if authority:
        yield Record(site.hostname, "CAA", f'0 issue "{authority}"', about)


def zone_fragment(records: Sequence[Record]) -> str:
    """The records as they stand in a zone file, with comments; names are absolute, so they fit into any."""
    width = max((len(record.name) for record in records), default=0) + 1
    lines: list[str] = []
    for about, group in groupby(records, lambda record: record.about):
        lines += ["", *(f"; {line}" for line in about.splitlines())]
        lines += [f"{record.name + '.':{width}} IN {record.kind:5} {_value(record)}" for record in group]
    return "\n".join(lines[1:]) + "\n" if lines else ""


def _value(record: Record) -> str:
    if record.kind != "TXT":
        return record.value
    pieces = [record.value[i : i + MAX_STRING] for i in range(0, len(record.value), MAX_STRING)]
    return " ".join(f'"{piece}"' for piece in pieces)  # no value of ours has a quote or a backslash
