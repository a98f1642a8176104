"""The composition root: builds store, services and listeners, and runs them in one TaskGroup."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from operator import attrgetter
from pathlib import Path
from typing import Final

import apsw

from mailkeep import telemetry
from mailkeep.administration import Offices, run_encoded
from mailkeep.certificates import CertificateFiles, TlsContext, ensure_self_signed, names_for
from mailkeep.config import Config, options
from mailkeep.control import OVERHEAD, Door
from mailkeep.imap.connection import ImapConnection
from mailkeep.imap.derive import DERIVERS
from mailkeep.imap.session import Options as ImapOptions
from mailkeep.imap.session import Services as ImapServices
from mailkeep.lock import DataLock
from mailkeep.model.address import parse_address
from mailkeep.model.errors import Unavailable
from mailkeep.net.connection import Connection
from mailkeep.net.limits import AddressLimit
from mailkeep.net.listener import Listener
from mailkeep.service.accounts import Accounts, ConnectionCounts
from mailkeep.service.bus import Bus
from mailkeep.service.delivery import Delivery
from mailkeep.service.indexer import Indexer
from mailkeep.service.mailboxes import Mailboxes
from mailkeep.service.maintenance import Maintenance
from mailkeep.service.messages import Messages
from mailkeep.service.search import Search
from mailkeep.service.search_fields import SEARCH_FIELDS
from mailkeep.smtp.lmtp import LmtpConnection
from mailkeep.smtp.session import Options as LmtpOptions
from mailkeep.sockets import tcp_sockets, unix_socket
from mailkeep.store.sqlite.connection import NewerSchema, WrongSetting
from mailkeep.store.sqlite.store import SqliteStore

DRAIN_S: Final = 5.0  # for sessions to finish what they do; then they are cut, so that all is over within 10 s

UPKEEP_PAUSE_S: Final = 5.0  # after a fault

# What `Server.reload` takes over at once; any other option needs a restart.
RELOADED: Final = ("tls.", "log.", "imap.", "limits.", "accounts.")

log = telemetry.logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where the listeners really accept: (host, port) with the port the system gave; None if switched off."""

    imap: tuple[str, int] | None
    imaps: tuple[str, int] | None
    lmtp: tuple[str, int] | None
    lmtp_socket: Path | None


@asynccontextmanager
async def open_offices(config: Config, *, program: str) -> AsyncIterator[Offices]:
    """The store of `config` and the services on it, held by this process alone; no listeners.

    `program` is what the lock tells others.  Makes the data directory where it is missing.
    Raises: Locked, Unavailable (the data cannot be read).
    """
    config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with DataLock(config.data_dir, program):
        async with _open_store(config) as store:
            bus = Bus()
            accounts = Accounts(
                store.directory, store, throttled=config.auth.throttle, quota=config.accounts.quota or None
            )
            mailboxes = Mailboxes(store, bus)
            messages = Messages(store, bus, (*DERIVERS, SEARCH_FIELDS))
            await accounts.finish()
            indexer = Indexer(store, bus, lambda: [entry.account for entry in store.directory.list()])
            yield Offices(
                accounts=accounts,
                mailboxes=mailboxes,
                messages=messages,
                search=Search(store),
                delivery=Delivery(accounts, mailboxes, messages, hostname=config.hostname),
                maintenance=Maintenance(store),
                upkeep=(store.maintain, indexer.run),
                spool_dir=store.spool_dir,
                message_size=config.limits.message_size,
            )


def _open_store(config: Config) -> SqliteStore:
    try:
        return SqliteStore(config.data_dir, shards=config.shards)
    except (NewerSchema, WrongSetting, apsw.Error, OSError) as error:
        raise Unavailable(f"The data in {config.data_dir} cannot be opened: {error}") from error


class Server:
    """A running server.

    ::

        async with Server.open(Config(data_dir=directory, listen=FREE_PORTS)) as server:
            await server.accounts.create("ann@example.org", "secret")
            host, port = server.endpoints.imap

    Attributes: `config`, `offices` (all services), `endpoints`, `certificate` (path of what clients must trust).
    """

    def __init__(self, config: Config, offices: Offices) -> None:
        """Not for use: see `open`."""
        self.config = config
        self.offices = offices
        self.endpoints: Endpoints
        self._version = version("mailkeep")  # reads files: not for every connection
        self._tls = TlsContext(self._certificate_files(config))
        self._address_limit = AddressLimit(config.limits.connections_per_address)
        self._connection_counts = ConnectionCounts(config.limits.connections_per_account)

    @property
    def accounts(self) -> Accounts:
        """Who has mail here."""
        return self.offices.accounts

    @property
    def certificate(self) -> Path:
        """The certificate that clients must trust, with its chain (PEM)."""
        return self._tls.files.certificate

    @classmethod
    @asynccontextmanager
    async def open(cls, config: Config) -> AsyncIterator[Server]:
        """Open the store, accept on every listener, and hand over the server; on leaving, drain.

        Draining: nothing more is accepted, sessions get their BYE, commits finish; 10 s at most.
        Raises: Locked, CertificateError, BindError, Unavailable (the data cannot be read).
        """
        async with open_offices(config, program="a mailkeep server") as offices:
            with ExitStack() as stack:
                server = cls(config, offices)
                bound = _bind(config, stack)
                server.endpoints = _endpoints(bound, config)
                async with server._running(bound):
                    yield server

    @asynccontextmanager
    async def _running(self, bound: Mapping[str, list[socket.socket]]) -> AsyncIterator[None]:
        """Accept while the block runs, then drain."""
        failure: Exception | None = None
        async with asyncio.TaskGroup() as group:
            upkeep = [group.create_task(self._upkeep(work)) for work in self.offices.upkeep]
            listeners = self._listeners(group)
            for name, sockets in bound.items():
                await listeners[name].start(sockets)
            try:
                yield
            except Exception as error:  # noqa: BLE001  kept from the TaskGroup, which would wrap it
                failure = error
            finally:
                await _drain(listeners.values())
                for task in upkeep:
                    task.cancel()
        if failure is not None:
            raise failure

    async def _upkeep(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run some background work; a fault there (a full disk) must not end the server."""
        while True:
            try:
                await work()
            except Exception as error:
                log.error("store.upkeep_failed", exc_info=error)
                await asyncio.sleep(UPKEEP_PAUSE_S)

    def reload(self, config: Config) -> tuple[str, ...]:
        """Take over certificate, limits, IMAP and log options; connections stay.

        Returns: the keys of changed options that need a restart.  Raises: CertificateError (nothing has changed then).
        """
        self._tls.reload(self._certificate_files(config))
        changed = tuple(key for key in _changed(self.config, config) if not key.startswith(RELOADED))
        self.config = config
        self._address_limit.limit = config.limits.connections_per_address
        self._connection_counts.limit = config.limits.connections_per_account
        self.accounts.quota = config.accounts.quota or None
        self.offices = dataclasses.replace(
            self.offices,
            message_size=config.limits.message_size,
        )
        return changed

    def refresh_certificate(self) -> None:
        """Add the names of new accounts' domains to a self-signed certificate; nothing to do for one from files."""
        if set(self._names(self.config)) - self._certified:
            self._tls.reload(self._certificate_files(self.config))
            log.info("tls.renewed")

    def _certificate_files(self, config: Config) -> CertificateFiles:
        names = self._names(config)
        self._certified = frozenset(names)
        if config.tls.certificate and config.tls.key:
            return CertificateFiles(config.tls.certificate, config.tls.key)
        return ensure_self_signed(config.data_dir, names, dt.datetime.now(dt.UTC))

    def _names(self, config: Config) -> tuple[str, ...]:
        domains = [parse_address(account.address).domain for account in self.offices.accounts.list()]
        return names_for(config.hostname, domains, config.tls.names)

    async def _on_request(self, name: str, arguments: bytes) -> bytes:
        answer = await run_encoded(self.offices, name, arguments)
        self.refresh_certificate()
        return answer

    def _listeners(self, group: asyncio.TaskGroup) -> dict[str, Listener | Door]:
        largest = self.config.limits.message_size + OVERHEAD
        new = partial(Listener, spawn=group.create_task, limit=self._address_limit)
        return {
            "imap": new("imap", self._open_imap),
            "imaps": new("imaps", self._open_imap, tls=self._tls.context),
            "lmtp": new("lmtp", self._open_lmtp),
            "lmtp_socket": new("lmtp_socket", self._open_lmtp),
            "control": Door(self._on_request, spawn=group.create_task, largest=largest),
        }

    def _open_imap(self, connection: Connection) -> ImapConnection:
        limits = self.config.limits
        services = ImapServices(
            accounts=self.offices.accounts,
            connections=self._connection_counts,
            mailboxes=self.offices.mailboxes,
            messages=self.offices.messages,
            search=self.offices.search,
        )
        imap_options = ImapOptions(
            max_message=limits.message_size,
            max_line=limits.line_length,
            literal_plus=self.config.imap.literal == "plus",
            version=self._version,
        )
        return ImapConnection(connection, services, imap_options, lambda: self._tls.context, self.offices.spool_dir)

    def _open_lmtp(self, connection: Connection) -> LmtpConnection:
        lmtp_options = LmtpOptions(hostname=self.config.hostname, max_message=self.config.limits.message_size)
        return LmtpConnection(connection, self.offices.delivery, lmtp_options, self.offices.spool_dir)


def _bind(config: Config, stack: ExitStack) -> dict[str, list[socket.socket]]:
    """Sockets for every listener that is switched on, closed by `stack` if nobody takes them.  Raises: BindError."""
    bound: dict[str, list[socket.socket]] = {}
    addresses = {"imap": config.listen.imap, "imaps": config.listen.imaps, "lmtp": config.listen.lmtp}
    for name, address in addresses.items():
        if address is not None:
            bound[name] = [stack.enter_context(one) for one in tcp_sockets(address, f"listen.{name}")]
    if config.lmtp_socket is not None:
        bound["lmtp_socket"] = [stack.enter_context(unix_socket(config.lmtp_socket))]
    bound["control"] = [stack.enter_context(unix_socket(config.control_socket))]
    return bound


def _endpoints(bound: Mapping[str, list[socket.socket]], config: Config) -> Endpoints:
    def where(name: str) -> tuple[str, int] | None:
        if name not in bound:
            return None
        host, port = bound[name][0].getsockname()[:2]
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port  # noqa: S104  an address to connect to

    return Endpoints(imap=where("imap"), imaps=where("imaps"), lmtp=where("lmtp"), lmtp_socket=config.lmtp_socket)


async def _drain(listeners: Iterable[Listener | Door]) -> None:
    """Have every session say goodbye; cut those that take too long."""
    every = tuple(listeners)
    for listener in every:
        listener.drain()
    try:
        async with asyncio.timeout(DRAIN_S):
            for listener in every:
                await listener.closed()
    except TimeoutError:
        log.warning("server.cut_connections")
        for listener in every:
            listener.abort()


def _changed(old: Config, new: Config) -> Iterator[str]:
    for option in options():
        pick = attrgetter(option.key)
        if pick(old) != pick(new):
            yield option.key
