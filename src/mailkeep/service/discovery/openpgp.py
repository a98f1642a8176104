"""Where a Web Key Directory has the key of an address.  draft-koch-openpgp-webkey-service §3.1."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from mailkeep.formats.openpgp import directory_hash
from mailkeep.model.address import Address
from mailkeep.service.wellknown import OPENPGP

CONTENT_TYPE: Final = "application/octet-stream"
ROOT: Final = ".well-known/openpgpkey"
POLICY: Final = b"# No policy: keys are published by the administrator.\n"
"""The file that has to be there for a directory to be one."""


def key_url(address: Address) -> str:
    """By the advanced method, in which the directory of a domain has a host of its own."""
    host = f"{OPENPGP}.{address.domain}"
    return (
        f"https://{host}/{ROOT}/{address.domain}/hu/{directory_hash(address.local)}?l={quote(address.local, safe='')}"
    )
