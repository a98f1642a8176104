"""What a listener does before anybody has been accepted."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import uvloop

from mailkeep.net.connection import Connection, Session
from mailkeep.net.limits import AddressLimit
from mailkeep.net.listener import BACKLOG, Listener
from mailkeep.service.ledger import Ledger

MAX_BACKLOG = 28  # of a listening socket: where tcpi_sacked is in the kernel's tcp_info


def _nobody(_: Connection) -> Session:
    raise AssertionError


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_hundreds_of_connections_may_wait_to_be_accepted(new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """Those for which there is no room are dropped, and come again only after a second or more."""

    async def main() -> int:
        with socket.create_server(("127.0.0.1", 0)) as bound:
            listener = Listener("test", _nobody, limit=AddressLimit(Ledger.alone(), 10))
            await listener.start((bound.dup(),))
            info = bound.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
            listener.drain()
        backlog: int = struct.unpack_from("I", info, MAX_BACKLOG)[0]
        return backlog

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(main()) == min(BACKLOG, int(Path("/proc/sys/net/core/somaxconn").read_text()))
