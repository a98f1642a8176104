"""PACC: one JSON file of a domain's services, whose digest stands in DNS.  draft-ietf-mailmaint-pacc."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Final

from mailkeep.service.wellknown import Site

CONTENT_TYPE: Final = "application/json"
PACC_PATH: Final = ".well-known/user-agent-configuration.json"  # at https://ua-auto-config.DOMAIN/
DEFAULT_PORTS: Final = {"imap": 993, "pop3": 995, "smtp": 465}  # which the file cannot name: TLS from the first octet


def user_agent_configuration(domain: str, site: Site) -> bytes:
    """The file, which has no word about a service at another port than the default.

    Its octets are the same for everybody, as DNS has a digest of them.
    """
    protocols = {
        service.protocol: {"host": service.host}
        for service in site.services
        if service.port == DEFAULT_PORTS[service.protocol]
    }
    authentication: dict[str, object] = {"password": True}
    if site.oauth is not None:
        authentication["oauth-public"] = {"issuer": site.oauth.issuer}
    help_: dict[str, object] = {"contact": [f"mailto:postmaster@{domain}"]}
    if site.url:
        help_["documentation"] = f"{site.url}/"
    document = {
        "protocols": protocols,
        "authentication": authentication,
        "info": {
            "provider": {"name": site.name_of(domain), "shortName": site.short_name_of(domain)},
            "help": help_,
        },
    }
    return json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n"


def digest_record(document: bytes) -> str:
    """What DNS says of the file, as TXT of ``_ua-auto-config.DOMAIN``."""
    return f"v=UAAC1; a=sha256; d={base64.b64encode(hashlib.sha256(document).digest()).decode('ascii')}"
