"""What DNS has to say of a domain whose mail this server takes, as records and as a fragment of a zone file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from mailkeep.formats.dkim import public_record
from mailkeep.model.domain import SigningKey
from mailkeep.service.wellknown import CONFIG_PATH, POLICY_PATH, Site, mta_sts_policy, policy_id

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
        "MTA-STS: others are to insist on encryption (RFC 8461).  Of use once a web server answers\n"
        f"https://mta-sts.{domain}/{POLICY_PATH} with the file that `domain web` writes.\n"
        "Whoever changes that file changes the id."
    )
    yield Record(f"_mta-sts.{domain}", "TXT", f"v=STSv1; id={policy_id(mta_sts_policy(site))}", about)
    yield Record(f"mta-sts.{domain}", "CNAME", f"{site.hostname}.", about)


def _services(domain: str, site: Site) -> Iterator[Record]:
    about = "What mail programs look for (RFC 6186, RFC 8314): a dot says that there is no such service."
    for service, priority, port in (
        ("_imaps", 0, site.imaps),
        ("_imap", 10, site.imap),
        ("_submissions", 0, site.submissions),
        ("_submission", 10, site.submission),
        ("_pop3s", 0, None),
        ("_pop3", 0, None),
    ):
        value = f"{priority} 1 {port} {site.hostname}." if port is not None else "0 0 0 ."
        yield Record(f"{service}._tcp.{domain}", "SRV", value, about)
    about = (
        "Settings for Thunderbird and others.  Of use once a web server answers\n"
        f"https://autoconfig.{domain}/{CONFIG_PATH} with the file that `domain web` writes."
    )
    yield Record(f"autoconfig.{domain}", "CNAME", f"{site.hostname}.", about)


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
