"""A worker: a process that serves clients, and writes to the shards it owns.

It is started by `crew.Crew` as ``python -m mailkeep.workers.worker DESCRIPTOR``.  Signals are the parent's business; a
worker whose parent has gone ends at once: what it has acknowledged is on disk.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import socket
import sys
from pathlib import Path
from typing import NoReturn

from mailkeep import telemetry
from mailkeep.acme.challenges import Challenges, answer_handshakes
from mailkeep.certificates import CertificateError, CertificateFiles, TlsContext
from mailkeep.config import Config, parse
from mailkeep.dispatch import Dispatch
from mailkeep.issuing import find_others
from mailkeep.loop import run_loop
from mailkeep.measures import Measures
from mailkeep.model.errors import MailError
from mailkeep.offices import Shared, build_offices, open_store, run_upkeep, site_at
from mailkeep.reception import Reception
from mailkeep.service.bus import Bus
from mailkeep.service.indexer import Indexer
from mailkeep.service.ledger import Ledger
from mailkeep.service.lessons import Lesson, Rehashed, Used
from mailkeep.service.recents import Recents
from mailkeep.sockets import unix_socket
from mailkeep.store import codec
from mailkeep.store.sqlite.store import Part, SqliteStore
from mailkeep.store.sqlite.ticks import Ticks
from mailkeep.workers.channel import (
    Accept,
    Accepting,
    Begin,
    Channel,
    Drain,
    Drained,
    Measure,
    Measured,
    Message,
    NoteUse,
    Opened,
    Rehash,
    Reload,
    Stop,
    Unable,
    open_channel,
    worker_socket,
)
from mailkeep.workers.owner import ShardOwner
from mailkeep.workers.peers import PeerDoor, Peers

log = telemetry.logger()


def main() -> None:
    """Serve until the parent says that it is over."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # a terminal or a service manager sends them to all processes
    run_loop(_run(socket.socket(fileno=int(sys.argv[1]))))


async def _run(inherited: socket.socket) -> None:
    channel = await open_channel(inherited)
    begin = await _hear(channel)
    assert isinstance(begin, Begin)
    config = _config(begin.config)
    telemetry.configure(config.log.level, config.log.format, worker=begin.number)
    worker = Worker(begin, config, channel)
    try:
        await worker.run()
    except MailError as error:
        channel.send(Unable(error.text))
        await channel.close()
        raise SystemExit(1) from error
    await channel.close()


async def _hear(channel: Channel) -> Message:
    message = await channel.receive()
    if message is None:
        _orphaned()
    return message


def _orphaned() -> NoReturn:
    os._exit(1)


def _config(text: str) -> Config:
    return parse(text, Path.cwd() / "options")


class Worker:
    """One worker."""

    def __init__(self, begin: Begin, config: Config, channel: Channel) -> None:
        self._begin = begin
        self._config = config
        self._channel = channel
        paths = {n: worker_socket(config.data_dir, n) for n in range(begin.count) if n != begin.number}
        self._peers = Peers(paths, begin.count, codec.VERSION)
        files = CertificateFiles(Path(begin.certificate), Path(begin.key))
        self._tls = TlsContext(files, find_others(config))
        self._tls.ask_clients(config.tls.client_authorities)
        answer_handshakes(self._tls.web, Challenges(config.data_dir))

    async def run(self) -> None:
        """Until the parent says that it is over.  Raises: Unavailable (the data cannot be opened)."""
        begin = self._begin
        part = Part(
            owned=frozenset(range(begin.number, begin.shards, begin.count)),
            directory=False,
            spool=f"worker-{begin.number}",
            carrier=self._peers,
            ticks=Ticks(begin.ticks),
        )
        async with open_store(self._config, part) as store, asyncio.TaskGroup() as group:
            with unix_socket(worker_socket(self._config.data_dir, begin.number)) as bound:
                bus = Bus(self._peers.relay)
                door = PeerDoor(ShardOwner(store, bus), group.create_task)
                await door.start(bound)
                self._channel.send(Opened())
                await self._serve(store, bus, group)
                door.close()

    async def _serve(self, store: SqliteStore, bus: Bus, group: asyncio.TaskGroup) -> None:
        message = await _hear(self._channel)
        if not isinstance(message, Accept):  # the server stops before it has begun
            return
        shared = Shared(
            Ledger.join(self._begin.ledger, self._begin.count + 1, self._begin.number),
            Recents.join(self._begin.recents),
        )
        sockets = {name: [socket.socket(fileno=fd) for fd in fds] for name, fds in self._begin.sockets.items()}
        offices = build_offices(self._config, store, bus, shared, self._learn)
        offices = dataclasses.replace(offices, site=site_at(offices.site, sockets))
        self._peers.on_unheard = store.on_unheard
        indexer = _indexer(store, bus)
        self._peers.start(group.create_task)
        dispatch = Dispatch(self._config, offices, shared.ledger)
        works = (store.maintain, store.tidy, indexer.run, dispatch.run, offices.authentication.run)
        upkeep = [group.create_task(run_upkeep(work)) for work in works]
        reception = Reception(self._config, offices, self._tls, shared.ledger)
        await reception.start(sockets, group.create_task)
        self._channel.send(Accepting())
        measures = Measures(store=store, offices=offices, reception=reception, dispatch=dispatch, indexer=indexer)
        while True:
            match await _hear(self._channel):
                case Reload() as message:
                    self._reload(reception, dispatch, message)
                case Measure():
                    self._channel.send(Measured(await measures.read()))
                case Drain():
                    async with asyncio.TaskGroup() as ending:
                        ending.create_task(dispatch.drain())
                        await reception.drain()
                    await self._peers.flush()
                    self._channel.send(Drained())
                case Stop():
                    break
                case message:
                    raise AssertionError(message)
        for task in upkeep:
            task.cancel()
        self._peers.close()

    def _learn(self, lesson: Lesson) -> None:
        """The parent writes the directory."""
        match lesson:
            case Rehashed(account, old, new, scram):
                self._channel.send(Rehash(account, old, new, scram))
            case Used(at):
                self._channel.send(NoteUse(at))

    def _reload(self, reception: Reception, dispatch: Dispatch, message: Reload) -> None:
        config = _config(message.config)
        try:
            self._tls.reload(CertificateFiles(Path(message.certificate), Path(message.key)), find_others(config))
            self._tls.ask_clients(config.tls.client_authorities)
        except CertificateError as error:
            log.error("worker.reload_refused", reason=str(error))
            return
        reception.reload(config)
        dispatch.reload(config)
        telemetry.configure(config.log.level, config.log.format, worker=self._begin.number)
        log.info("worker.reloaded")


def _indexer(store: SqliteStore, bus: Bus) -> Indexer:
    """Indexes the accounts of this worker's shards, and hears of no others."""
    own = Bus()
    bus.subscribe_all(lambda hint: own.deliver(hint) if store.owns(hint.account) else None)
    return Indexer(store, own, lambda: [e.account for e in store.directory.list() if store.owns(e.account)])


if __name__ == "__main__":
    main()
