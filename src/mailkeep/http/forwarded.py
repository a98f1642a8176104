"""What a reverse proxy says of the request that it passes on: whose it is, and how it came.

Believed only of the proxies that the configuration names.  `X-Forwarded-*` are what nginx, Apache, Caddy, Traefik and
HAProxy write or can be told to; `Forwarded` (RFC 7239) says the same and is taken where those are missing.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Final

from starlette.types import Scope

from mailkeep.net.limits import Network, is_among

MAX_HOPS: Final = 32

_PAIR: Final = re.compile(r'\s*([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^",;\s]*))\s*(?:;|$)')
_SCHEMES: Final = frozenset({"http", "https"})


def unproxied(scope: Scope, proxies: Sequence[Network]) -> Scope:
    """`scope` as the client would have sent it, where one of `proxies` has passed it on; else as it is."""
    if not is_among(scope["client"][0], proxies):
        return scope
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    hops = _x_forwarded(headers) or _forwarded(headers)
    scope = {**scope}
    peer = scope["client"][0]
    for hop in reversed(hops[-MAX_HOPS:]):  # the last is what our own proxy has seen; those before, what it was told
        if not is_among(peer, proxies):
            break
        peer = hop.get("for", "")
        scope["scheme"] = hop.get("proto", scope["scheme"])
        if host := hop.get("host"):
            others = [field for field in headers if field[0] != b"host"]
            scope["headers"] = [*others, (b"host", host.encode("latin-1"))]
        if not peer:
            break
    scope["client"] = (peer or scope["client"][0], 0)
    return scope


def _values(headers: list[tuple[bytes, bytes]], name: bytes) -> list[str]:
    """The elements of a list header, in order.  RFC 9110 §5.6.1."""
    whole = ",".join(value.decode("latin-1") for each, value in headers if each == name)
    return [element.strip() for element in whole.split(",") if element.strip()]


def _x_forwarded(headers: list[tuple[bytes, bytes]]) -> list[dict[str, str]]:
    addresses = _values(headers, b"x-forwarded-for")
    schemes = _values(headers, b"x-forwarded-proto")
    hosts = _values(headers, b"x-forwarded-host")
    hops = [_hop("", address, "") for address in addresses] or ([{}] if schemes or hosts else [])
    if hops:  # these are replaced, rather than added to, by most proxies: the last one is what counts
        hops[-1] |= _hop(schemes[-1] if schemes else "", "", hosts[-1] if hosts else "")
    return hops


def _forwarded(headers: list[tuple[bytes, bytes]]) -> list[dict[str, str]]:
    hops = []
    for element in _values(headers, b"forwarded"):
        pairs = {name.lower(): quoted or plain for name, quoted, plain in _PAIR.findall(element)}
        hops.append(_hop(pairs.get("proto", ""), pairs.get("for", ""), pairs.get("host", "")))
    return hops


def _hop(scheme: str, address: str, host: str) -> dict[str, str]:
    hop = {}
    if scheme.lower() in _SCHEMES:
        hop["proto"] = scheme.lower()
    if found := _address(address):
        hop["for"] = found
    if host and len(host) <= 300 and host.isascii() and host.isprintable():
        hop["host"] = host
    return hop


def _address(text: str) -> str:
    """An address, perhaps in brackets and with a port; "" for anything else (RFC 7239 §6 has names that hide)."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)
