"""Apple's configuration profile (.mobileconfig), by which iOS and macOS set up a mail account.

It has no password: the device asks for it.  Signed with a certificate that the device trusts it is shown as verified.
"""

from __future__ import annotations

import plistlib
import uuid
from typing import Final
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs7

from mailkeep.model.errors import NotFound, Unsupported
from mailkeep.service.wellknown import MailService, Security, Site

CONTENT_TYPE: Final = "application/x-apple-aspen-config"
PROFILE_PATH: Final = "mail.mobileconfig"
# Of all profiles: with the address it gives UUIDs that stay, so that installing once more is an update.
_SPACE: Final = uuid.UUID("5d8dbd06-6f57-4c5b-9d0f-1a8b8a5c3a8e")
_ACCOUNT_TYPES: Final = {"imap": "EmailTypeIMAP", "pop3": "EmailTypePOP"}


def build_profile(address: str, site: Site, name: str = "") -> bytes:
    """The profile as a property list, not signed.  `address` in its normal form; `name`: the person's, if known.

    Raises: NotFound (the server has no service with TLS from the first octet, and a profile can say nothing else).
    """
    domain = address.rpartition("@")[2]
    provider = site.name_of(domain)
    prefix = ".".join(reversed(site.hostname.split("."))) + ".mail"
    own = uuid.uuid5(_SPACE, f"profile {site.hostname} {address}")
    profile = {
        "PayloadType": "Configuration",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"{prefix}.{own}",
        "PayloadUUID": str(own).upper(),
        "PayloadDisplayName": f"Mail of {address}",
        "PayloadDescription": f"Sets up {address}.",
        "PayloadOrganization": provider,
        "PayloadRemovalDisallowed": False,
        "PayloadContent": [_mail(address, site, name, provider, prefix)],
    }
    return plistlib.dumps(profile, sort_keys=False)


def profile_url(address: str, site: Site) -> str:
    """Where our web server has the profile of an address; "" where it has none."""
    whole = _find(site, "smtp") and (_find(site, "imap") or _find(site, "pop3"))
    return f"{site.url}/{PROFILE_PATH}?email={quote(address, safe='@')}" if site.url and whole else ""


def page_url(address: str, site: Site) -> str:
    """Where our web server shows people how to set up this address; "" where there is none."""
    return f"{site.url}/?address={quote(address, safe='@')}" if site.url else ""


def _mail(address: str, site: Site, name: str, provider: str, prefix: str) -> dict[str, object]:
    incoming = _find(site, "imap") or _find(site, "pop3")
    outgoing = _find(site, "smtp")
    if incoming is None or outgoing is None:
        raise NotFound("There is no profile: devices need services with TLS from the first octet")
    own = uuid.uuid5(_SPACE, f"com.apple.mail.managed {site.hostname} {address}")
    payload: dict[str, object] = {
        "PayloadType": "com.apple.mail.managed",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"{prefix}.{own}",
        "PayloadUUID": str(own).upper(),
        "PayloadDisplayName": f"Mail of {address}",
        "EmailAccountType": _ACCOUNT_TYPES[incoming.protocol],
        "EmailAccountDescription": provider,
        "EmailAddress": address,
    }
    if name:
        payload["EmailAccountName"] = name
    for prefix_, service in (("Incoming", incoming), ("Outgoing", outgoing)):
        payload[f"{prefix_}MailServerHostName"] = service.host
        payload[f"{prefix_}MailServerPortNumber"] = service.port
        payload[f"{prefix_}MailServerUseSSL"] = True
        payload[f"{prefix_}MailServerUsername"] = address
        payload[f"{prefix_}MailServerAuthentication"] = "EmailAuthPassword"
    payload["OutgoingPasswordSameAsIncomingPassword"] = True
    return payload


def _find(site: Site, protocol: str) -> MailService | None:
    return next((s for s in site.services if s.protocol == protocol and s.security is Security.TLS), None)


def sign_profile(profile: bytes, certificates: bytes, key: bytes) -> bytes:
    """The profile within a CMS SignedData in DER (RFC 5652 §5).

    `certificates`: PEM of the server's, then its chain; `key`: PEM, not encrypted.  It takes 1 ms.
    Raises: Unsupported (a kind of key that has no such signatures: neither RSA nor EC), ValueError (not PEM).
    """
    own, *chain = x509.load_pem_x509_certificates(certificates)
    # It is our own, and TLS has taken it: to prove that its numbers are prime takes a fifth of a second.
    private = load_pem_private_key(key, None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(private, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
        raise Unsupported("The certificate's key is neither RSA nor EC")
    builder = pkcs7.PKCS7SignatureBuilder().set_data(profile).add_signer(own, private, hashes.SHA256())
    for certificate in chain:
        builder = builder.add_certificate(certificate)
    return builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary])
