"""What of this server the world is to find: its names and ports, the hosts of a domain, and the policy of MTA-STS."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

MAX_AGE_S: Final = 7 * 86400  # of the policy; typically weeks (RFC 8461 §3.2), and in testing no more than one
POLICY_PATH: Final = ".well-known/mta-sts.txt"  # at https://mta-sts.DOMAIN/
CONFIG_PATH: Final = "mail/config-v1.1.xml"  # at https://autoconfig.DOMAIN/
MAX_NAME: Final = 60  # characters of a provider's name that programs show (draft-ietf-mailmaint-autoconfig)
MAX_SHORT_NAME: Final = 20

AUTOCONFIG: Final = "autoconfig"
AUTODISCOVER: Final = "autodiscover"
PACC: Final = "ua-auto-config"
MTA_STS: Final = "mta-sts"
OPENPGP: Final = "openpgpkey"
WEB_HOSTS: Final = (AUTOCONFIG, AUTODISCOVER, PACC, MTA_STS, OPENPGP)
"""First labels of the hosts in each domain that our web server answers for."""


class Security(Enum):
    """How a connection is encrypted: TLS from the first octet, or after a command."""

    TLS = "TLS"
    STARTTLS = "STARTTLS"


@dataclass(frozen=True, slots=True)
class MailService:
    """Something that mail programs log in to; `protocol`: imap, pop3 or smtp (submission)."""

    protocol: str
    host: str
    port: int
    security: Security


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth:
    """Where mail programs get tokens.  `client_id`: of the public client that all of them share, "" for none."""

    issuer: str
    scopes: tuple[str, ...]
    authorize_url: str = ""
    token_url: str = ""
    client_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What of this server the world is to find: its name, and the ports of what it serves; None is not served.

    `relay`: the host by which all mail leaves, "" where it leaves from here.
    `web`: the URL, without a last slash, by which the world reaches the web server if that is not the port `https` of
    `hostname`, as behind a proxy.
    `names`: (domain, name of who provides its mail, for people to read); a domain's own name where it is not there.
    """

    hostname: str
    imap: int | None = None
    imaps: int | None = None
    pop3: int | None = None
    pop3s: int | None = None
    submission: int | None = None
    submissions: int | None = None
    http: int | None = None
    https: int | None = None
    web: str = ""
    relay: str = ""
    names: tuple[tuple[str, str], ...] = ()
    oauth: OAuth | None = None

    @property
    def url(self) -> str:
        """Of the web server, without a last slash; "" where there is none."""
        if self.web or self.https is None:
            return self.web
        return f"https://{self.hostname}" + ("" if self.https == 443 else f":{self.https}")

    @property
    def services(self) -> tuple[MailService, ...]:
        """What mail programs log in to, the best first: IMAP before POP3, TLS from the first octet before STARTTLS."""
        return tuple(self._services())

    @property
    def best_services(self) -> tuple[MailService, ...]:
        """Of each protocol the best way alone, for documents of which some programs take the last."""
        best: dict[str, MailService] = {}
        for service in self._services():
            best.setdefault(service.protocol, service)
        return tuple(best.values())

    def _services(self) -> Iterator[MailService]:
        for protocol, tls, starttls in (
            ("imap", self.imaps, self.imap),
            ("pop3", self.pop3s, self.pop3),
            ("smtp", self.submissions, self.submission),
        ):
            for port, security in ((tls, Security.TLS), (starttls, Security.STARTTLS)):
                if port is not None:
                    yield MailService(protocol, self.hostname, port, security)

    def name_of(self, domain: str) -> str:
        """Who provides the mail of `domain`, for people to read."""
        return dict(self.names).get(domain, domain)[:MAX_NAME]

    def short_name_of(self, domain: str) -> str:
        """The same in at most 20 characters: whole words, if there are."""
        name = self.name_of(domain)
        if len(name) <= MAX_SHORT_NAME:
            return name
        return name[: MAX_SHORT_NAME + 1].rpartition(" ")[0].strip() or name[:MAX_SHORT_NAME]


def web_hosts(domain: str) -> tuple[str, ...]:
    """The hosts in `domain` that our web server answers for, besides `domain` itself and the server's own name."""
    return tuple(f"{label}.{domain}" for label in WEB_HOSTS)


def mta_sts_policy(site: Site) -> str:
    """The policy file, in mode "testing": failures are reported, and no mail is lost.  RFC 8461 §3.2."""
    lines = ("version: STSv1", "mode: testing", f"mx: {site.hostname}", f"max_age: {MAX_AGE_S}")
    return "".join(f"{line}\r\n" for line in lines)


def policy_id(policy: str) -> str:
    """Another one for each other policy.  RFC 8461 §3.1: at most 32 letters and digits."""
    return hashlib.sha256(policy.encode()).hexdigest()[:20]
