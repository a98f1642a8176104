"""The configuration: TOML → frozen values.  Each option stands here once, with type, unit, default and meaning.

- A `Config` made in code and one read from a file are the same value.
- What a file says is checked completely before anything starts; an error names file, line, key and what is allowed.
- Relative paths in a file are relative to that file.
- docs/reference/configuration.md is generated from this module.
"""

from __future__ import annotations

import dataclasses
import difflib
import ipaddress
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final, NoReturn, Protocol
from urllib.parse import urlsplit

from mailkeep.formats.ldap import LdapError, check_name, parse_filter
from mailkeep.imap.capabilities import SWITCHES
from mailkeep.imap.filters import find_problem
from mailkeep.model.address import parse_address
from mailkeep.model.errors import Invalid
from mailkeep.net.limits import is_loopback
from mailkeep.service.ldap import WORDS as LDAP_WORDS
from mailkeep.service.wellknown import MAX_NAME

CONFIG_NAME: Final = "mailkeep.toml"
MAX_WORKERS: Final = 64
MAX_SHARDS: Final = 256
PROXIED: Final = (
    "smtp",
    "submissions",
    "submission",
    "imap",
    "imaps",
    "pop3",
    "pop3s",
)  # listeners that proxies may stand in front of


class ConfigError(Exception):
    """The configuration cannot be used; the text says where, why, and what is allowed."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a TCP listener binds.  Host ``*`` is every interface; port 0 is any free port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


# ---- kinds of values ---------------------------------------------------------------------------------------------


class Kind(Protocol):
    """How a TOML value becomes an option's value; `allowed` is told to whoever wrote another one."""

    @property
    def allowed(self) -> str: ...  # noqa: D102 - said above

    def read(self, raw: object) -> object:
        """Raises: ValueError when `raw` is not allowed; its text, if it has one, says what of it."""
        ...


@dataclass(frozen=True, slots=True)
class _Count:
    low: int
    high: int

    @property
    def allowed(self) -> str:
        return f"a whole number from {self.low} to {self.high}"

    def read(self, raw: object) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int) or not self.low <= raw <= self.high:
            raise ValueError
        return raw


@dataclass(frozen=True, slots=True)
class _Workers:
    @property
    def allowed(self) -> str:
        return f'a whole number from 1 to {MAX_WORKERS}, or "auto" for one per processor'

    def read(self, raw: object) -> int:
        if raw == "auto":
            return min(MAX_WORKERS, len(os.sched_getaffinity(0)))
        return _Count(1, MAX_WORKERS).read(raw)


_UNITS: Final = {
    "": 1,
    "B": 1,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "KIB": 1 << 10,
    "MIB": 1 << 20,
    "GIB": 1 << 30,
}
_SIZE: Final = re.compile(r"\s*(\d{1,15})\s*([KMG]I?B|B|)\s*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Size:
    low: int
    high: int

    @property
    def allowed(self) -> str:
        return f'octets as a number, or text like "50 MiB"; from {show_size(self.low)} to {show_size(self.high)}'

    def read(self, raw: object) -> int:
        if isinstance(raw, bool) or not isinstance(raw, (int, str)):
            raise ValueError
        if not self.low <= (size := read_size(str(raw))) <= self.high:
            raise ValueError
        return size


_SPAN: Final = re.compile(r"(\d{1,6}) ?([smhd])\Z")
_SPAN_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class _Span:
    """Of time; its value is seconds."""

    low: int
    high: int

    @property
    def allowed(self) -> str:
        return f'a time like "30s", "5m", "4h" or "5d"; from {show_span(self.low)} to {show_span(self.high)}'

    def read(self, raw: object) -> int:
        match = _SPAN.match(raw) if isinstance(raw, str) else None
        if match is None or not self.low <= (seconds := int(match[1]) * _SPAN_UNITS[match[2]]) <= self.high:
            raise ValueError
        return seconds


@dataclass(frozen=True, slots=True)
class _Spans:
    low: int
    high: int

    @property
    def allowed(self) -> str:
        return f'a list of times like ["5m", "1h"]; each from {show_span(self.low)} to {show_span(self.high)}'

    def read(self, raw: object) -> tuple[int, ...]:
        if not isinstance(raw, list) or not 1 <= len(raw) <= 100:
            raise ValueError
        return tuple(_Span(self.low, self.high).read(span) for span in raw)


@dataclass(frozen=True, slots=True)
class _Choice:
    words: tuple[str, ...]

    @property
    def allowed(self) -> str:
        return "one of " + ", ".join(f'"{word}"' for word in self.words)

    def read(self, raw: object) -> str:
        if raw not in self.words:
            raise ValueError
        return str(raw)


@dataclass(frozen=True, slots=True)
class _Switch:
    allowed: ClassVar[str] = "true or false"

    def read(self, raw: object) -> bool:
        if not isinstance(raw, bool):
            raise ValueError
        return raw


@dataclass(frozen=True, slots=True)
class _Listener:
    allowed: ClassVar[str] = '"host:port", "[IPv6 address]:port", "*:port" for every interface, or "" for none'
    pattern: ClassVar[re.Pattern[str]] = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:\[\]]+)):(\d{1,5})\Z")

    def read(self, raw: object) -> Address | None:
        if raw == "":
            return None
        match = self.pattern.match(raw) if isinstance(raw, str) else None
        if match is None or int(match[3]) > 65535:
            raise ValueError
        return Address(match[1] or match[2], int(match[3]))


@dataclass(frozen=True, slots=True)
class _File:
    optional: bool = True
    in_data: bool = False  # a relative path is meant in the data directory, not beside the file

    @property
    def allowed(self) -> str:
        return 'a path, or "" for none' if self.optional else "a path"

    def read(self, raw: object) -> Path | None:
        if not isinstance(raw, str) or "\0" in raw or (not raw and not self.optional):
            raise ValueError
        return Path(raw).expanduser() if raw else None


@dataclass(frozen=True, slots=True)
class _NameServers:
    allowed: ClassVar[str] = 'a list of IP addresses, perhaps with a port, like ["127.0.0.1", "[2001:db8::1]:5353"]'
    pattern: ClassVar[re.Pattern[str]] = re.compile(r"(?:\[([^\[\]]+)\]|([0-9.]+))(?::(\d{1,5}))?\Z")

    def read(self, raw: object) -> tuple[Address, ...]:
        if not isinstance(raw, list) or not all(isinstance(text, str) for text in raw):
            raise ValueError
        return tuple(map(self._read, raw))

    def _read(self, text: str) -> Address:
        match = self.pattern.match(text)
        host, port = (match[1] or match[2], int(match[3] or 53)) if match else (text, 53)
        try:
            address = Address(str(ipaddress.ip_address(host)), port)
        except ValueError as error:
            raise ValueError(f'"{text}" is no IP address') from error
        if not 0 < port < 65536:
            raise ValueError
        return address


_HOST_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*\Z"
)


@dataclass(frozen=True, slots=True)
class _HostName:
    allowed: ClassVar[str] = "a host name in ASCII (a domain's A-label form)"

    def read(self, raw: object) -> str:
        if not isinstance(raw, str) or not _HOST_NAME.match(raw):
            raise ValueError
        return raw.lower()


@dataclass(frozen=True, slots=True)
class _Host:
    allowed: ClassVar[str] = 'a host name in ASCII, an IP address, or "" for none'

    def read(self, raw: object) -> str:
        if raw == "":
            return ""
        try:
            return str(ipaddress.ip_address(str(raw)))
        except ValueError:
            return _HostName().read(raw)


@dataclass(frozen=True, slots=True)
class _HostNames:
    allowed: ClassVar[str] = "a list of host names in ASCII"

    def read(self, raw: object) -> tuple[str, ...]:
        if not isinstance(raw, list):
            raise ValueError
        return tuple(_HostName().read(name) for name in raw)


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class _Networks:
    allowed: ClassVar[str] = 'a list of networks or addresses, like ["192.0.2.0/24", "2001:db8::1"]'

    def read(self, raw: object) -> tuple[Network, ...]:
        if not isinstance(raw, list) or not all(isinstance(text, str) for text in raw):
            raise ValueError
        try:
            return tuple(map(ipaddress.ip_network, raw))
        except ValueError as error:
            raise ValueError(str(error)) from error


@dataclass(frozen=True, slots=True)
class _Expire:
    allowed: ClassVar[str] = '"never", a number of days as text like "30", or ""'

    def read(self, raw: object) -> str:
        if not isinstance(raw, str) or not re.fullmatch(r"never|[0-9]{1,5}|", raw):
            raise ValueError
        return raw


@dataclass(frozen=True, slots=True)
class _Choices:
    words: tuple[str, ...]

    @property
    def allowed(self) -> str:
        return "a list of any of " + ", ".join(f'"{word}"' for word in self.words)

    def read(self, raw: object) -> tuple[str, ...]:
        if not isinstance(raw, list) or not all(word in self.words for word in raw):
            raise ValueError
        return tuple(dict.fromkeys(raw))


@dataclass(frozen=True, slots=True)
class _Addresses:
    allowed: ClassVar[str] = "a list of mail addresses"

    def read(self, raw: object) -> tuple[str, ...]:
        if not isinstance(raw, list) or not all(isinstance(address, str) for address in raw):
            raise ValueError
        try:
            return tuple(str(parse_address(address)) for address in raw)
        except Invalid as error:
            raise ValueError(error.text) from error


@dataclass(frozen=True, slots=True)
class _Capabilities:
    allowed: ClassVar[str] = 'a list of names as CAPABILITY tells them, like ["IDLE", "BINARY"]'

    def read(self, raw: object) -> tuple[str, ...]:
        if not isinstance(raw, list) or not all(isinstance(name, str) for name in raw):
            raise ValueError
        for name in raw:
            if name.upper() not in SWITCHES:
                close = difflib.get_close_matches(name.upper(), SWITCHES, n=1)
                hint = f" (did you mean {SWITCHES[close[0]]}?)" if close else ""
                raise ValueError(f'"{name}" is no capability that can be switched off{hint}')
        return tuple(dict.fromkeys(SWITCHES[name.upper()] for name in raw))


_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]{1,1000}\Z")


@dataclass(frozen=True, slots=True)
class _Uri:
    allowed: ClassVar[str] = 'a URI like "mailto:postmaster@example.org", or "" for none'

    def read(self, raw: object) -> str:
        if not isinstance(raw, str) or (raw and not _URI.match(raw)):
            raise ValueError
        return raw


@dataclass(frozen=True, slots=True)
class _WebAddress:
    secure: bool = False  # HTTPS alone, and never none
    pattern: ClassVar[re.Pattern[str]] = re.compile(r"https?://[!-~]{1,1000}\Z")

    @property
    def allowed(self) -> str:
        return 'an address that begins with "https://"' if self.secure else _LOCAL_WEB

    def read(self, raw: object) -> str:
        if not isinstance(raw, str) or (raw and not self.pattern.match(raw)):
            raise ValueError
        if self.secure and not raw.startswith("https://"):
            raise ValueError
        return raw


_LOCAL_WEB: Final = 'an address like "http://127.0.0.1:11333", or "" for none'


@dataclass(frozen=True, slots=True)
class _PublicUrl:
    allowed: ClassVar[str] = 'an address like "https://mail.example.org", or "" for none'
    pattern: ClassVar[re.Pattern[str]] = re.compile(
        r"https://[A-Za-z0-9._-]{1,253}(?::[0-9]{1,5})?(?:/[!-~]{0,200})?\Z"
    )

    def read(self, raw: object) -> str:
        if not isinstance(raw, str) or (raw and not self.pattern.match(raw)):
            raise ValueError
        return raw.rstrip("/")


@dataclass(frozen=True, slots=True)
class _DomainNames:
    allowed: ClassVar[str] = 'a list of domains with a name for each, like ["example.org Example Mail"]'

    def read(self, raw: object) -> tuple[str, ...]:
        if not isinstance(raw, list) or not all(isinstance(text, str) for text in raw):
            raise ValueError
        for text in raw:
            domain, _, name = text.partition(" ")
            if not _HOST_NAME.match(domain) or not name.strip() or not name.isprintable() or len(name) > MAX_NAME:
                raise ValueError(f'"{text}" is no domain with a name of at most {MAX_NAME} characters')
        return tuple(raw)


@dataclass(frozen=True, slots=True)
class _Milters:
    allowed: ClassVar[str] = 'a list like ["127.0.0.1:8891", "unix:/run/opendkim/opendkim.sock"]'

    def read(self, raw: object) -> tuple[str, ...]:
        if not isinstance(raw, list) or not all(isinstance(text, str) for text in raw):
            raise ValueError
        for text in raw:
            if read_place(text) is None:
                raise ValueError(f'"{text}" is no place of a milter')
        return tuple(raw)


@dataclass(frozen=True, slots=True)
class _Text:
    allowed: ClassVar[str] = "text of at most 1000 characters"

    def read(self, raw: object) -> str:
        if not isinstance(raw, str) or len(raw) > 1000 or "\0" in raw:
            raise ValueError
        return raw


@dataclass(frozen=True, slots=True)
class _Texts:
    allowed: ClassVar[str] = "a list of words without spaces"

    def read(self, raw: object) -> tuple[str, ...]:
        if not isinstance(raw, list) or len(raw) > 100:
            raise ValueError
        if not all(isinstance(text, str) and 0 < len(text) <= 1000 and not re.search(r"\s|\0", text) for text in raw):
            raise ValueError
        return tuple(raw)


@dataclass(frozen=True, slots=True)
class _LdapServers:
    allowed: ClassVar[str] = 'a list of addresses like ["ldaps://ldap.example.org", "ldap://127.0.0.1:10389"]'
    pattern: ClassVar[re.Pattern[str]] = re.compile(r"ldaps?://(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::\d{1,5})?/?\Z")

    def read(self, raw: object) -> tuple[str, ...]:
        if not isinstance(raw, list) or not all(isinstance(text, str) and self.pattern.match(text) for text in raw):
            raise ValueError
        return tuple(raw)


@dataclass(frozen=True, slots=True)
class _LdapFilter:
    allowed: ClassVar[str] = 'a filter as LDAP has it (RFC 4515), like "(&(objectClass=person)(mail={user}))"'

    def read(self, raw: object) -> str:
        if not isinstance(raw, str):
            raise ValueError
        try:
            parse_filter(raw, LDAP_WORDS)
        except LdapError as error:
            raise ValueError(f'"{raw}" is no filter: {error}') from error
        return raw


@dataclass(frozen=True, slots=True)
class _LdapName:
    allowed: ClassVar[str] = 'a name like "uid={name},ou=people,dc=example,dc=org", or "" for none'

    def read(self, raw: object) -> str:
        if not isinstance(raw, str) or len(raw) > 1000 or "\0" in raw:
            raise ValueError
        try:
            check_name(raw, LDAP_WORDS)
        except LdapError as error:
            raise ValueError(f'"{raw}" is no name: {error}') from error
        return raw


@dataclass(frozen=True, slots=True)
class _Filters:
    allowed: ClassVar[str] = 'a list of names with search criteria, like ["unread-big UNSEEN LARGER 100000"]'

    def read(self, raw: object) -> tuple[str, ...]:
        if not isinstance(raw, list) or not all(isinstance(text, str) for text in raw):
            raise ValueError
        names: set[str] = set()
        for text in raw:
            name, _, criteria = text.partition(" ")
            if problem := find_problem(name, criteria.encode()):
                raise ValueError(f'"{text}" is no filter: {problem}')
            if name.lower() in names:
                raise ValueError(f'there are two filters "{name}"')
            names.add(name.lower())
        return tuple(raw)


def read_workers(text: str) -> int:
    """A number of workers as the command line says it.  Raises: ValueError."""
    return _Workers().read(int(text) if text.isdecimal() else text)


def read_address(text: str) -> Address | None:
    """Where a listener binds, as the command line says it.  Raises: ValueError."""
    return _Listener().read(text)


def read_place(text: str) -> Address | Path | None:
    """Where a program listens: ``host:port``, or ``unix:`` and an absolute path; None for "".  Raises: ValueError."""
    kind, _, path = text.partition(":")
    if kind == "unix" and path.startswith("/") and "\0" not in path:
        return Path(path)
    return _Listener().read(text) if text else None


def read_size(text: str) -> int:
    """Octets of a number, or of text like ``50 MiB``.  Raises: ValueError."""
    match = _SIZE.match(text)
    if match is None:
        raise ValueError
    return int(match[1]) * _UNITS[match[2].upper()]


def show_size(octets: int) -> str:
    """`octets` as a configuration file writes it: ``50 MiB``, or the bare number when no unit divides it."""
    for unit, factor in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if octets and octets % factor == 0:
            return f"{octets // factor} {unit}"
    return str(octets)


def show_span(seconds: int) -> str:
    """Seconds as a configuration file writes them: in the largest unit that divides them."""
    unit = next(unit for unit in "dhms" if seconds % _SPAN_UNITS[unit] == 0) if seconds else "s"
    return f"{seconds // _SPAN_UNITS[unit]}{unit}"


def _option(kind: Kind, means: str, *, default: object) -> Any:  # Any: a dataclass field stands for its value's type
    return field(default=default, metadata={"kind": kind, "means": means})


# ---- the options -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """Where clients reach the server.  A port below 1024 needs the right to bind it."""

    imap: Address | None = _option(
        _Listener(), "IMAP with STARTTLS; the standard port is 143.", default=Address("127.0.0.1", 10143)
    )
    imaps: Address | None = _option(
        _Listener(),
        "IMAP over TLS from the first octet; the standard port is 993.",
        default=Address("127.0.0.1", 10993),
    )
    pop3: Address | None = _option(
        _Listener(), "POP3 with STLS; the standard port is 110.", default=Address("127.0.0.1", 10110)
    )
    pop3s: Address | None = _option(
        _Listener(),
        "POP3 over TLS from the first octet; the standard port is 995.",
        default=Address("127.0.0.1", 10995),
    )
    lmtp: Address | None = _option(
        _Listener(),
        "LMTP: mail handed in by a mail transfer agent.  It knows no login: bind it to loopback only.",
        default=Address("127.0.0.1", 10024),
    )
    lmtp_socket: Path | None = _option(
        _File(in_data=True),
        "LMTP on a unix socket (mode 0600), relative to the data directory.",
        default=Path("lmtp.sock"),
    )
    smtp: Address | None = _option(
        _Listener(),
        "SMTP from other mail servers, for accounts of this one; the standard port is 25.",
        default=Address("127.0.0.1", 10025),
    )
    submission: Address | None = _option(
        _Listener(),
        "SMTP for users who send, with STARTTLS before they log in; the standard port is 587.",
        default=Address("127.0.0.1", 10587),
    )
    submissions: Address | None = _option(
        _Listener(),
        "The same over TLS from the first octet; the standard port is 465.",
        default=Address("127.0.0.1", 10465),
    )
    http: Address | None = _option(
        _Listener(),
        "HTTP: the settings that mail programs fetch, and what certificate authorities ask for.  The standard port is"
        " 80; a reverse proxy may pass on to it.",
        default=Address("127.0.0.1", 10080),
    )
    https: Address | None = _option(
        _Listener(),
        "The same over TLS; the standard port is 443.",
        default=Address("127.0.0.1", 10443),
    )
    proxies: tuple[Network, ...] = _option(
        _Networks(),
        "Proxies in front of the server, such as HAProxy.  A connection from there must begin with a header of the"
        " PROXY protocol, version 1 or 2, and counts as that of the client which the header names; see `proxied`.",
        default=(),
    )
    proxied: tuple[str, ...] = _option(
        _Choices((*PROXIED, "http", "https")),
        "The listeners at which proxies speak the PROXY protocol; at others they are clients like any other.  Where"
        " `http` and `https` are not named, they are reverse proxies: whose requests they pass on they tell by"
        " X-Forwarded-For, -Proto and -Host, or by Forwarded.",
        default=PROXIED,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """The certificate.  With neither file given, a self-signed one is made in the data directory."""

    certificate: Path | None = _option(
        _File(), "PEM file of the certificate, followed by its chain.  Read again on SIGHUP.", default=None
    )
    key: Path | None = _option(_File(), "PEM file of the certificate's private key.", default=None)
    names: tuple[str, ...] = _option(
        _HostNames(),
        "Further names for a self-signed certificate, or one of `tls.acme`, beside the host name and those that clients"
        " of the accounts' domains look for.",
        default=(),
    )
    acme: bool = _option(
        _Switch(),
        "Whether certificates are asked for, and renewed, at the authority of `[acme]`: one for the host name, and one"
        " for each domain.  Until there is one, the self-signed one is shown.",
        default=False,
    )
    client_authorities: Path | None = _option(
        _File(),
        "PEM file of authorities whose certificates clients may log in with (EXTERNAL): the address in one names the"
        " account.  None: clients are not asked for any.  Read again on SIGHUP; an authority that was taken out counts"
        " until a restart.",
        default=None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Acme:
    """Where certificates come from if `tls.acme` is on (RFC 8555).  The authority must reach port 80 or 443."""

    directory: str = _option(
        _WebAddress(secure=True),
        "The address of the authority's directory; the default is Let's Encrypt.",
        default="https://acme-v02.api.letsencrypt.org/directory",
    )
    terms_agreed: bool = _option(
        _Switch(), "You have read the authority's terms of service, and agree.  Nothing is asked before.", default=False
    )
    contact: tuple[str, ...] = _option(
        _Addresses(), "Where the authority may write to, for example when a certificate runs out.", default=()
    )
    challenges: tuple[str, ...] = _option(
        _Choices(("http-01", "tls-alpn-01")),
        "How names are proven to be ours, in this order: by `listen.http`, which the authority looks for at port 80, or"
        " by `listen.https`, at port 443; what does not listen is left out.",
        default=("http-01", "tls-alpn-01"),
    )
    authorities: Path | None = _option(
        _File(),
        "PEM file of those who may have signed the authority's own web server; none: those that the system trusts.",
        default=None,
    )
    key_id: str = _option(
        _Text(), "The name of an account that you have at the authority, where it wants one; none: without.", default=""
    )
    hmac_key_file: Path | None = _option(
        _File(),
        "The file whose first line is the key that goes with `acme.key_id`, in base64url; it should have mode 0600.",
        default=None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one client may ask for."""

    message_size: int = _option(_Size(1 << 10, 4 << 30), "The largest message taken in, in octets.", default=50 << 20)
    line_length: int = _option(
        _Size(8 << 10, 16 << 20),
        "The longest command line of IMAP without its literals, in octets.",
        default=512 << 10,
    )
    recipients: int = _option(_Count(100, 100_000), "Recipients of one message, over SMTP and LMTP.", default=1000)
    connections_per_account: int = _option(
        _Count(1, 1_000_000), "IMAP and POP3 connections logged in to one account.", default=200
    )
    connections_per_address: int = _option(
        _Count(1, 1_000_000), "Connections from one network address; loopback is exempt.", default=500
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Imap:
    """How IMAP behaves."""

    literal: str = _option(
        _Choice(("plus", "minus")),
        "Which non-synchronizing literals are offered (RFC 7888): LITERAL+ of any size,"
        " or LITERAL- of up to 4096 octets.",
        default="plus",
    )
    uidonly: bool = _option(
        _Switch(),
        "Whether UIDONLY is offered.  Clients are known that enable it and then go on with message numbers.",
        default=False,
    )
    message_limit: int = _option(
        _Count(0, 4294967295),
        "MESSAGELIMIT: how many messages one command deals with, the newest; 0 is no limit.  Below 1000 no client"
        " expects it, and clients that do not know the limit see a part of large mailboxes only.",
        default=0,
    )
    save_limit: int = _option(
        _Count(0, 4294967295), "SAVELIMIT: the same for COPY and APPEND alone; 0 is no limit.", default=0
    )
    # FairEmail gives up push where signs of life come every 3 minutes or faster; NAT boxes forget what is quiet.
    keep_alive: int = _option(
        _Count(60, 1740),
        "Seconds between signs of life from the server to a client that idles.",
        default=280,
    )
    disable: tuple[str, ...] = _option(
        _Capabilities(),
        "Capabilities that are not offered; their commands and arguments are refused as unknown."
        "  IMAP4rev2 is not offered without what it includes; LITERAL+ stands for LITERAL- too.",
        default=(),
    )
    submitters: tuple[str, ...] = _option(
        _Addresses(),
        "Accounts of submission servers: they may read what users have authorized them to send (URLAUTH, submit+).",
        default=(),
    )
    xlist: bool = _option(
        _Switch(),
        "Whether the capability XLIST is told, by which Outlook 2013 and 2016 find Sent, Drafts and Trash.  The command"
        " works always.",
        default=False,
    )
    admin: str = _option(
        _Uri(),
        "How users reach the administrator, as a URI: what clients find as /shared/admin of the server (RFC 5464).",
        default="",
    )
    comment: str = _option(
        _Text(), "A note to users: what clients find as /shared/comment of the server (RFC 5464).", default=""
    )
    filters: tuple[str, ...] = _option(
        _Filters(),
        "Searches that everybody may name (RFC 5466): the name, a space, the criteria as SEARCH takes them."
        " Of two of one name a user's own counts.",
        default=(),
    )

    @property
    def server_entries(self) -> dict[str, bytes]:
        """The shared metadata of the server (RFC 5464 §3.2.1.1)."""
        entries = {"/shared/admin": self.admin, "/shared/comment": self.comment}
        for named in self.filters:
            name, _, criteria = named.partition(" ")
            entries["/shared/filters/values/" + name.lower()] = criteria
        return {entry: text.encode() for entry, text in entries.items() if text}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pop3:
    """What POP3 offers, and how often."""

    login_delay: int = _option(
        _Span(0, 86400),
        'How long after a login the next one to the same account is refused (RFC 2449, LOGIN-DELAY); "0s": not at all.',
        default=0,
    )
    exclusive: bool = _option(
        _Switch(),
        "Whether an account may have one POP3 session at a time; others are told that it is in use."
        "  Of IMAP there may be any number beside it.",
        default=False,
    )
    expire: str = _option(
        _Expire(),
        "How long messages may be left here, as clients are told (RFC 2449, EXPIRE).  mailkeep itself removes none: say"
        ' a number of days if something else does, 0 if nothing may be left, and "" to tell nothing.',
        default="never",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """Mail that users send."""

    hold: int = _option(
        _Count(0, 3650),
        "Days for which users may have a message held back before it leaves (FUTURERELEASE, RFC 4865); 0 offers no such"
        " thing.",
        default=365,
    )
    foreign_authors: bool = _option(
        _Switch(),
        "Whether From may name others than the account and its aliases; the account's address is then put into Sender.",
        default=False,
    )
    messages_per_hour: int = _option(
        _Count(0, 1 << 30), "Messages an account may send within an hour of the clock; 0 is no limit.", default=0
    )
    recipients_per_hour: int = _option(
        _Count(0, 1 << 30),
        "Recipients an account may send to within an hour of the clock, all messages together; 0 is no limit.",
        default=0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """Logging in."""

    throttle: bool = _option(
        _Switch(),
        "Whether failed logins make further tries from that address and for that account wait.",
        default=True,
    )
    scram: bool = _option(
        _Switch(),
        "Whether SCRAM-SHA-256 is offered, by which clients prove a password without sending it.  It needs a verifier"
        " of the password, which is kept of those that are set from now on, and with one process of those used;"
        " against a stolen one passwords can be tried much faster than against the hash that is kept anyway.",
        default=False,
    )
    channel_binding: bool = _option(
        _Switch(),
        "Whether SCRAM-SHA-256-PLUS is offered with it, which proves to both that nobody is in between, by"
        " tls-server-end-point.  There are clients, such as mutt 2.2, that choose it and then cannot do it: they no"
        " longer log in.",
        default=False,
    )
    hook: Path | None = _option(
        _File(),
        "A Python file with a function `on_login(login)` that says whose account a name and a password open.  It is"
        " asked where no password that is kept here fits, and runs in processes of its own.  Read again on SIGHUP.",
        default=None,
    )
    hook_timeout: int = _option(
        _Count(1, 60), "Seconds that it has; whoever waits longer is told to try again later.", default=10
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth:
    """Tokens of an OpenID provider, or of another OAuth 2.0 server, by which users log in (OAUTHBEARER, XOAUTH2)."""

    issuer: str = _option(
        _WebAddress(),
        "The provider, as tokens name it: exactly, with or without a last slash.  None: no tokens are taken.",
        default="",
    )
    audiences: tuple[str, ...] = _option(
        _Texts(),
        "For whom tokens must be (`aud`): one of these.  Without this a token for any other service of the provider"
        " would open mail too, so there must be one.",
        default=(),
    )
    scope: str = _option(
        _Text(),
        "The scope that a token must have; clients whose token lacks it are told.  None: any will do.",
        default="",
    )
    claim: str = _option(
        _Text(),
        "What of a token names the account, by its address.  Take one that users cannot set as they like.",
        default="email",
    )
    check: str = _option(
        _Choice(("signature", "introspection")),
        "How tokens are checked: they are JWT, signed with keys that the provider publishes; or of any form, and the"
        " provider is asked about each (RFC 7662).",
        default="signature",
    )
    url: str = _option(
        _WebAddress(),
        "Where the provider has its keys, or answers about tokens; none: where its description says.",
        default="",
    )
    client: str = _option(_Text(), "With `introspection`: the name of this server at the provider.", default="")
    client_secret_file: Path | None = _option(
        _File(), "The file whose first line is the secret that goes with it; it should have mode 0600.", default=None
    )
    authorities: Path | None = _option(
        _File(),
        "PEM file of the certificate authorities by which the provider proves its name; none: those that the system"
        " trusts.",
        default=None,
    )
    timeout: int = _option(
        _Count(1, 60),
        "Seconds that the provider has; clients that wait longer are told to try again later.",
        default=10,
    )
    scopes: tuple[str, ...] = _option(
        _Texts(),
        "What mail programs that set themselves up are told to ask the provider for.",
        default=("openid", "email", "offline_access"),
    )
    authorize_url: str = _option(
        _WebAddress(),
        "Where they send their user to; they are told of all this if there is a `public_client`.",
        default="",
    )
    token_url: str = _option(_WebAddress(), "Where they get tokens.", default="")
    public_client: str = _option(
        _Text(), "The name of a client without a secret, which all mail programs share at the provider.", default=""
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ldap:
    """A directory that checks passwords, by LDAP.  It is asked where no password that is kept here fits."""

    servers: tuple[str, ...] = _option(
        _LdapServers(), "Servers that know the same, tried in this order; none: no directory is asked.", default=()
    )
    starttls: bool = _option(
        _Switch(),
        "Whether TLS is begun on a connection to ldap://, which carries passwords in the clear otherwise.",
        default=True,
    )
    authorities: Path | None = _option(
        _File(),
        "PEM file of the certificate authorities by which the servers prove their names; none: those that the system"
        " trusts.",
        default=None,
    )
    base: str = _option(_Text(), "Below which entry users are looked for.", default="")
    scope: str = _option(
        _Choice(("subtree", "one")), "How far below: anywhere, or among its children alone.", default="subtree"
    )
    filter: str = _option(
        _LdapFilter(),
        "Which entry is a user's: exactly one must fit.  {user} is what he has typed, {name} what of it stands before"
        " the @, {domain} what stands behind.",
        default="(mail={user})",
    )
    reader: str = _option(_LdapName(), "The name by which the server may look; none: anybody may.", default="")
    password_file: Path | None = _option(
        _File(), "The file whose first line is the password that goes with it; it should have mode 0600.", default=None
    )
    name: str = _option(
        _LdapName(),
        "The name of a user's entry, with gaps as in `filter`: then nothing is looked for, and `base`, `filter` and"
        " `reader` do not count.",
        default="",
    )
    address: str = _option(
        _Text(), "The attribute with the address of a user's account; none: he logs in by that address.", default="mail"
    )
    timeout: int = _option(
        _Count(1, 60), "Seconds that a server has; whoever waits longer is told to try again later.", default=10
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """What a new account begins with."""

    quota: int = _option(
        _Size(0, 1 << 50),
        "Octets a new account may hold, unless said otherwise when it is made; 0 is no limit.",
        default=0,
    )
    quota_messages: int = _option(_Count(0, 1 << 40), "Messages a new account may hold; 0 is no limit.", default=0)
    quota_mailboxes: int = _option(
        _Count(0, 10_000), "Mailboxes a new account may have; 0 is no limit but that of the server.", default=0
    )
    owner_sets_quota: str = _option(
        _Choice(("lower", "freely")),
        "What the owner of an account may do to its quota by SETQUOTA (RFC 9208): lower it, or set it freely.",
        default="lower",
    )
    at_login: bool = _option(
        _Switch(),
        "Whether somebody whom the provider of tokens, the directory, `auth.hook` or a certificate vouches for gets an"
        " account when he first logs in, if it is in a domain of this server.",
        default=False,
    )

    @property
    def owner_may_raise(self) -> bool:
        """Whether the owner of an account may raise its quota."""
        return self.owner_sets_quota == "freely"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dns:
    """Whom the server asks about other domains."""

    nameservers: tuple[Address, ...] = _option(
        _NameServers(),
        "Recursive name servers, asked in this order; none: those of /etc/resolv.conf.  DANE needs one that validates"
        " (DNSSEC) on this machine, and checks of mail from strangers ask so much that one nearby is worth while.",
        default=(),
    )
    timeout: int = _option(
        _Count(1, 60), "Seconds after which a question without an answer is a passing fault.", default=10
    )

    @property
    def servers(self) -> tuple[tuple[str, int], ...]:
        """`nameservers` as pairs."""
        return tuple((address.host, address.port) for address in self.nameservers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Who may bring mail on port 25, and what becomes of it.  This machine itself is never turned away."""

    exempt: tuple[Network, ...] = _option(
        _Networks(),
        "Networks that are neither counted, nor looked up in block lists, nor greylisted, and whose mail is not"
        " checked: such as one's other servers.",
        default=(),
    )
    recipients_per_hour: int = _option(
        _Count(0, 1_000_000_000),
        "Recipients that one address may name in an hour, of IPv6 one /64; further ones get a temporary refusal."
        "  0 is no limit.",
        default=10_000,
    )
    block_lists: tuple[str, ...] = _option(
        _HostNames(),
        "Block lists in DNS (RFC 5782), such as zen.spamhaus.org, which may have terms of use.  Who is on one may write"
        " to postmaster and abuse only.",
        default=(),
    )
    greylist: int = _option(
        _Count(0, 3600),
        "Greylisting (RFC 6647): after so many seconds a network that is new to an account may try again; 0 is off.",
        default=0,
    )
    dmarc: str = _option(
        _Choice(("enforce", "tell", "off")),
        "Whether mail is from whom it says, by SPF, DKIM and DMARC: enforce what the policy of that domain asks for"
        " (refuse it, or put it into Junk), only tell in Authentication-Results, or do not check at all.",
        default="enforce",
    )
    trusted_sealers: tuple[str, ...] = _option(
        _HostNames(),
        "Domains of mailing lists and forwarders whose seals (ARC) are believed: what had passed DMARC when it came to"
        " them, and fails because they changed it, is let in.",
        default=(),
    )
    rspamd: str = _option(
        _WebAddress(),
        'Where rspamd answers over HTTP (its worker "normal").  What it would mark goes to Junk.',
        default="",
    )
    milters: tuple[str, ...] = _option(
        _Milters(),
        "Milters, asked in this order once a message is whole; what one has changed the next one sees.",
        default=(),
    )
    hook: Path | None = _option(
        _File(),
        "A Python file with a function `on_delivery(message)` that decides what becomes of a message; it is asked last,"
        " and runs in processes of its own.  Read again on SIGHUP.",
        default=None,
    )
    timeout: int = _option(
        _Count(1, 500), "Seconds that a filter has for one message; clients wait for 600 at the most.", default=60
    )
    lmtp: bool = _option(
        _Switch(),
        "Whether rspamd, milters and the hook also look at mail that a mail transfer agent hands in by LMTP.  Who has"
        " sent it, they are not told.",
        default=False,
    )
    on_fault: str = _option(
        _Choice(("defer", "accept")),
        "When a filter does not answer, or talks nonsense: have the client try again later, or do without the filter.",
        default="defer",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """Mail to other servers."""

    port: int = _option(_Count(1, 65535), "The port at which other servers take mail.", default=25)
    connections: int = _option(
        _Count(1, 1000), "Connections that one destination gets at once, from each process.", default=10
    )
    authorities: Path | None = _option(
        _File(),
        "PEM file of the certificate authorities that are trusted where a server must prove its name (MTA-STS,"
        " REQUIRETLS, a smarthost); none: those that the system trusts.",
        default=None,
    )
    policy_port: int = _option(
        _Count(1, 65535), "The port at which MTA-STS policies are fetched; another than 443 is for tests.", default=443
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """A smarthost: a server that takes all mail for other domains, instead of their own servers."""

    host: str = _option(_Host(), "Its name, or its address; none: mail goes to the servers of its domains.", default="")
    port: int = _option(_Count(1, 65535), "Where it takes mail: mostly 587, or 465 with `implicit`.", default=587)
    tls: str = _option(
        _Choice(("starttls", "implicit", "opportunistic", "none")),
        "STARTTLS, or TLS from the first octet: with both it must prove its name.  `opportunistic`: TLS with whoever it"
        " is, if it offers that; `none`: in the clear.",
        default="starttls",
    )
    user: str = _option(_Text(), "The name to log in with; none: without login.", default="")
    password_file: Path | None = _option(
        _File(), "The file whose first line is the password; it should have mode 0600.", default=None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Mail that waits to be delivered, or to be taken by another server."""

    retry: tuple[int, ...] = _option(
        _Spans(1, 86400),
        "Waits between attempts, the last of which is repeated; each comes out up to a fifth shorter or longer.",
        default=(300, 600, 1200, 2400, 3600, 7200, 14400),
    )
    lifetime: int = _option(
        _Span(60, 30 * 86400), "How long is tried before the sender is told that it was in vain.", default=5 * 86400
    )
    warn_after: int = _option(
        _Span(0, 30 * 86400),
        'After how long the sender is told that it has not been possible yet; "0s" is never.',
        default=4 * 3600,
    )
    concurrency: int = _option(
        _Count(1, 10_000), "Attempts at once, in each process; each has one message for one domain.", default=100
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """Log lines on standard error: an event name and fields, never a secret or content of mail."""

    level: str = _option(
        _Choice(("debug", "info", "warning", "error")), "The least important lines written.", default="info"
    )
    format: str = _option(
        _Choice(("auto", "console", "json")),
        "For people or for programs; auto asks whether it is a terminal.",
        default="auto",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """What the web server tells mail programs and people."""

    url: str = _option(
        _PublicUrl(),
        "The address by which the world reaches the web server, where that is not the host name and the port of"
        ' `listen.https`: behind a proxy mostly "https://" and the host name.',
        default="",
    )
    names: tuple[str, ...] = _option(
        _DomainNames(),
        "For each domain the name of who provides its mail, as mail programs show it; a domain's own name where none is"
        " given.",
        default=(),
    )

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """`names` as (domain, name)."""
        split = (text.partition(" ") for text in self.names)
        return tuple((domain.lower(), name.strip()) for domain, _, name in split)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """Figures for Prometheus, of all processes together."""

    listen: Address | None = _option(
        _Listener(),
        "Where `GET /metrics` is answered, over HTTP without login: bind it to loopback only.  Off unless it is given,"
        ' such as "127.0.0.1:9090".',
        default=None,
    )


def default_data_dir() -> Path:
    """Where data lives when nobody says: /var/lib/mailkeep for root, else XDG's data directory of the user."""
    if os.geteuid() == 0:
        return Path("/var/lib/mailkeep")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "mailkeep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All options of a server.  Tests and embedding programs mostly want ``Config(data_dir=…, listen=FREE_PORTS)``."""

    data_dir: Path = field(
        default_factory=default_data_dir,
        metadata={"kind": _File(optional=False), "means": "The directory of all data; made at first start, mode 0700."},
    )
    hostname: str = _option(
        _HostName(), "The server's own name, as clients and other mail servers reach it.", default="localhost"
    )
    workers: int = _option(
        _Workers(),
        "Processes that serve clients.  Each writes to some of the databases, of which there are at least as many.",
        default=1,
    )
    shards: int = _option(
        _Count(1, MAX_SHARDS),
        "Databases (shards) over which new accounts are spread; those that hold accounts stay in use whatever it says."
        "  More can be added at any time; `mailkeep account move` fills them.",
        default=1,
    )
    listen: Listen = field(default_factory=Listen)
    tls: Tls = field(default_factory=Tls)
    acme: Acme = field(default_factory=Acme)
    limits: Limits = field(default_factory=Limits)
    imap: Imap = field(default_factory=Imap)
    pop3: Pop3 = field(default_factory=Pop3)
    submission: Submission = field(default_factory=Submission)
    auth: Auth = field(default_factory=Auth)
    oauth: OAuth = field(default_factory=OAuth)
    ldap: Ldap = field(default_factory=Ldap)
    accounts: Accounts = field(default_factory=Accounts)
    dns: Dns = field(default_factory=Dns)
    filter: Filter = field(default_factory=Filter)
    outbound: Outbound = field(default_factory=Outbound)
    relay: Relay = field(default_factory=Relay)
    queue: Queue = field(default_factory=Queue)
    web: Web = field(default_factory=Web)
    log: Log = field(default_factory=Log)
    metrics: Metrics = field(default_factory=Metrics)

    @property
    def databases(self) -> int:
        """Over how many databases new accounts are spread."""
        return max(self.shards, self.workers)

    @property
    def control_socket(self) -> Path:
        """Where the command line reaches the running server."""
        return self.data_dir / "control.sock"

    @property
    def lmtp_socket(self) -> Path | None:
        """`listen.lmtp_socket` as an absolute path."""
        return self.data_dir / self.listen.lmtp_socket if self.listen.lmtp_socket else None


_FREE: Final = Address("127.0.0.1", 0)
FREE_PORTS: Final = Listen(
    imap=_FREE,
    imaps=_FREE,
    pop3=_FREE,
    pop3s=_FREE,
    lmtp=_FREE,
    smtp=_FREE,
    submission=_FREE,
    submissions=_FREE,
    http=_FREE,
    https=_FREE,
)
"""Listeners on loopback at whatever ports are free, for tests and embedding."""

KEEP_IN: Final = Relay(host="127.0.0.1", port=1, tls="none")
"""A smarthost that nobody is: mail for other servers waits in the queue and never leaves, for tests and demos."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option as the reference page and `config show` tell it."""

    key: str  # dotted: limits.line_length
    kind: Kind
    default: object
    means: str


def options(cls: type = Config, prefix: str = "") -> Iterator[Option]:
    """Every option, in the order of this file."""
    for f in dataclasses.fields(cls):
        if "kind" in f.metadata:
            default = f.default if f.default is not dataclasses.MISSING else None
            yield Option(prefix + f.name, f.metadata["kind"], default, f.metadata["means"])
        elif table := _table(f):
            yield from options(table, f"{f.name}.")


def _table(f: dataclasses.Field[Any]) -> type | None:
    """The class of a field that is a table of options."""
    factory: object = f.default_factory
    return factory if isinstance(factory, type) else None


# ---- reading -----------------------------------------------------------------------------------------------------


def load(path: Path) -> Config:
    """The configuration in the TOML file `path`.  Raises: ConfigError."""
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text (octet {error.start})") from error
    return parse(text, path)


def parse(text: str, path: Path) -> Config:
    """The configuration that `text` says; `path` is its name in errors and the base of relative paths."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_syntax_error(path, text, str(error))) from error
    config = _Reader(path.absolute(), path, text).table(Config, raw, ())
    assert isinstance(config, Config)
    if (config.tls.certificate is None) != (config.tls.key is None):
        where = f"{path}:{_line_of(text, ('tls',))}"
        raise ConfigError(f"{where}: tls.certificate and tls.key: give both, or neither for a self-signed certificate")
    if (config.relay.user == "") != (config.relay.password_file is None):
        where = f"{path}:{_line_of(text, ('relay',))}"
        raise ConfigError(f"{where}: relay.user and relay.password_file: give both, or neither to go without login")
    if config.relay.user and config.relay.tls in ("opportunistic", "none") and not _is_here(config.relay.host):
        where = f"{path}:{_line_of(text, ('relay', 'tls'))}"
        raise ConfigError(
            f"{where}: relay.tls: a password is sent only to a host that has proven its name; allowed with relay.user"
            ' is "starttls" or "implicit"'
        )
    if problem := (_acme_problem(config) if config.tls.acme else None) or _login_problem(config):
        key, why = problem
        raise ConfigError(f"{path}:{_line_near(text, key)}: {key}: {why}")
    return config


def _line_near(text: str, key: str) -> int:
    """Where the option is set, or else its table begins."""
    at = tuple(key.split("."))
    return max(_line_of(text, at), _line_of(text, at[:1]))


def _acme_problem(config: Config) -> tuple[str, str] | None:
    """Which option stands in the way of `tls.acme`, and why."""
    if config.tls.certificate is not None:
        return "tls.acme", "tls.certificate and tls.key name a certificate already: give one or the other"
    if not config.acme.terms_agreed:
        return "acme.terms_agreed", f"read the terms of service of {config.acme.directory}, and say true if you agree"
    if "." not in config.hostname or config.hostname.endswith(".localhost"):
        return (
            "hostname",
            f"{config.hostname} gets no certificate from an authority: tls.acme needs a name in public DNS",
        )
    if not config.acme.challenges:
        return "acme.challenges", "without any no name can be proven"
    if (config.acme.key_id == "") != (config.acme.hmac_key_file is None):
        return "acme.key_id", "acme.key_id and acme.hmac_key_file: give both, or neither"
    return None


def _login_problem(config: Config) -> tuple[str, str] | None:
    """What of the options about logging in does not go together: the key, and why."""
    oauth, ldap = config.oauth, config.ldap
    if oauth.issuer:
        if not oauth.audiences:
            return "oauth.audiences", "name at least one with oauth.issuer, or tokens for anybody would open mail"
        for key in ("issuer", "url"):
            url = urlsplit(getattr(oauth, key))
            if url.scheme == "http" and not _is_here(url.hostname or ""):
                return f"oauth.{key}", "only https is safe from others who answer in its place"
    if oauth.check == "introspection" and not (oauth.client and oauth.client_secret_file):
        return "oauth.client", "with introspection give oauth.client and oauth.client_secret_file"
    if ldap.servers and not ldap.name and not ldap.base:
        return "ldap.base", "say below which entry users are looked for, or give ldap.name"
    if ldap.servers and not ldap.name and (ldap.reader == "") != (ldap.password_file is None):
        return "ldap.reader", "give ldap.reader and ldap.password_file, or neither where anybody may look"
    return None


def _is_here(host: str) -> bool:
    return host == "localhost" or is_loopback(host)


def _syntax_error(path: Path, text: str, message: str) -> str:
    where = re.search(r"\(at line (\d+), column (\d+)\)", message)
    line = int(where[1]) if where else text.count("\n") + 1  # "at end of document"
    return f"{path}:{line}: not valid TOML: {message.partition(' (at ')[0]}"


@dataclass(frozen=True, slots=True)
class _Reader:
    absolute: Path
    shown: Path
    text: str

    def table(self, cls: type, raw: Mapping[str, object], at: tuple[str, ...]) -> object:
        known = {f.name: f for f in dataclasses.fields(cls)}
        values: dict[str, object] = {}
        for key, value in raw.items():
            if key not in known:
                self.fail((*at, key), f"there is no such option{_suggestion(key, known)}")
            f = known[key]
            if "kind" in f.metadata:
                values[key] = self.value(f.metadata["kind"], value, (*at, key))
            elif isinstance(value, dict) and (table := _table(f)):
                values[key] = self.table(table, value, (*at, key))
            else:
                self.fail((*at, key), f"is a table: write [{key}] and the options below it")
        return cls(**values)

    def value(self, kind: Kind, raw: object, at: tuple[str, ...]) -> object:
        try:
            value = kind.read(raw)
        except ValueError as error:
            what = str(error) or f"{_as_written(raw)} is not allowed"
            self.fail(at, f"{what}; allowed is {kind.allowed}")
        if isinstance(kind, _File) and isinstance(value, Path) and not kind.in_data:
            return self.absolute.parent / value
        return value

    def fail(self, at: tuple[str, ...], why: str) -> NoReturn:
        raise ConfigError(f"{self.shown}:{_line_of(self.text, at)}: {'.'.join(at)}: {why}")


def _suggestion(key: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    return f" (did you mean {close[0]}?)" if close else f"; known here: {', '.join(known)}"


def _as_written(raw: object) -> str:
    if isinstance(raw, bool):
        return str(raw).lower()
    return f'"{raw}"' if isinstance(raw, str) else str(raw)


def _line_of(text: str, at: tuple[str, ...]) -> int:
    """The line on which the key `at` is set, found without a full parser: tomllib tells no positions."""
    table: tuple[str, ...] = ()
    best = 1
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[+([^\]]+)\]", line):
            table = _dotted(header[1])
        elif entry := re.match(r"\s*([^=#]+?)\s*=", line):
            here = table + _dotted(entry[1])
            if here == at:
                return number
            if here == at[: len(here)]:  # an inline table holds it
                best = number
        if table == at:
            return number
    return best


def _dotted(key: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in key.split("."))


# ---- writing -----------------------------------------------------------------------------------------------------


def show(config: Config) -> str:
    """`config` as a complete TOML file, each option with its meaning: what `config show` prints."""
    lines: list[str] = []
    section = ""
    for option in options():
        table, _, name = option.key.rpartition(".")
        if table != section:
            section = table
            lines += ["", f"[{table}]"]
        value: Any = config
        for part in option.key.split("."):
            value = getattr(value, part)
        lines += [f"# {option.means}", f"{name} = {toml(option.kind, value)}"]
    return "\n".join(lines) + "\n"


def toml(kind: Kind, value: object) -> str:
    """An option's value as TOML."""
    match value:
        case None:
            return '""'
        case bool():
            return str(value).lower()
        case int():
            if isinstance(kind, _Span):
                return quoted(show_span(value))
            return f'"{show_size(value)}"' if isinstance(kind, _Size) and value else str(value)
        case tuple() if isinstance(kind, _Spans):
            return "[" + ", ".join(quoted(show_span(item)) for item in value) + "]"
        case tuple():
            return "[" + ", ".join(quoted(str(item)) for item in value) + "]"
        case _:
            return quoted(str(value))


def quoted(text: str) -> str:
    """As a string of TOML."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
