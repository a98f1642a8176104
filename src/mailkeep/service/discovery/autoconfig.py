"""Mozilla's autoconfig: settings as Thunderbird, K-9, Evolution, KMail and others fetch them.

draft-ietf-mailmaint-autoconfig.  Version 1.1 knows the same elements that we use, except `issuer` in `oAuth2`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from mailkeep.service.wellknown import MailService, OAuth, Security, Site

CONTENT_TYPE: Final = "text/xml; charset=utf-8"
_SOCKET_TYPES: Final = {Security.TLS: "SSL", Security.STARTTLS: "STARTTLS"}


def client_config(domain: str, site: Site, version: str = "1.2") -> bytes:
    """The file at ``autoconfig.DOMAIN/mail/config-v1.1.xml``, with one server of each protocol, the best.

    Thunderbird would take the first of several, Evolution (3.46, 2022) the last.  Programs of version 1.1 take files of
    1.2, too.
    """
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<clientConfig version={quoteattr(version)}>",
        f"  <emailProvider id={quoteattr(domain)}>",
        f"    <domain>{escape(domain)}</domain>",
        f"    <displayName>{escape(site.name_of(domain))}</displayName>",
        f"    <displayShortName>{escape(site.short_name_of(domain))}</displayShortName>",
        *(line for service in site.best_services for line in _server(service, site.oauth)),
        *_documentation(site),
        "  </emailProvider>",
        *_oauth(site.oauth, version),
        "</clientConfig>",
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def _server(service: MailService, oauth: OAuth | None) -> Iterator[str]:
    element = "outgoingServer" if service.protocol == "smtp" else "incomingServer"
    yield f'    <{element} type="{service.protocol}">'
    yield f"      <hostname>{escape(service.host)}</hostname>"
    yield f"      <port>{service.port}</port>"
    yield f"      <socketType>{_SOCKET_TYPES[service.security]}</socketType>"
    # Not password-encrypted, though there is SCRAM: Thunderbird reads that as CRAM-MD5.
    yield "      <authentication>password-cleartext</authentication>"
    if oauth is not None and oauth.client_id:
        yield "      <authentication>OAuth2</authentication>"
    yield "      <username>%EMAILADDRESS%</username>"
    yield f"    </{element}>"


def _documentation(site: Site) -> Iterator[str]:
    if site.url:
        yield f"    <documentation url={quoteattr(site.url + '/')}>"
        yield '      <descr lang="en">Set up your mail program</descr>'
        yield "    </documentation>"


def _oauth(oauth: OAuth | None, version: str) -> Iterator[str]:
    if oauth is None or not oauth.client_id:
        return
    yield "  <oAuth2>"
    yield f"    <authURL>{escape(oauth.authorize_url)}</authURL>"
    yield f"    <tokenURL>{escape(oauth.token_url)}</tokenURL>"
    if version != "1.1":
        yield f"    <issuer>{escape(oauth.issuer)}</issuer>"
    yield f"    <scope>{escape(' '.join(oauth.scopes))}</scope>"
    yield f"    <clientID>{escape(oauth.client_id)}</clientID>"
    yield "  </oAuth2>"
