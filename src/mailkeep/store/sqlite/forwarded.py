"""Writes of a shard that another process owns."""

from __future__ import annotations

from typing import Any, Protocol

from mailkeep.store import codec
from mailkeep.store.ops import OPS
from mailkeep.store.sqlite.writer import Job


class Carrier(Protocol):
    """Takes operations to the process that owns their shard (see `SqliteStore.carry_out`)."""

    async def carry(self, shard: int, name: str, account: int, arguments: bytes) -> bytes:
        """The result, when it is on disk.

        Raises: what the operation raises, and Unavailable: nobody knows whether it was carried out.
        """
        ...

    def carry_lazily(self, shard: int, name: str, account: int, arguments: bytes) -> None:
        """Let it be done with the next commit; where the owner is away, forget it."""
        ...


class ForwardedWrites:
    """Sends every write to the owner of the shard."""

    def __init__(self, shard: int, carrier: Carrier) -> None:
        self._shard = shard
        self._carrier = carrier

    async def submit(self, item: Job, /) -> Any:
        """The answer comes when it is on disk.  Raises: what the operation raises, and Unavailable."""
        name = _name(item)
        return codec.decode_result(
            name, await self._carrier.carry(self._shard, name, item.account, codec.encode(item.args))
        )

    def submit_lazily(self, item: Job, /) -> None:
        """Do it with the owner's next commit."""
        self._carrier.carry_lazily(self._shard, _name(item), item.account, codec.encode(item.args))


def _name(item: Job) -> str:
    name = item.op.__name__
    assert name in OPS, f"{name} cannot travel"
    return name
