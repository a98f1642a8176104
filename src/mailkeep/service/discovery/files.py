"""Files by which another web server answers for a domain what ours would."""

from __future__ import annotations

from mailkeep.service.discovery.autoconfig import client_config
from mailkeep.service.discovery.pacc import PACC_PATH, user_agent_configuration
from mailkeep.service.wellknown import AUTOCONFIG, CONFIG_PATH, MTA_STS, PACC, POLICY_PATH, Site, mta_sts_policy


def list_files(domain: str, site: Site) -> tuple[tuple[str, str, bytes], ...]:
    """(host, path below its root, content)."""
    config = client_config(domain, site)
    return (
        (f"{MTA_STS}.{domain}", POLICY_PATH, mta_sts_policy(site).encode()),
        (f"{AUTOCONFIG}.{domain}", CONFIG_PATH, config),
        (domain, f".well-known/autoconfig/{CONFIG_PATH}", config),
        (f"{PACC}.{domain}", PACC_PATH, user_agent_configuration(domain, site)),
    )
