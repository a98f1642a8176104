"""What a worker does for its peers: their writes to its shards, their hints to its sessions."""

from __future__ import annotations

from mailkeep.model.change import Hint
from mailkeep.model.ids import AccountId
from mailkeep.service.bus import Bus
from mailkeep.store import codec
from mailkeep.store.sqlite.store import SqliteStore
from mailkeep.workers.peers import Write


class ShardOwner:
    """See `mailkeep.workers.peers.Owner`."""

    def __init__(self, store: SqliteStore, bus: Bus) -> None:
        self._store = store
        self._bus = bus

    async def write(self, request: Write) -> bytes:
        """Carry out and encode.  Raises: MailError."""
        op = codec.find_op(request.name, request.version)
        arguments = codec.decode_arguments(request.name, request.arguments)
        return codec.encode(await self._store.carry_out(request.shard, op, AccountId(request.account), arguments))

    def write_later(self, request: Write) -> None:
        """With the next commit.  Raises: MailError."""
        op = codec.find_op(request.name, request.version)
        arguments = codec.decode_arguments(request.name, request.arguments)
        self._store.carry_out_later(request.shard, op, AccountId(request.account), arguments)

    def hint(self, hint: Hint) -> None:
        """To the sessions of this process."""
        self._bus.deliver(hint)

    def doubt(self) -> None:
        """Look everywhere."""
        self._bus.doubt()
