"""Dialogues without sockets: what stands where the connection engine, and where delivery is."""

from __future__ import annotations

import ssl
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest

from mailkeep.model.errors import MailError, NotFound, OverQuota, Unavailable
from mailkeep.model.ids import AccountId, MailboxId, MessageId, ModSeq, Uid
from mailkeep.model.message import Appended
from mailkeep.net.connection import Connection
from mailkeep.service.authentication import CLEAR, Secured
from mailkeep.service.spool import Octets
from mailkeep.service.tally import Tally
from mailkeep.service.trace import Origin
from mailkeep.smtp.connection import SmtpConnection

T = TypeVar("T")


@dataclass
class Wire:
    """Stands where the connection engine is."""

    peer: str = "127.0.0.1"
    tls: bool = False
    busy: bool = False
    stalled: bool = False
    said: bytearray = field(default_factory=bytearray)
    closed: bool = False
    deadlines: int = 0

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.said += data

    async def drain(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True

    def set_deadline(self, seconds: float) -> None:
        assert seconds > 0
        self.deadlines += 1

    def secured(self) -> Secured:
        return CLEAR

    async def start_tls(self, context: ssl.SSLContext) -> None:
        self.tls = True


@dataclass
class Postman:
    """Stands where delivery is: knows Ann and Bob, and has their mail."""

    delivered: list[tuple[str, str, bytes]] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)
    trouble: dict[str, MailError] = field(default_factory=dict)
    full: set[int] = field(default_factory=set)
    failing: set[int] = field(default_factory=set)
    fields: list[tuple[bytes, bool]] = field(default_factory=list)

    def is_local(self, domain: str) -> bool:
        return domain.lower() == "example.org"

    def resolve(self, recipient: str) -> tuple[AccountId, ...]:
        name = recipient.partition("@")[0].partition("+")[0].lower()
        accounts = {"ann": (1,), "bob": (2,), "all": (1, 2), "postmaster": (1,)}
        if name not in accounts:
            raise NotFound("No such user here")
        return tuple(map(AccountId, accounts[name]))

    def may_send(self, account: AccountId, address: str) -> bool:
        return account in self.resolve(address)

    async def require_room(self, account: AccountId, octets: int) -> None:
        if account in self.full:
            raise OverQuota("Mailbox is full")

    async def deliver(
        self,
        account: AccountId,
        recipient: str,
        sender: str,
        octets: Octets,
        origin: Origin,
        *,
        fields: bytes = b"",
        junk: bool = False,
    ) -> Appended:
        if account in self.failing:
            raise Unavailable("Disk full")
        if recipient in self.trouble:
            raise self.trouble[recipient]
        data = octets.path.read_bytes() if octets.path is not None else octets.data
        assert data is not None
        self.delivered.append((sender, recipient, data))
        self.origins.append(origin)
        self.fields.append((fields, junk))
        return Appended(MailboxId(1), 1, (Uid(len(self.delivered)),), ModSeq(1), MessageId(1))


class Lane:
    """Stands where the tasks of the server are."""

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        return await work


class Dialogue:
    """One side of a dialogue; the session is made by who inherits."""

    session: SmtpConnection

    def __init__(self, spool: Path, *, peer: str = "127.0.0.1", tls: bool = False) -> None:
        self.wire, self.postman, self.spool, self.tally = Wire(peer, tls), Postman(), spool, Tally()

    @property
    def connection(self) -> Connection:
        return cast("Connection", self.wire)

    def answers(self) -> list[str]:
        """What was said since the last call."""
        said = bytes(self.wire.said).decode()
        self.wire.said.clear()
        assert not said or said.endswith("\r\n")
        return said.split("\r\n")[:-1]

    def say(self, octets: bytes | str) -> list[str]:
        """Feed octets, run what they ask for, and give the answers."""
        self.session.feed(octets.encode() if isinstance(octets, str) else octets)
        while not self.wire.closed and (step := self.session.next()) is not None:
            with pytest.raises(StopIteration):
                step.send(None)
        return self.answers()

    def codes(self, octets: bytes | str) -> list[str]:
        """The replies as code and enhanced code."""
        return [" ".join(line.split(" ")[:2]) for line in self.say(octets) if line[3:4] == " "]
