"""Passwords that a directory elsewhere checks, by LDAP (RFC 4511, RFC 4513).

- Who logs in is found by a search, and then bound as with the password; or bound at once, where his name there follows
  from the name he gives.
- A connection serves one check: what a directory has changed is true at the next.
- Whatever goes wrong with the directory itself is Unavailable: a password is wrong only when it says so.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from mailkeep import telemetry
from mailkeep.formats import ldap
from mailkeep.formats.ldap import Answer, Code, Entry, Filter, LdapError, Reference, Result, Scope
from mailkeep.model.errors import Unavailable

PORTS: Final = {"ldap": 389, "ldaps": 636}
WORDS: Final = ("user", "name", "domain")
"""What gaps may name: what the user typed; what of it stands before the @, and what behind."""

MAX_NAME: Final = 320  # characters of what a user types
MAX_ANSWERS: Final = 50  # to one request; most are references to other servers
AT_ONCE: Final = 16
# All that a directory says about a user whom it does not let in.
WRONG: Final = frozenset(
    (
        Code.INVALID_CREDENTIALS,
        Code.CONSTRAINT_VIOLATION,
        Code.NO_SUCH_OBJECT,
        Code.INVALID_DN_SYNTAX,
        Code.INAPPROPRIATE_AUTHENTICATION,
        Code.INSUFFICIENT_ACCESS,
    )
)

Run = Callable[[Coroutine[Any, Any, None]], Awaitable[None]]
"""Carries out work in a task of its own: those who log in may have none."""

log = telemetry.logger(part="ldap")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Lookup:
    """How somebody is found: below `base`, by a condition; `reader` with `password` may search, "" is anybody."""

    base: str
    scope: Scope
    condition: Filter
    reader: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """`urls`: servers that know the same, tried in this order.  `tls` is used with ldaps, and with STARTTLS.

    Users are found by `lookup`, or their names follow from `name`, a text with gaps.  `address`: the attribute that has
    the address of somebody's account; "": the user gives it.
    """

    urls: tuple[str, ...]
    tls: ssl.SSLContext
    starttls: bool
    lookup: Lookup | None
    name: str
    address: str
    within_s: float


class LdapFault(Exception):
    """A directory does not answer, or not as it should; the text has no password."""


class LdapDirectory:
    """Checks passwords at a directory."""

    def __init__(self, terms: Terms, run: Run) -> None:
        self._terms = terms
        self._run = run
        self._room = asyncio.Semaphore(AT_ONCE)

    async def check(self, user: str, password: str) -> str | None:
        """The address of the account that name and password open, None for none.  Raises: Unavailable."""
        if not password or not 0 < len(user) <= MAX_NAME:
            return None
        found: list[str | None] = []
        await self._run(self._check(user, password, found))
        return found[0]

    async def _check(self, user: str, password: str, found: list[str | None]) -> None:
        for url in self._terms.urls:
            try:
                async with asyncio.timeout(self._terms.within_s), self._room, self._connect(url) as connection:
                    found.append(await self._ask(connection, user, password))
            except (LdapFault, LdapError, OSError, EOFError, TimeoutError) as fault:
                log.warning("ldap.fault", server=url, reason=str(fault) or type(fault).__name__)
            else:
                return
        raise Unavailable("The directory of users does not answer")

    async def _ask(self, connection: _Connection, user: str, password: str) -> str | None:
        name, _, domain = user.rpartition("@") if "@" in user else (user, "", "")
        words = {"user": user, "name": name, "domain": domain}
        if self._terms.lookup is None:
            entry = Entry(ldap.fill_name(self._terms.name, words), {})
        else:
            entry = await self._find(connection, self._terms.lookup, words)
        if not await connection.bind(entry.name, password.encode()):
            return None
        if not self._terms.address:
            return user
        if self._terms.lookup is None:  # he may read his own entry
            entry = await connection.read(entry.name, self._terms.address)
        return _address(entry, self._terms.address)

    async def _find(self, connection: _Connection, lookup: Lookup, words: ldap.Words) -> Entry:
        """Somebody's entry; or one that nobody has, so that unknown users take as long as wrong passwords."""
        if lookup.reader and not await connection.bind(lookup.reader.encode(), lookup.password.encode()):
            raise LdapFault("the password of ldap.reader is not taken")
        wanted = (self._terms.address,) if self._terms.address else ()
        condition = lookup.condition.encode(words)
        entries = await connection.search(lookup.base.encode(), lookup.scope, condition, wanted)
        if len(entries) == 1:
            return entries[0]
        if entries:
            log.warning("ldap.ambiguous", reason="the search finds several entries for one user")
        return Entry(f"cn={secrets.token_hex(8)},{lookup.base}".encode(), {})

    @asynccontextmanager
    async def _connect(self, url: str) -> AsyncIterator[_Connection]:
        parts = urlsplit(url)
        host = parts.hostname or ""
        tls = self._terms.tls if parts.scheme == "ldaps" else None
        # getaddrinfo, in a thread: the host may be one that DNS does not know
        reader, writer = await asyncio.open_connection(host, parts.port or PORTS[parts.scheme], ssl=tls)
        connection = _Connection(reader, writer)
        try:
            if self._terms.starttls and tls is None:
                await connection.start_tls(self._terms.tls, host)
            yield connection
            connection.send(ldap.unbind)
        finally:
            with suppress(OSError):
                writer.close()


def _address(entry: Entry, attribute: str) -> str | None:
    """The first value; a user without one has no account."""
    values = entry.attributes.get(attribute.lower(), ())
    if not values:
        log.warning("ldap.no_address", reason=f"the entry of a user has no {attribute}")
        return None
    return values[0].decode(errors="replace")


class _Connection:
    """One request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._number = 0

    def send(self, make: Callable[[int], bytes]) -> None:
        self._number += 1
        self._writer.write(make(self._number))

    async def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        self.send(ldap.start_tls)
        _require((await self._result())[0])
        # What somebody in between has put behind the answer in the clear is still to be read: it must not be taken for
        # an answer to what comes now, so nobody can foresee the number of that.
        self._number = secrets.randbelow(1 << 30)
        await self._writer.start_tls(context, server_hostname=host)

    async def bind(self, name: bytes, password: bytes) -> bool:
        """Whether the password is taken.  Raises: LdapFault (for another reason than that it is wrong)."""
        if not password:
            raise LdapFault("a bind without password would always do")
        if not name:  # nobody's, which some servers let in with any password
            return False
        self.send(lambda number: ldap.bind(number, name, password))
        result, _ = await self._result()
        if result.code in WRONG:
            return False
        _require(result)
        return True

    async def read(self, name: bytes, attribute: str) -> Entry:
        """One entry.  Raises: LdapFault (it may not be read)."""
        anything = ldap.parse_filter("(objectClass=*)", ()).encode({})
        entries = await self.search(name, Scope.BASE, anything, (attribute,))
        if len(entries) != 1:
            raise LdapFault("the user's entry cannot be read")
        return entries[0]

    async def search(self, base: bytes, scope: Scope, condition: bytes, wanted: tuple[str, ...]) -> list[Entry]:
        """What is found, two entries at most."""
        self.send(lambda number: ldap.search(number, base, scope, condition, wanted, 2))
        result, found = await self._result()
        if result.code != Code.SIZE_LIMIT_EXCEEDED:
            _require(result)
        return [answer for answer in found if isinstance(answer, Entry)]

    async def _result(self) -> tuple[Result, list[Entry | Reference]]:
        """The result of the last request, and what came before it."""
        await self._writer.drain()
        found: list[Entry | Reference] = []
        while len(found) < MAX_ANSWERS:
            number, answer = await self._receive()
            if number == 0 and isinstance(answer, Result):  # RFC 4511 §4.4.1: it disconnects
                raise LdapFault(f"the server ends the connection: {answer.text or answer.code}")
            if number != self._number:
                raise LdapFault("an answer belongs to no request")
            if isinstance(answer, Result):
                return answer, found
            found.append(answer)
        raise LdapFault("an answer has too many parts")

    async def _receive(self) -> tuple[int, Answer]:
        head = await self._reader.readexactly(2)
        while (size := ldap.message_size(head)) is None:
            head += await self._reader.readexactly(1)
        return ldap.parse_answer(head + await self._reader.readexactly(max(0, size - len(head))))


def _require(result: Result) -> None:
    if result.code != Code.SUCCESS:
        raise LdapFault(f"the server answers with code {result.code}: {result.text}")
