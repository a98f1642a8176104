"""Metadata: named values that clients keep with a mailbox, or with the server (RFC 5464).

- An entry below ``/private`` has a value of its own for each account that reads it; one below ``/shared`` has one for
  all who may see the mailbox.
- Names of entries know no letter case; they are kept, and come back, in lower case.
- ``/shared`` entries of the server come from the configuration and cannot be changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from mailkeep.model.change import Hint
from mailkeep.model.errors import Forbidden, TooLarge, Unsupported
from mailkeep.model.ids import AccountId, MailboxId, ModSeq
from mailkeep.model.mailbox import Role
from mailkeep.model.metadata import MAX_VALUE, SPECIAL_USE, THE_SERVER, Depth, MetadataChange, Metadatum, is_private
from mailkeep.service.bus import Bus
from mailkeep.store import ops
from mailkeep.store.contract import Store

NOWHERE: Final[frozenset[MailboxId]] = frozenset()
ANY_SIZE: Final = 2**63 - 1


class Metadata:
    """The verbs.  `server`: the shared entries of the server, by name in lower case."""

    def __init__(self, store: Store, bus: Bus, server: Mapping[str, bytes]) -> None:
        self._store = store
        self._bus = bus
        self.server = server  # may be changed at any time

    async def get(
        self,
        account: AccountId,
        mailbox: MailboxId,
        entries: Iterable[str],
        *,
        reader: AccountId,
        depth: Depth = Depth.ITSELF,
        max_size: int = ANY_SIZE,
    ) -> tuple[Metadatum, ...]:
        """Those of `entries` that have a value, and those below them down to `depth`, each once.

        `account` owns the mailbox (or, with THE_SERVER, asks for itself); `reader` is whose private entries are meant.
        Larger values than `max_size` octets come without their octets.
        """
        wanted = _distinct((entry.lower() for entry in entries), depth)
        found = await self._store.read(ops.get_metadata, account, mailbox, reader, wanted, depth, max_size)
        if mailbox == THE_SERVER:
            return (*self._of_server(wanted, depth, max_size), *found)
        return found

    async def mailboxes(self, account: AccountId) -> frozenset[MailboxId]:
        """Which mailboxes of the account have metadata at all."""
        return frozenset(await self._store.read(ops.with_metadata, account))

    def _of_server(self, entries: Iterable[str], depth: Depth, max_size: int) -> Iterable[Metadatum]:
        for entry, value in self.server.items():
            if any(_is_meant(entry, asked, depth) for asked in entries):
                yield Metadatum(entry, len(value), value if len(value) <= max_size else None)

    async def set(
        self,
        account: AccountId,
        mailbox: MailboxId,
        values: Iterable[tuple[str, bytes | None]],
        *,
        reader: AccountId,
    ) -> ModSeq:
        """Give new values to entries, None to remove them; all or none, on disk when this returns.

        SPECIAL_USE gives the mailbox a role, and takes it from the one that had it.
        Returns the modseq of the change, 0 if there was none.
        Raises: NotFound (the mailbox), TooLarge (a value), LimitReached (of entries, or of octets in all), Forbidden (a
        shared entry of the server), Unsupported (no such special use).
        """
        wanted = tuple({entry.lower(): value for entry, value in values}.items())
        if any(entry == SPECIAL_USE for entry, _ in wanted):
            if reader != account or mailbox == THE_SERVER:
                raise Unsupported("Only a mailbox of one's own can have a special use")
            wanted = tuple((entry, _role(value) if entry == SPECIAL_USE else value) for entry, value in wanted)
        if mailbox == THE_SERVER and not all(is_private(entry) for entry, _ in wanted):
            raise Forbidden("Shared entries of the server are set by its administrator")
        if any(value is not None and len(value) > MAX_VALUE for _, value in wanted):
            raise TooLarge(f"A value has at most {MAX_VALUE} octets")
        modseq = await self._store.write(ops.set_metadata, account, mailbox, reader, wanted)
        if not modseq:
            return modseq
        tree = any(entry == SPECIAL_USE for entry, _ in wanted)
        where = NOWHERE if mailbox == THE_SERVER else frozenset({mailbox})  # its HIGHESTMODSEQ has gone up
        self._bus.publish(Hint(account, where, modseq, tree=tree, metadata=True))
        return modseq

    async def changes(
        self, account: AccountId, since: ModSeq, *, reader: AccountId
    ) -> tuple[ModSeq, tuple[MetadataChange, ...]]:
        """What was set or removed after `since` that `reader` may know of, by mailbox; and up to when that is all.

        Raises: NotFound (the account).
        """
        return await self._store.read(ops.metadata_changes, account, reader, since)

    async def now(self, account: AccountId) -> ModSeq:
        """Where the account stands: `changes` after it are news.  Raises: NotFound."""
        return ModSeq((await self._store.read(ops.get_account, account)).modseq)


def _distinct(entries: Iterable[str], depth: Depth) -> tuple[str, ...]:
    """Each once, and none that is meant with another one anyway."""
    names = dict.fromkeys(entries)
    if depth is not Depth.ALL:
        return tuple(names)
    return tuple(name for name in names if not any(above in names for above in _above(name)))


def _above(entry: str) -> Iterable[str]:
    while entry := entry.rpartition("/")[0]:
        yield entry


def _role(value: bytes | None) -> bytes | None:
    """A special use in the spelling of its RFC; None for none.  Raises: Unsupported."""
    attributes = (value or b"").split()
    if not attributes:
        return None
    role = Role.parse(attributes[0].decode("ascii", "replace"))
    if role is None or len(attributes) > 1:
        raise Unsupported("This special use is not supported")
    return b"\\" + role.encode()


def _is_meant(entry: str, asked: str, depth: Depth) -> bool:
    if entry == asked:
        return True
    below = entry[len(asked) + 1 :]
    return depth is not Depth.ITSELF and entry.startswith(asked + "/") and (depth is Depth.ALL or "/" not in below)
