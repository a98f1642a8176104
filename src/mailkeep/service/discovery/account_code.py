"""An account as Thunderbird for Android and K-9 Mail read it from a QR code, which Thunderbird shows to export it.

There is no specification: it is as Thunderbird 153 writes it (QRExport.sys.mjs), without what may be left out: the
password, and the account's name where that is the address.
"""

from __future__ import annotations

import json
from typing import Final

from mailkeep.model.errors import NotFound
from mailkeep.service.wellknown import MailService, Security, Site

_VERSION: Final = 1
_ONLY_PART: Final = (1, 1)  # the first of one code
_PROTOCOLS: Final = {"imap": 0, "pop3": 1}
_SMTP: Final = 0
_SECURITY: Final = {Security.STARTTLS: 2, Security.TLS: 3}
_PASSWORD: Final = 1  # how the user logs in: a password, sent as it is


def has_account_code(address: str, site: Site) -> bool:
    """Whether there is such a code: the programs take no address that is not ASCII, and want mail in and out."""
    incoming, outgoing = _choose(site)
    return address.isascii() and incoming is not None and outgoing is not None


def account_code(address: str, site: Site) -> str:
    """The account in JSON; `address` in its normal form.  Raises: NotFound (where `has_account_code` says no)."""
    incoming, outgoing = _choose(site)
    if incoming is None or outgoing is None or not address.isascii():
        raise NotFound("There is no code of these settings")
    server = (_PROTOCOLS[incoming.protocol], *_login(incoming, address))
    sender = (_SMTP, *_login(outgoing, address))
    identity = (address, "")  # the person's name is not known here
    account = (server, ((sender, identity),))
    return json.dumps((_VERSION, _ONLY_PART, *account), separators=(",", ":"))


def _choose(site: Site) -> tuple[MailService | None, MailService | None]:
    incoming = next((service for service in site.services if service.protocol != "smtp"), None)
    return incoming, next((service for service in site.services if service.protocol == "smtp"), None)


def _login(service: MailService, address: str) -> tuple[str, int, int, int, str]:
    return service.host, service.port, _SECURITY[service.security], _PASSWORD, address
