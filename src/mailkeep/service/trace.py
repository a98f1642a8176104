"""Trace lines: where a message came from, and how (RFC 5321 §4.4)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a message came from, for its Received line (RFC 5321 §4.4).

    `helo` is what the client called itself, `peer` its IP address ("" on a unix socket), `protocol` a word of the
    registry of RFC 3848: ``LMTP``, ``UTF8LMTP``, ``ESMTPS``.  `peer_name` is what DNS calls the address, both ways, or
    "".
    """

    helo: str
    peer: str
    protocol: str
    peer_name: str = ""


def received(hostname: str, origin: Origin | None, recipient: str | None, now: float) -> bytes:
    """The Received line of this server; without `origin` the message came from a program on this machine.

    `recipient` is named where there is only one: nobody is to learn of the others (RFC 5321 §7.2).
    """
    came = f"from {origin.helo}{_tcp_info(origin)}\r\n\tby" if origin is not None else "by"
    how = origin.protocol if origin is not None else "local"
    to = f"\r\n\tfor <{recipient}>" if recipient is not None else ""
    return (
        f"Received: {came} {hostname} (mailkeep)\r\n\twith {how} id {secrets.token_hex(8)}{to}; {date(now)}\r\n"
    ).encode()


def date(now: float) -> str:
    """A time as header fields have it (RFC 5322 §3.3)."""
    return format_datetime(datetime.fromtimestamp(int(now), UTC))


def _tcp_info(origin: Origin) -> str:
    """`TCP-info` of RFC 5321 §4.4: the name that DNS gives the client, if any, and its address."""
    if not origin.peer:
        return ""
    address = f"[IPv6:{origin.peer}]" if ":" in origin.peer else f"[{origin.peer}]"
    return f" ({origin.peer_name} {address})" if origin.peer_name else f" ({address})"
