"""What a web server has to say of a domain: the policy of MTA-STS, and the settings that mail programs fetch."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

MAX_AGE_S: Final = 7 * 86400  # of the policy; typically weeks (RFC 8461 §3.2), and in testing no more than one
POLICY_PATH: Final = ".well-known/mta-sts.txt"  # at https://mta-sts.DOMAIN/
CONFIG_PATH: Final = "mail/config-v1.1.xml"  # at https://autoconfig.DOMAIN/


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What of this server the world is to find: its name, and the ports of what it serves; None is not served.

    `relay`: the host by which all mail leaves, "" where it leaves from here.
    """

    hostname: str
    imap: int | None = None
    imaps: int | None = None
    submission: int | None = None
    submissions: int | None = None
    relay: str = ""


def mta_sts_policy(site: Site) -> str:
    """The policy file, in mode "testing": failures are reported, and no mail is lost.  RFC 8461 §3.2."""
    lines = ("version: STSv1", "mode: testing", f"mx: {site.hostname}", f"max_age: {MAX_AGE_S}")
    return "".join(f"{line}\r\n" for line in lines)


def policy_id(policy: str) -> str:
    """Another one for each other policy.  RFC 8461 §3.1: at most 32 letters and digits."""
    return hashlib.sha256(policy.encode()).hexdigest()[:20]


def client_config(domain: str, site: Site) -> str:
    """Settings as Thunderbird and others fetch them (draft-ietf-mailmaint-autoconfig), over TLS first."""
    servers = [
        _server("incomingServer", "imap", site.hostname, site.imaps, "SSL"),
        _server("incomingServer", "imap", site.hostname, site.imap, "STARTTLS"),
        _server("outgoingServer", "smtp", site.hostname, site.submissions, "SSL"),
        _server("outgoingServer", "smtp", site.hostname, site.submission, "STARTTLS"),
    ]
    name = escape(domain)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<clientConfig version="1.2">\n'
        f'  <emailProvider id="{name}">\n'
        f"    <domain>{name}</domain>\n"
        f"    <displayName>{name}</displayName>\n"
        f"    <displayShortName>{name}</displayShortName>\n"
        f"{''.join(servers)}"
        "  </emailProvider>\n"
        "</clientConfig>\n"
    )


def _server(element: str, kind: str, host: str, port: int | None, socket: str) -> str:
    if port is None:
        return ""
    return (
        f'    <{element} type="{kind}">\n'
        f"      <hostname>{escape(host)}</hostname>\n"
        f"      <port>{port}</port>\n"
        f"      <socketType>{socket}</socketType>\n"
        "      <authentication>password-cleartext</authentication>\n"
        "      <username>%EMAILADDRESS%</username>\n"
        f"    </{element}>\n"
    )
