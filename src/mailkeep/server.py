"""The composition root: builds store, services and listeners, and runs them in one TaskGroup."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import itertools
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Final, Protocol

from mailkeep import telemetry
from mailkeep.acme.challenges import Challenges, answer_handshakes
from mailkeep.acme.keeper import Keeper
from mailkeep.acme.office import Source
from mailkeep.administration import Offices, run_encoded
from mailkeep.certificates import CertificateFiles, TlsContext, ensure_self_signed, first_expiry, names_for
from mailkeep.config import MAX_SHARDS, Config, options
from mailkeep.control import OVERHEAD, Door, Spawn
from mailkeep.dispatch import Dispatch
from mailkeep.exposition import Exposition
from mailkeep.figures import Figure, Figures, add_up
from mailkeep.issuing import build_certificates, find_others, name_groups, settings_of
from mailkeep.lock import DataLock
from mailkeep.measures import Measures
from mailkeep.model.address import parse_address
from mailkeep.model.errors import Unavailable
from mailkeep.offices import (
    Shared,
    build_offices,
    first_quota,
    open_store,
    require_files,
    run_upkeep,
    site_at,
    write_down_safely,
)
from mailkeep.reception import Reception, drain
from mailkeep.service.accounts import Accounts
from mailkeep.service.bus import Bus
from mailkeep.service.indexer import Indexer
from mailkeep.service.ledger import Ledger
from mailkeep.service.recents import Recents
from mailkeep.sockets import tcp_sockets, unix_socket
from mailkeep.store import codec
from mailkeep.store.sqlite.store import Part
from mailkeep.store.sqlite.ticks import Ticks
from mailkeep.workers.channel import worker_socket
from mailkeep.workers.crew import Crew
from mailkeep.workers.peers import Peers

# What `Server.reload` takes over at once; any other option needs a restart.
RELOADED: Final = (
    "tls.",
    "acme.",
    "log.",
    "imap.",
    "pop3.",
    "limits.",
    "accounts.",
    "oauth.",
    "ldap.",
    "auth.hook",
    "filter.",
    "submission.",
    "queue.",
)

log = telemetry.logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where the listeners really accept: (host, port) with the port the system gave; None if switched off."""

    imap: tuple[str, int] | None
    imaps: tuple[str, int] | None
    pop3: tuple[str, int] | None
    pop3s: tuple[str, int] | None
    lmtp: tuple[str, int] | None
    lmtp_socket: Path | None
    smtp: tuple[str, int] | None
    submission: tuple[str, int] | None
    submissions: tuple[str, int] | None
    http: tuple[str, int] | None
    https: tuple[str, int] | None
    metrics: tuple[str, int] | None


@asynccontextmanager
async def open_offices(config: Config, *, program: str) -> AsyncIterator[Offices]:
    """The store of `config` and the services on it, held by this process alone; no listeners.

    `program` is what the lock tells others.  Makes the data directory where it is missing.
    Raises: Locked, Unavailable (the data cannot be read).
    """
    with _locked(config, program):
        async with open_store(config) as store:
            offices = build_offices(config, store, Bus(), Shared.alone())
            await offices.accounts.finish()
            yield offices
            await store.clear_moved(grace_s=0)  # nobody else reads


@contextmanager
def _locked(config: Config, program: str) -> Iterator[None]:
    """The data directory, made where it is missing, is this process's alone.  Raises: Locked, Unavailable."""
    try:
        config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = DataLock(config.data_dir, program)
    except OSError as error:
        why = error.strerror or str(error)
        raise Unavailable(f"The data directory {config.data_dir} cannot be used: {why} ({error.filename})") from error
    with lock:
        yield


class Staff(Protocol):
    """Who serves clients: this process, or its workers."""

    async def start(self, spawn: Spawn) -> None:
        """Returns when clients are let in everywhere.  Raises: Unavailable."""
        ...

    def reload(self, config: Config, files: CertificateFiles) -> None:
        """Take over options and certificate."""
        ...

    async def measure(self) -> Figures:
        """What other processes count."""
        ...

    async def drain(self) -> None:
        """Let nobody in any more; returns when all sessions have ended."""
        ...

    async def stop(self) -> None:
        """After `drain`: nobody asks for anything any more."""
        ...


class Here:
    """Clients are served by this process, which is the only one."""

    def __init__(self, reception: Reception, dispatch: Dispatch, bound: Mapping[str, list[socket.socket]]) -> None:
        self._reception = reception
        self._dispatch = dispatch
        self._bound = bound

    async def start(self, spawn: Spawn) -> None:
        """See `Staff`."""
        await self._reception.start(self._bound, spawn)

    def reload(self, config: Config, files: CertificateFiles) -> None:  # noqa: ARG002  the certificate is shared
        """See `Staff`."""
        self._reception.reload(config)
        self._dispatch.reload(config)

    async def measure(self) -> Figures:
        """See `Staff`: there are no others."""
        return ()

    async def drain(self) -> None:
        """See `Staff`."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._dispatch.drain())
            await self._reception.drain()

    async def stop(self) -> None:
        """See `Staff`: it ends with the server."""


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
        self._keeper = Keeper(
            config.data_dir, offices.resolver, candidates=self._name_groups, install=self._take_certificates
        )
        self._keeper.configure(settings_of(config))
        certificates = dataclasses.replace(offices.certificates, keeper=self._keeper)
        self.offices = dataclasses.replace(offices, measure=self.measure, certificates=certificates)
        self._started_at = time.time()
        self._expires: float | None = None  # the first certificate, as long as it is known
        self._measures: Measures
        self._metrics: list[socket.socket] = []  # where figures are asked for
        self.endpoints: Endpoints
        self._staff: Staff
        self._upkeep: tuple[Callable[[], Awaitable[None]], ...]  # work in the background, each until cancelled
        self._tls = TlsContext(self._certificate_files(config), find_others(config))
        self._tls.ask_clients(config.tls.client_authorities)
        answer_handshakes(self._tls.web, Challenges(config.data_dir))

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
        Raises: ConfigError (a file of it cannot be used), Locked, CertificateError, BindError, Unavailable (the data
        cannot be read).
        """
        require_files(config)
        with _locked(config, "a mailkeep server"), ExitStack() as stack:
            opened = cls._together(config, stack) if config.workers > 1 else cls._alone(config, stack)
            async with opened as server, server._running(stack):  # noqa: SLF001  of this very class
                yield server

    @classmethod
    @asynccontextmanager
    async def _alone(cls, config: Config, stack: ExitStack) -> AsyncIterator[Server]:
        """This process does everything."""
        bus, shared = Bus(), Shared.alone()
        async with open_store(config) as store:
            server = cls(config, build_offices(config, store, bus, shared))
            bound = {name: sockets for name, (sockets,) in _bind(config, stack).items()}
            server._metrics = _bind_metrics(config, stack)
            server.endpoints = _endpoints({**bound, "metrics": server._metrics}, config)
            server.offices = dataclasses.replace(server.offices, site=site_at(server.offices.site, bound))
            indexer = Indexer(store, bus, lambda: [entry.account for entry in store.directory.list()])
            reception = Reception(config, server.offices, server._tls, shared.ledger)
            dispatch = Dispatch(config, server.offices, shared.ledger)
            server._staff = Here(reception, dispatch, bound)
            works = (store.maintain, store.tidy, indexer.run, dispatch.run, server.offices.authentication.run)
            server._upkeep = (*works, server._keeper.run)
            server._measures = Measures(
                store=store, offices=server.offices, reception=reception, dispatch=dispatch, indexer=indexer
            )
            yield server

    @classmethod
    @asynccontextmanager
    async def _together(cls, config: Config, stack: ExitStack) -> AsyncIterator[Server]:
        """Workers serve clients and write to shards; this process does the rest."""
        ticks = Ticks.make(MAX_SHARDS)
        stack.callback(ticks.close)
        shared = Shared(Ledger.make(config.workers + 1, config.workers), Recents.make())  # the last column is ours
        stack.callback(shared.close)
        paths = {number: worker_socket(config.data_dir, number) for number in range(config.workers)}
        peers = Peers(paths, config.workers, codec.VERSION)
        part = Part(owned=frozenset(), directory=True, spool="parent", carrier=peers, ticks=ticks)
        async with open_store(config, part) as store:
            server = cls(config, build_offices(config, store, Bus(peers.relay), shared))
            peers.on_unheard = store.on_unheard
            bound = _bind(config, stack)
            server._metrics = _bind_metrics(config, stack)
            first = {name: each[0] for name, each in bound.items()}
            server.endpoints = _endpoints({**first, "metrics": server._metrics}, config)
            server.offices = dataclasses.replace(server.offices, site=site_at(server.offices.site, first))
            server._upkeep = (store.maintain, store.tidy, server._keeper.run)
            server._measures = Measures(store=store, offices=server.offices)
            server._staff = Crew(
                config,
                server._tls.files,
                bound,
                shards=store.directory.shards,
                ticks=ticks,
                shared=shared,
                peers=peers,
                learn=partial(write_down_safely, store.directory),
            )
            yield server

    @asynccontextmanager
    async def _running(self, stack: ExitStack) -> AsyncIterator[None]:
        """Accept while the block runs, then drain."""
        failure: Exception | None = None
        async with asyncio.TaskGroup() as group:
            largest = self.config.limits.message_size + OVERHEAD
            door = Door(self._on_request, spawn=group.create_task, largest=largest)
            exposition = Exposition(self.measure, group.create_task)
            upkeep: list[asyncio.Task[None]] = []
            try:
                await self._staff.start(group.create_task)
                upkeep += [group.create_task(run_upkeep(work)) for work in self._upkeep]
                await self.accounts.finish()
                await exposition.start(self._metrics)
                await door.start([stack.enter_context(unix_socket(self.config.control_socket))])
                yield
            except Exception as error:  # noqa: BLE001  kept from the TaskGroup, which would wrap it
                failure = error
            finally:
                async with asyncio.TaskGroup() as ending:
                    ending.create_task(self._staff.drain())
                    ending.create_task(drain([door]))
                await self._staff.stop()
                exposition.close()
                for task in upkeep:
                    task.cancel()
        if failure is not None:
            raise failure

    def reload(self, config: Config) -> tuple[str, ...]:
        """Take over the certificate, and the options of `RELOADED`; connections stay.

        Returns: the keys of changed options that need a restart.
        Raises: ConfigError, CertificateError (nothing has changed then).
        """
        require_files(config)
        self._tls.reload(self._certificate_files(config), find_others(config))
        self._tls.ask_clients(config.tls.client_authorities)
        changed = tuple(key for key in _changed(self.config, config) if not key.startswith(RELOADED))
        self.config = config
        self._expires = None
        self._staff.reload(config, self._tls.files)
        self.accounts.quota = first_quota(config)
        self.offices = dataclasses.replace(
            self.offices,
            message_size=config.limits.message_size,
            certificates=dataclasses.replace(build_certificates(config), keeper=self._keeper),
        )
        self._keeper.configure(settings_of(config))
        return changed

    async def measure(self) -> Figures:
        """What all processes of the server count."""
        others = await self._staff.measure()
        own = [("start_time_seconds", (), self._started_at), *self._expiry()]
        return add_up((*own, *await self._measures.read(), *others))

    def _expiry(self) -> Iterator[Figure]:
        if self._expires is None:  # reading many takes a while
            self._expires = first_expiry((self._tls.files, *self._tls.others.values()))
        if self._expires is not None:
            yield "certificate_expiry_timestamp_seconds", (), self._expires

    def refresh_certificate(self) -> None:
        """Add the names of new domains to a self-signed certificate, or ask an authority for one."""
        if set(self._names(self.config)) - self._certified:
            self._take_certificates()
            self._keeper.wake()

    def _take_certificates(self) -> None:
        """Show those that there are now, in every process.  Raises: CertificateError."""
        self._tls.reload(self._certificate_files(self.config), find_others(self.config))
        self._expires = None
        self._staff.reload(self.config, self._tls.files)
        log.info("tls.renewed")

    def _certificate_files(self, config: Config) -> CertificateFiles:
        names = self._names(config)
        self._certified = frozenset(names)
        source, files = build_certificates(config).find_host()
        if source is Source.SELF_SIGNED:
            return ensure_self_signed(config.data_dir, names, dt.datetime.now(dt.UTC))
        return files

    def _names(self, config: Config) -> tuple[str, ...]:
        return names_for(config.hostname, self._domains(), config.tls.names)

    def _name_groups(self) -> dict[str, tuple[str, ...]]:
        return name_groups(self.config, self._domains())

    def _domains(self) -> list[str]:
        domains = [parse_address(account.address).domain for account in self.offices.accounts.list()]
        return domains + [domain.name for domain in self.offices.domains.list()]

    async def _on_request(self, name: str, arguments: bytes) -> bytes:
        answer = await run_encoded(self.offices, name, arguments)
        self.refresh_certificate()
        return answer


def _bind(config: Config, stack: ExitStack) -> dict[str, list[list[socket.socket]]]:
    """Sockets for every listener that is switched on, for each worker; closed by `stack` if nobody takes them.

    Raises: BindError.
    """
    bound: dict[str, list[list[socket.socket]]] = {}
    for name in ("imap", "imaps", "pop3", "pop3s", "lmtp", "smtp", "submission", "submissions", "http", "https"):
        address = getattr(config.listen, name)
        if address is not None:
            bound[name] = tcp_sockets(address, f"listen.{name}", config.workers)
            for one in itertools.chain.from_iterable(bound[name]):
                stack.enter_context(one)
    if config.lmtp_socket is not None:
        bound["lmtp_socket"] = [[stack.enter_context(unix_socket(config.lmtp_socket))]] * config.workers
    return bound


def _bind_metrics(config: Config, stack: ExitStack) -> list[socket.socket]:
    """Sockets where figures are asked for, if there are to be any.  Raises: BindError."""
    if config.metrics.listen is None:
        return []
    [sockets] = tcp_sockets(config.metrics.listen, "metrics.listen")
    for one in sockets:
        stack.enter_context(one)
    return sockets


def _endpoints(bound: Mapping[str, list[socket.socket]], config: Config) -> Endpoints:
    def where(name: str) -> tuple[str, int] | None:
        if not bound.get(name):
            return None
        host, port = bound[name][0].getsockname()[:2]
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port  # noqa: S104  an address to connect to

    return Endpoints(
        imap=where("imap"),
        imaps=where("imaps"),
        pop3=where("pop3"),
        pop3s=where("pop3s"),
        lmtp=where("lmtp"),
        lmtp_socket=config.lmtp_socket,
        smtp=where("smtp"),
        submission=where("submission"),
        submissions=where("submissions"),
        http=where("http"),
        https=where("https"),
        metrics=where("metrics"),
    )


def _changed(old: Config, new: Config) -> Iterator[str]:
    for option in options():
        pick = attrgetter(option.key)
        if pick(old) != pick(new):
            yield option.key
