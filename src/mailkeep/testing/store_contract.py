"""What every store must do, as a test suite that other stores can run too.

Subclass `StoreContract` in a test module, under a name that begins with ``Test``, and say how a store is opened.
"""

# ruff: noqa: D102, S311, FBT003   names of tests are sentences; chance needs no secrecy; operations are positional

from __future__ import annotations

import asyncio
import functools
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest

from mailkeep.model.change import What
from mailkeep.model.errors import (
    AlreadyExists,
    Forbidden,
    Invalid,
    LimitReached,
    MailError,
    NeverFits,
    NotFound,
    OverQuota,
    StateTooOld,
    Unsupported,
)
from mailkeep.model.flags import FIRST_KEYWORD, MAX_KEYWORDS
from mailkeep.model.ids import AccountId, MailboxId, MessageId, ModSeq, Uid
from mailkeep.model.mailbox import Mailbox, Role
from mailkeep.model.message import Appended, FlagState, Stored
from mailkeep.model.metadata import SPECIAL_USE, THE_SERVER, Depth
from mailkeep.model.quota import Quota, Usage
from mailkeep.model.uidset import EMPTY, UidSet
from mailkeep.store import ops
from mailkeep.store.contract import (
    IN_ROW_LIMIT,
    SEGMENT,
    AccountState,
    Also,
    Derived,
    Directory,
    How,
    NewMessage,
    Op,
    Rows,
    Store,
    TextIndex,
    TextSegment,
)

T = TypeVar("T")

NOW = 1_700_000_000
SEEN, FLAGGED, DELETED = 1, 4, 8
GUEST = AccountId(99)  # somebody else


class OpenStore(Store, Protocol):
    """A store, and what else the suite needs of it."""

    directory: Any  # a Directory


@dataclass
class World:
    """A store with one account, and short words for what tests do to it."""

    store: OpenStore
    account: AccountId

    @classmethod
    async def make(cls, store: OpenStore, address: str = "ann@example.org", quota: int | None = None) -> World:
        """A store's first account, or another one."""
        directory: Directory = store.directory
        entry = directory.add(address, None, NOW)
        await store.write(ops.create_account, entry.account, Quota(octets=quota), NOW)
        return cls(store, entry.account)

    async def share(self, mailbox: MailboxId, rights: str, who: str = f"{GUEST}") -> None:
        """Let somebody have just these rights."""
        await self.store.write(ops.set_acl, self.account, None, mailbox, who, How.REPLACE, rights)

    async def box(self, name: str = "INBOX") -> Mailbox:
        """The mailbox of that name."""
        found = await self.store.read(ops.find_mailbox, self.account, name)
        assert found is not None
        return found

    async def make_box(self, name: str, now: int = NOW) -> Mailbox:
        """A new mailbox."""
        return await self.store.write(ops.create_mailbox, self.account, name, None, True, now)

    async def append(self, *bodies: bytes, to: str = "INBOX", mask: int = 0, keywords: Sequence[str] = ()) -> Appended:
        """One message for each body, all with the same flags."""
        new = [
            NewMessage(
                blob=await self.store.put_blob(self.account, body),
                internaldate=NOW,
                mask=mask,
                keywords=tuple(keywords),
            )
            for body in bodies
        ]
        return await self.store.write(ops.append, self.account, (await self.box(to)).id, tuple(new), NOW)

    async def set_metadata(self, mailbox: MailboxId, *values: tuple[str, bytes | None]) -> ModSeq:
        """Entries of the account itself."""
        return await self.store.write(ops.set_metadata, self.account, mailbox, self.account, values)

    async def metadata(
        self, mailbox: MailboxId, *entries: str, reader: AccountId | None = None, depth: Depth = Depth.ITSELF
    ) -> list[tuple[str, bytes | None]]:
        """Entries with their values."""
        found = await self.store.read(
            ops.get_metadata, self.account, mailbox, reader or self.account, entries, depth, 1 << 20
        )
        return [(one.entry, one.value) for one in found]

    async def store_flags(
        self,
        uids: Sequence[int],
        mask: int = 0,
        how: How = How.ADD,
        keywords: Sequence[str] = (),
        unchanged_since: int | None = None,
        box: str = "INBOX",
    ) -> Stored:
        """STORE."""
        since = None if unchanged_since is None else ModSeq(unchanged_since)
        mailbox = (await self.box(box)).id
        return await self.store.write(
            ops.store_flags, self.account, mailbox, UidSet(uids), how, mask, tuple(keywords), since
        )

    async def expunge(self, *uids: int, box: str = "INBOX", now: int = NOW) -> UidSet:
        r"""Mark as \Deleted and expunge."""
        mailbox = (await self.box(box)).id
        await self.store_flags(uids, DELETED, box=box)
        _, gone = await self.store.write(ops.expunge, self.account, mailbox, UidSet(uids), now)
        return gone

    async def uids(self, box: str = "INBOX") -> list[int]:
        """What is there."""
        shot = await self.store.read(ops.snapshot, self.account, (await self.box(box)).id)
        return list(shot.uids)

    async def body(self, uid: int, box: str = "INBOX") -> bytes:
        """Octets of a message."""
        mailbox = (await self.box(box)).id
        [one] = await self.store.read(ops.fetch, self.account, mailbox, UidSet([uid]), (), Also.GONE)
        return self.store.open_blob(self.account, one.entry.blob).read()

    async def modseq(self) -> int:
        """The account's counter."""
        return (await self.store.read(ops.get_account, self.account)).modseq

    async def text_index(self) -> TextIndex:
        """How far texts are indexed."""
        return await self.store.read(ops.get_text_index, self.account)

    async def put_text(
        self,
        segment: int,
        data: bytes,
        *,
        version: int = 1,
        messages: Sequence[int] | None = None,
        loose: Sequence[int] = (),
    ) -> bool:
        """A segment of those messages, or of all that there can be."""
        low, next_message = segment * SEGMENT, (await self.text_index()).next_message
        indexed_to = min(low + SEGMENT, next_message)
        new = TextSegment(
            segment=segment,
            version=version,
            indexed_to=indexed_to,
            messages=UidSet(range(max(low, 1), indexed_to) if messages is None else messages),
            loose=UidSet(loose),
            data=(("body", segment, data), ("head", segment, b"")),
        )
        return await self.store.write(ops.put_text, self.account, new)

    async def everything(self) -> object:
        """All that can be seen of the account."""
        read, account = self.store.read, self.account
        boxes = await read(ops.list_mailboxes, account)
        shots = [await read(ops.snapshot, account, box.id) for box in boxes]
        rest = [await read(op, account) for op in (ops.list_subscriptions, ops.keywords, ops.get_account)]
        metadata = await read(ops.metadata_changes, self.account, self.account, ModSeq(0))
        return boxes, shots, rest, metadata


Scenario = Callable[[Any, World], Awaitable[None]]


def scenario(test: Scenario) -> Callable[[Any, Path], None]:
    """A test that is given a `World`; whatever it did, the store must be sound afterwards."""

    @functools.wraps(test)
    def run(self: StoreContract, tmp_path: Path) -> None:
        async def main() -> None:
            async with self.open_store(tmp_path) as store:
                world = await World.make(store)
                await test(self, world)
                assert await store.check(world.account) == ()

        asyncio.run(main())

    del run.__wrapped__  # pytest would look for the arguments of the test itself
    return run


class Boom(Exception):
    """The fault that a test injects."""


def failing_at(n: int, op: Callable[..., Op[T]]) -> Callable[..., Op[T]]:
    """`op`, but instead of statement `n` comes a fault."""

    def wrapped(*args: Any) -> Op[T]:
        generator = op(*args)
        rows: Rows | None = None
        for i in count():
            try:
                statement = next(generator) if rows is None else generator.send(rows)
            except StopIteration as done:
                result: T = done.value
                return result
            if i == n:
                raise Boom
            rows = yield statement
        raise AssertionError

    return wrapped


class StoreContract:
    """The suite.  Each test has a store of its own in an empty directory."""

    def open_store(self, directory: Path) -> AbstractAsyncContextManager[OpenStore]:
        """Open the store in `directory`, or the one that is there already."""
        raise NotImplementedError

    # --- accounts and mailboxes

    @scenario
    async def test_a_new_account_has_its_mailboxes_with_roles_all_subscribed(self, world: World) -> None:
        boxes = await world.store.read(ops.list_mailboxes, world.account)
        assert {box.name: box.role for box in boxes} == {
            "INBOX": None,
            "Sent": Role.SENT,
            "Drafts": Role.DRAFTS,
            "Trash": Role.TRASH,
            "Junk": Role.JUNK,
            "Archive": Role.ARCHIVE,
        }
        subscribed = await world.store.read(ops.list_subscriptions, world.account)
        assert subscribed == tuple(box.name for box in boxes)

    @scenario
    async def test_creating_an_account_again_changes_nothing(self, world: World) -> None:
        before = await world.everything()
        await world.store.write(ops.create_account, world.account, Quota(octets=5), NOW + 9)
        assert await world.everything() == before

    @scenario
    async def test_create_makes_missing_mailboxes_above_and_subscribes(self, world: World) -> None:
        made = await world.make_box("Work/2026/Projects")
        assert (made.name, made.total, made.uidnext, made.selectable) == ("Work/2026/Projects", 0, 1, True)
        assert (await world.box("Work/2026")).selectable
        assert {"Work", "Work/2026/Projects"} <= set(await world.store.read(ops.list_subscriptions, world.account))

    @scenario
    async def test_mailbox_names_are_nfc_and_case_sensitive_but_for_inbox(self, world: World) -> None:
        await world.make_box("cafe\u0301")
        assert (await world.box("caf\u00e9")).name == "caf\u00e9"
        assert await world.store.read(ops.find_mailbox, world.account, "CAF\u00c9") is None
        assert (await world.box("inBox")).name == "INBOX"
        with pytest.raises(AlreadyExists):
            await world.make_box("Inbox")

    @scenario
    async def test_impossible_mailbox_names_are_refused(self, world: World) -> None:
        for name in ("", "/", "a/", "/a", "a//b", "a\x00b", "a\nb", "x" * 256, "/".join("a" * 33), "\ud800"):
            with pytest.raises(Invalid):
                await world.make_box(name)
        await world.make_box("\u00e9" * 127)
        await world.make_box("/".join("b" * 32))

    @scenario
    async def test_one_mailbox_has_a_role(self, world: World) -> None:
        with pytest.raises(AlreadyExists):
            await world.store.write(ops.create_mailbox, world.account, "Bin", Role.TRASH, True, NOW)

    @scenario
    async def test_a_deleted_name_is_free_and_its_next_uidvalidity_greater(self, world: World) -> None:
        first = await world.make_box("Work")
        await world.append(b"one", to="Work")
        await world.store.write(ops.delete_mailbox, world.account, first.id, NOW)
        assert await world.store.read(ops.find_mailbox, world.account, "Work") is None
        second = await world.make_box("Work", now=NOW - 1000)  # the clock went back
        assert second.uidvalidity > first.uidvalidity
        assert (second.id != first.id, second.total) == (True, 0)
        with pytest.raises(NotFound):
            await world.store.read(ops.get_mailbox, world.account, first.id)

    @scenario
    async def test_deleting_a_mailbox_with_children_leaves_a_name_that_cannot_be_selected(self, world: World) -> None:
        await world.make_box("a/b")
        parent = await world.box("a")
        await world.append(b"one", to="a")
        await world.store.write(ops.delete_mailbox, world.account, parent.id, NOW)
        left = await world.box("a")
        assert (left.id, left.selectable, left.total) == (parent.id, False, 0)
        with pytest.raises(Invalid):
            await world.append(b"two", to="a")
        with pytest.raises(Invalid):
            await world.store.write(ops.delete_mailbox, world.account, parent.id, NOW)
        await world.set_metadata(parent.id, ("/shared/x", b"1"))
        again = await world.make_box("a")
        assert again.selectable
        assert again.uidvalidity > parent.uidvalidity
        assert again.id != parent.id
        assert (await world.append(b"three", to="a")).uids == (1,)
        assert (await world.box("a/b")).selectable
        assert await world.metadata(again.id, "/shared/x") == [("/shared/x", b"1")]
        [back] = await world.store.write(ops.undelete, world.account, parent.id, None, None, NOW)
        assert (back.mailbox, back.source, back.target) == (again.id, (1,), (2,))

    @scenario
    async def test_inbox_cannot_be_deleted(self, world: World) -> None:
        with pytest.raises(Invalid):
            await world.store.write(ops.delete_mailbox, world.account, (await world.box()).id, NOW)

    @scenario
    async def test_rename_keeps_identity_and_takes_children_along(self, world: World) -> None:
        await world.make_box("a/b/c")
        await world.append(b"one", to="a/b")
        old = await world.box("a/b")
        new = await world.store.write(ops.rename_mailbox, world.account, old.id, "x/y", NOW + 5)
        assert (new.id, new.name, new.uidvalidity, new.uidnext) == (old.id, "x/y", old.uidvalidity, 2)
        assert (await world.box("x/y/c")).selectable
        assert await world.store.read(ops.find_mailbox, world.account, "a/b") is None
        subscribed = await world.store.read(ops.list_subscriptions, world.account)
        assert {"x/y", "x/y/c", "a/b"} <= set(subscribed)

    @scenario
    async def test_impossible_renames_are_refused(self, world: World) -> None:
        box = await world.make_box("a/b")
        parent = await world.box("a")
        refused: tuple[tuple[MailboxId, str, type[MailError]], ...] = (
            (parent.id, "a/b/c", Invalid),
            (parent.id, "INBOX", AlreadyExists),
            (parent.id, "Sent", AlreadyExists),
            (box.id, "a/b", AlreadyExists),
            ((await world.box()).id, "Old", Invalid),
            (parent.id, "/".join("x" * 32), Invalid),
            (MailboxId(999), "new", NotFound),
        )
        before = await world.everything()
        for mailbox, name, error in refused:
            with pytest.raises(error):
                await world.store.write(ops.rename_mailbox, world.account, mailbox, name, NOW)
        assert await world.everything() == before

    @scenario
    async def test_renaming_inbox_moves_its_messages_and_leaves_it_empty(self, world: World) -> None:
        await world.append(b"one", b"two", mask=SEEN)
        await world.make_box("INBOX/sub")
        before = await world.box()
        new, copied = await world.store.write(ops.rename_inbox, world.account, "Old", NOW)
        inbox = await world.box()
        assert (new.name, new.total, copied.source, copied.target) == ("Old", 2, (1, 2), (1, 2))
        assert (inbox.id, inbox.total, inbox.uidvalidity, inbox.uidnext) == (before.id, 0, before.uidvalidity, 3)
        assert (await world.box("INBOX/sub")).selectable
        assert await world.body(2, "Old") == b"two"

    @scenario
    async def test_subscriptions_may_name_what_is_missing_and_survive_deletion(self, world: World) -> None:
        await world.store.write(ops.subscribe, world.account, "not/there")
        box = await world.make_box("Work")
        await world.store.write(ops.delete_mailbox, world.account, box.id, NOW)
        assert {"not/there", "Work"} <= set(await world.store.read(ops.list_subscriptions, world.account))
        await world.store.write(ops.unsubscribe, world.account, "Work")
        modseq = await world.modseq()
        await world.store.write(ops.unsubscribe, world.account, "Work")
        assert "Work" not in await world.store.read(ops.list_subscriptions, world.account)
        assert await world.modseq() == modseq

    # --- messages

    @scenario
    async def test_appended_messages_have_ascending_uids_and_are_counted(self, world: World) -> None:
        first = await world.append(b"one")
        second = await world.append(b"two!", b"three", mask=SEEN | DELETED)
        box = await world.box()
        assert (first.uids, second.uids, first.uidvalidity) == ((1,), (2, 3), box.uidvalidity)
        assert (box.total, box.unseen, box.deleted, box.size, box.uidnext) == (3, 1, 2, 12, 4)
        assert box.modseq == second.modseq == first.modseq + 1
        usage = await world.store.read(ops.get_account, world.account)
        assert (usage.used_octets, usage.used_messages) == (12, 3)

    @pytest.mark.parametrize("size", [0, 1, IN_ROW_LIMIT - 1, IN_ROW_LIMIT, 100_000, 1_048_576])
    def test_octets_come_back_as_they_were(self, tmp_path: Path, size: int) -> None:
        async def main() -> None:
            octets = random.Random(size).randbytes(size)
            async with self.open_store(tmp_path) as store:
                world = await World.make(store)
                await world.append(octets)
            async with self.open_store(tmp_path) as store:
                world = World(store, world.account)
                assert await world.body(1) == octets
                blob = store.open_blob(world.account, 1)
                assert (blob.size, blob.read(7, 5), blob.read(size), blob.read(3)) == (
                    size,
                    octets[7:12],
                    b"",
                    octets[3:],
                )
                assert await store.check(world.account) == ()

        asyncio.run(main())

    @scenario
    async def test_a_spool_file_becomes_a_message(self, world: World) -> None:
        octets = random.Random(1).randbytes(3_000_000)
        spool = world.store.spool_dir / "incoming"
        spool.write_bytes(octets)
        blob = await world.store.put_blob(world.account, spool)
        assert not spool.exists()
        new = NewMessage(blob=blob, internaldate=NOW)
        await world.store.write(ops.append, world.account, (await world.box()).id, (new,), NOW)
        assert await world.body(1) == octets

    @scenario
    async def test_equal_large_octets_are_stored_once_but_are_two_messages(self, world: World) -> None:
        octets = b"same" * IN_ROW_LIMIT
        await world.append(octets, octets)
        mailbox = (await world.box()).id
        one, two = await world.store.read(ops.fetch, world.account, mailbox, UidSet([1, 2]), (), Also.BODIES)
        assert one.entry.blob == two.entry.blob
        assert one.entry.emailid != two.entry.emailid
        assert await world.body(1) == await world.body(2) == octets

    @scenario
    async def test_a_full_quota_refuses_append_and_copy_but_not_move(self, world: World) -> None:
        await world.append(b"12345678")
        await world.store.write(ops.set_quota, world.account, Quota(octets=10))
        before = await world.everything()
        inbox, sent = (await world.box()).id, (await world.box("Sent")).id
        with pytest.raises(OverQuota):
            await world.append(b"123")
        with pytest.raises(OverQuota):
            await world.store.write(ops.copy, world.account, inbox, UidSet([1]), sent, NOW)
        assert await world.everything() == before
        await world.store.write(ops.move, world.account, inbox, UidSet([1]), sent, NOW)
        assert await world.uids("Sent") == [1]

    @scenario
    async def test_what_is_not_there_is_not_found(self, world: World) -> None:
        missing, inbox = MailboxId(77), (await world.box()).id
        await world.append(b"one")
        new = (NewMessage(blob=await world.store.put_blob(world.account, b"x"), internaldate=NOW),)
        before = await world.everything()
        for op, args in (
            (ops.append, (missing, new, NOW)),
            (ops.copy, (inbox, UidSet([1]), missing, NOW)),
            (ops.move, (inbox, UidSet([1]), missing, NOW)),
            (ops.move, (missing, UidSet([1]), inbox, NOW)),
            (ops.expunge, (missing, None, NOW)),
            (ops.remove, (missing, UidSet([1]), NOW)),
            (ops.store_flags, (missing, UidSet([1]), How.ADD, SEEN, (), None)),
            (ops.delete_mailbox, (missing, NOW)),
        ):
            with pytest.raises(NotFound):
                await world.store.write(op, world.account, *args)
        assert await world.everything() == before

    @scenario
    async def test_copy_keeps_flags_and_identity_and_skips_what_is_missing(self, world: World) -> None:
        await world.append(b"one", b"two", b"three", mask=FLAGGED, keywords=["$Work"])
        inbox, sent = (await world.box()).id, (await world.box("Sent")).id
        copied = await world.store.write(ops.copy, world.account, inbox, UidSet([1, 3, 9]), sent, NOW + 60)
        assert (copied.source, copied.target) == ((1, 3), (1, 2))
        [a] = await world.store.read(ops.fetch, world.account, inbox, UidSet([3]), (), Also.NOTHING)
        [b] = await world.store.read(ops.fetch, world.account, sent, UidSet([2]), (), Also.NOTHING)
        assert (b.entry.mask, b.entry.emailid, b.entry.internaldate) == (a.entry.mask, a.entry.emailid, NOW)
        assert (b.entry.saved_at, b.entry.modseq) == (NOW + 60, copied.modseq)
        assert b.entry.mask == FLAGGED | 1 << FIRST_KEYWORD

    @scenario
    async def test_copy_into_the_same_mailbox_makes_new_entries(self, world: World) -> None:
        await world.append(b"one", b"two")
        inbox = (await world.box()).id
        copied = await world.store.write(ops.copy, world.account, inbox, UidSet([1, 2]), inbox, NOW)
        assert copied.target == (3, 4)
        assert await world.uids() == [1, 2, 3, 4]

    @scenario
    async def test_move_is_one_change_of_both_mailboxes(self, world: World) -> None:
        await world.append(b"one", b"two", b"three")
        inbox, sent = (await world.box()).id, (await world.box("Sent")).id
        before = await world.modseq()
        moved = await world.store.write(ops.move, world.account, inbox, UidSet([1, 3]), sent, NOW)
        assert (moved.source, moved.target, moved.modseq) == ((1, 3), (1, 2), before + 1)
        assert (await world.box()).modseq == (await world.box("Sent")).modseq == before + 1
        assert (await world.uids(), await world.uids("Sent")) == ([2], [1, 2])
        assert await world.body(2, "Sent") == b"three"

    @scenario
    async def test_move_within_a_mailbox_gives_new_uids(self, world: World) -> None:
        await world.append(b"one", b"two")
        inbox = (await world.box()).id
        moved = await world.store.write(ops.move, world.account, inbox, UidSet([1]), inbox, NOW)
        assert (moved.target, await world.uids()) == ((3,), [2, 3])

    @scenario
    async def test_replace_is_one_change_that_takes_and_gives(self, world: World) -> None:
        await world.append(b"one", b"two", b"three")
        inbox = (await world.box()).id
        before = await world.modseq()
        new = NewMessage(blob=await world.store.put_blob(world.account, b"2"), internaldate=NOW, mask=FLAGGED)
        done = await world.store.write(ops.replace, world.account, inbox, Uid(2), inbox, new, NOW)
        assert (done.uids, done.modseq, await world.modseq()) == ((4,), before + 1, before + 1)
        assert await world.uids() == [1, 3, 4]
        assert await world.body(4) == b"2"
        delta = await world.store.read(ops.delta, world.account, inbox, ModSeq(before))
        assert ([state.uid for state in delta.changed], delta.gone) == ([4], UidSet([2]))
        used = await world.store.read(ops.get_account, world.account)
        assert (used.used_octets, used.used_messages) == (9, 3)
        assert await world.store.check(world.account) == ()

    @scenario
    async def test_replace_leaves_all_as_it_was_when_something_is_missing(self, world: World) -> None:
        await world.append(b"one")
        inbox = (await world.box()).id
        new = NewMessage(blob=await world.store.put_blob(world.account, b"2"), internaldate=NOW)
        before = await world.everything()
        for source, uid, target in ((inbox, 2, inbox), (inbox, 1, MailboxId(99)), (MailboxId(99), 1, inbox)):
            with pytest.raises(NotFound):
                await world.store.write(ops.replace, world.account, source, Uid(uid), target, new, NOW)
        assert await world.everything() == before

    @scenario
    async def test_messages_and_mailboxes_have_limits_of_their_own(self, world: World) -> None:
        await world.append(b"1", b"2")
        await world.store.write(ops.set_quota, world.account, Quota(messages=3, mailboxes=8))
        before = await world.everything()
        inbox, sent = (await world.box()).id, (await world.box("Sent")).id
        with pytest.raises(OverQuota):
            await world.append(b"3", b"4")
        with pytest.raises(OverQuota):
            await world.store.write(ops.copy, world.account, inbox, UidSet([1, 2]), sent, NOW)
        with pytest.raises(OverQuota):
            await world.make_box("a/b/c")
        assert await world.everything() == before
        await world.append(b"3")
        await world.make_box("a/b")
        assert await world.store.read(ops.get_usage, world.account) == Usage(
            octets=3, messages=3, mailboxes=8, quota=Quota(messages=3, mailboxes=8)
        )
        with pytest.raises(OverQuota):
            await world.store.write(ops.rename_mailbox, world.account, sent, "x/Sent", NOW)
        await world.store.write(ops.set_quota, world.account, Quota(octets=1))
        with pytest.raises(NeverFits):
            await world.append(b"22")

    @scenario
    async def test_what_an_expunge_would_free_is_known(self, world: World) -> None:
        await world.append(b"1", b"22", b"333")
        inbox = (await world.box()).id
        assert await world.store.read(ops.deleted_octets, world.account, inbox) == 0
        await world.store_flags([1, 3], DELETED)
        assert await world.store.read(ops.deleted_octets, world.account, inbox) == 4

    @scenario
    async def test_replace_asks_the_quota_without_what_goes(self, world: World) -> None:
        await world.append(b"12345678")
        await world.store.write(ops.set_quota, world.account, Quota(octets=10))
        inbox, sent = (await world.box()).id, (await world.box("Sent")).id
        small, large = [await world.store.put_blob(world.account, octets) for octets in (b"1234567890", b"12345678901")]
        with pytest.raises(OverQuota):
            await world.store.write(
                ops.replace, world.account, inbox, Uid(1), sent, NewMessage(blob=large, internaldate=NOW), NOW
            )
        assert await world.uids() == [1]
        await world.store.write(
            ops.replace, world.account, inbox, Uid(1), sent, NewMessage(blob=small, internaldate=NOW), NOW
        )
        assert (await world.uids(), await world.body(1, "Sent")) == ([], b"1234567890")

    @scenario
    async def test_a_mailbox_key_is_made_once_and_can_be_reset(self, world: World) -> None:
        inbox, sent = (await world.box()).id, (await world.box("Sent")).id
        write, read, account = world.store.write, world.store.read, world.account
        assert await read(ops.find_mailbox_key, account, account, inbox) is None
        assert await write(ops.make_mailbox_key, account, account, inbox, b"one") == b"one"
        assert await write(ops.make_mailbox_key, account, account, inbox, b"two") == b"one"
        assert await write(ops.make_mailbox_key, account, AccountId(99), inbox, b"other") == b"other"
        assert await write(ops.make_mailbox_key, account, account, sent, b"sent") == b"sent"
        await write(ops.reset_mailbox_keys, account, account, inbox)
        assert await read(ops.find_mailbox_key, account, account, inbox) is None
        assert await read(ops.find_mailbox_key, account, account, sent) == b"sent"
        await write(ops.reset_mailbox_keys, account, None, None)
        assert await read(ops.find_mailbox_key, account, account, sent) is None
        assert await read(ops.find_mailbox_key, account, AccountId(99), inbox) is None

    @scenario
    async def test_expunge_takes_only_what_is_marked_and_asked_for(self, world: World) -> None:
        await world.append(b"1", b"2", b"3", b"4")
        await world.store_flags([1, 2, 3], DELETED)
        inbox = (await world.box()).id
        first = await world.store.write(ops.expunge, world.account, inbox, UidSet([2, 4, 8]), NOW)
        second = await world.store.write(ops.expunge, world.account, inbox, None, NOW)
        third = await world.store.write(ops.expunge, world.account, inbox, None, NOW)
        assert (first[1], second[1], third[1]) == (UidSet([2]), UidSet([1, 3]), EMPTY)
        assert third[0] == second[0] == await world.modseq()
        assert (await world.uids(), (await world.append(b"5")).uids) == ([4], (5,))

    @scenario
    async def test_remove_takes_what_is_asked_for_marked_or_not(self, world: World) -> None:
        await world.append(b"1", b"2", b"3", b"4")
        await world.store_flags([1], DELETED)
        inbox = (await world.box()).id
        first = await world.store.write(ops.remove, world.account, inbox, UidSet([1, 3, 8]), NOW)
        second = await world.store.write(ops.remove, world.account, inbox, UidSet([1, 3]), NOW)
        assert (first[1], second[1]) == (UidSet([1, 3]), EMPTY)
        assert second[0] == first[0] == await world.modseq()
        assert (await world.uids(), (await world.append(b"5")).uids) == ([2, 4], (5,))
        box = await world.box()
        assert (box.total, box.deleted, box.size) == (3, 0, 3)
        [restored] = await world.store.write(ops.undelete, world.account, inbox, None, None, NOW)
        assert len(restored.target) == 2

    @scenario
    async def test_expunged_messages_are_served_from_their_tombstones(self, world: World) -> None:
        await world.append(b"one", b"two", mask=FLAGGED)
        await world.expunge(1)
        inbox = (await world.box()).id
        both = await world.store.read(ops.fetch, world.account, inbox, UidSet([1, 2]), (), Also.GONE | Also.BODIES)
        assert [(one.entry.uid, one.gone, one.body) for one in both] == [(1, True, b"one"), (2, False, b"two")]
        assert both[0].entry.mask == FLAGGED | DELETED
        there = await world.store.read(ops.fetch, world.account, inbox, UidSet([1, 2]), (), Also.NOTHING)
        assert [one.entry.uid for one in there] == [2]

    # --- flags and keywords

    @pytest.mark.parametrize(
        ("how", "mask", "after"),
        [(How.ADD, FLAGGED, 7), (How.REMOVE, SEEN, 2), (How.REPLACE, FLAGGED, 4), (How.REPLACE, 0, 0)],
        ids=["add", "remove", "replace", "clear"],
    )
    def test_store_changes_flags(self, tmp_path: Path, how: How, mask: int, after: int) -> None:
        async def main() -> None:
            async with self.open_store(tmp_path) as store:
                world = await World.make(store)
                await world.append(b"one", b"two", mask=3)
                done = await world.store_flags([1], mask, how)
                assert done == Stored((FlagState(Uid(1), after, (), ModSeq(3)),), UidSet([1]), EMPTY)
                shot = await store.read(ops.snapshot, world.account, (await world.box()).id)
                assert list(shot.masks) == [after, 3]
                assert await store.check(world.account) == ()

        asyncio.run(main())

    @scenario
    async def test_store_that_changes_nothing_raises_no_modseq(self, world: World) -> None:
        await world.append(b"one", b"two", mask=SEEN)
        before = await world.everything()
        done = await world.store_flags([1, 2, 3], SEEN)
        assert (len(done.states), done.changed) == (2, EMPTY)
        assert await world.everything() == before

    @scenario
    async def test_store_touches_only_entries_that_differ(self, world: World) -> None:
        await world.append(b"one", mask=SEEN)
        await world.append(b"two", b"three")
        done = await world.store_flags([1, 2, 3], SEEN | DELETED, How.ADD)
        again = await world.store_flags([1, 2, 3], DELETED, How.REMOVE)
        done = await world.store_flags([1, 2, 3, 4], SEEN, How.REPLACE)
        assert (again.changed, done.changed) == (UidSet([1, 2, 3]), EMPTY)
        assert [state.modseq for state in done.states] == [again.states[0].modseq] * 3
        assert (await world.box()).unseen == 0

    @scenario
    async def test_store_unchanged_since_refuses_what_changed_later(self, world: World) -> None:
        await world.append(b"one", b"two", b"three")
        since = await world.modseq()
        await world.store_flags([2], FLAGGED)
        done = await world.store_flags([1, 2, 3], SEEN, unchanged_since=since)
        assert (done.refused, done.changed) == (UidSet([2]), UidSet([1, 3]))
        assert [state.uid for state in done.states] == [1, 3]

    @scenario
    async def test_keywords_fold_case_and_keep_the_first_spelling(self, world: World) -> None:
        await world.append(b"one", keywords=["$Forwarded"])
        await world.append(b"two", keywords=["$forwarded", "NonJunk"])
        await world.store_flags([1], keywords=["NONJUNK"])
        names = await world.store.read(ops.keywords, world.account)
        assert names == ((FIRST_KEYWORD, "$Forwarded"), (FIRST_KEYWORD + 1, "NonJunk"))
        done = await world.store_flags([1], 0, How.REMOVE, ["nonjunk", "unknown"])
        assert done.states[0].mask == 1 << FIRST_KEYWORD
        assert await world.store.read(ops.keywords, world.account) == names

    @scenario
    async def test_two_hundred_keywords_on_one_message(self, world: World) -> None:
        words = [f"word{i}" for i in range(200)]
        await world.append(b"one", b"two", keywords=words)
        removed = await world.store_flags([1], SEEN, How.REMOVE, words[:199])
        assert (removed.states[0].mask, removed.states[0].more) == (0, (FIRST_KEYWORD + 199,))
        added = await world.store_flags([1, 2], SEEN, How.ADD, words[:100])
        assert [len(state.more) for state in added.states] == [44, 143]
        inbox, sent = (await world.box()).id, (await world.box("Sent")).id
        await world.store.write(ops.copy, world.account, inbox, UidSet([2]), sent, NOW)
        shot = await world.store.read(ops.snapshot, world.account, sent)
        assert len(shot.more[Uid(1)]) == 143

    @scenario
    async def test_keywords_are_bounded_and_must_be_atoms(self, world: World) -> None:
        await world.append(b"one", keywords=[f"k{i}" for i in range(MAX_KEYWORDS - 1)])
        before = await world.everything()
        with pytest.raises(LimitReached):
            await world.store_flags([1], keywords=["new1", "new2"])
        with pytest.raises(Invalid):
            await world.store_flags([1], keywords=["not an atom"])
        assert await world.everything() == before
        await world.store_flags([1], keywords=["new1"])

    @scenario
    async def test_recent_is_claimed_once(self, world: World) -> None:
        await world.append(b"one", b"two")
        inbox, modseq = (await world.box()).id, await world.modseq()
        await world.store.write(ops.claim_recent, world.account, inbox, Uid(2))
        await world.store.write(ops.claim_recent, world.account, inbox, Uid(1))  # said late
        assert (await world.box()).first_recent == 3
        assert await world.modseq() == modseq

    # --- changes

    @scenario
    async def test_delta_tells_the_latest_state_of_each_uid_once(self, world: World) -> None:
        await world.append(b"1", b"2", b"3", b"4")
        inbox, since = (await world.box()).id, ModSeq(await world.modseq())
        await world.store_flags([1, 2, 3], FLAGGED)
        await world.store_flags([2], SEEN)
        await world.expunge(3)
        await world.append(b"5")
        delta = await world.store.read(ops.delta, world.account, inbox, since)
        assert [(state.uid, state.mask) for state in delta.changed] == [(1, FLAGGED), (2, SEEN | FLAGGED), (5, 0)]
        assert (delta.gone, delta.upto) == (UidSet([3]), await world.modseq())
        nothing = await world.store.read(ops.delta, world.account, inbox, delta.upto)
        assert (nothing.changed, nothing.gone, nothing.upto) == ((), EMPTY, delta.upto)

    @scenario
    async def test_vanished_tells_what_went_since(self, world: World) -> None:
        await world.append(*(b"%d" % i for i in range(9)))
        inbox = (await world.box()).id
        await world.expunge(2, 3)
        since = ModSeq(await world.modseq())
        await world.expunge(5, 9)
        assert await world.store.read(ops.vanished, world.account, inbox, since) == UidSet([5, 9])
        assert await world.store.read(ops.vanished, world.account, inbox, ModSeq(1)) == UidSet([2, 3, 5, 9])

    @scenario
    async def test_where_the_log_was_pruned_changes_come_from_the_rows(self, world: World) -> None:
        world.store.directory.set_state(world.account, AccountState.ACTIVE)
        await world.append(b"1", b"2", b"3")
        await world.expunge(2)
        inbox = (await world.box()).id
        await world.store.sweep(NOW, keep_s=100)
        await world.store_flags([3], SEEN)
        await world.store.sweep(NOW + 101, keep_s=100)
        delta = await world.store.read(ops.delta, world.account, inbox, ModSeq(1))
        assert ([state.uid for state in delta.changed], delta.gone) == ([1, 3], UidSet([2]))
        assert await world.store.read(ops.vanished, world.account, inbox, ModSeq(1)) == UidSet([2])

    @pytest.mark.parametrize("seed", range(4))
    def test_a_client_that_believes_only_deltas_sees_what_is_there(self, tmp_path: Path, seed: int) -> None:
        async def main() -> None:
            async with self.open_store(tmp_path) as store:
                await follow(await World.make(store), random.Random(seed))

        asyncio.run(main())

    @scenario
    async def test_a_saved_snapshot_is_brought_forward(self, world: World) -> None:
        await world.append(*[b"x"] * 2500)
        inbox = (await world.box()).id
        await world.store.write(ops.save_snapshot, world.account, inbox)
        await world.expunge(7, 8, 2500)
        await world.store_flags([1, 9], SEEN, keywords=[f"k{i}" for i in range(60)])
        await world.append(b"new")
        shot = await world.store.read(ops.snapshot, world.account, inbox)
        delta = await world.store.read(ops.delta, world.account, inbox, ModSeq(0))
        assert (len(shot.uids), shot.mailbox) == (2498, await world.box())
        assert [*zip(shot.uids, shot.masks, shot.modseqs, strict=True)] == [
            (s.uid, s.mask, s.modseq) for s in delta.changed
        ]
        assert shot.more == {state.uid: state.more for state in delta.changed if state.more}

    # --- derived data and conversations

    @scenario
    async def test_derived_data_comes_with_the_entries(self, world: World) -> None:
        blob = await world.store.put_blob(world.account, b"one")
        derived = (Derived("list", 1, b"ENVELOPE"), Derived("parts", 1, b"map"))
        inbox = (await world.box()).id
        new = NewMessage(blob=blob, internaldate=NOW, derived=derived)
        await world.store.write(ops.append, world.account, inbox, (new,), NOW)
        await world.append(b"two")
        before = await world.modseq()
        kinds = ("parts", "list")
        [one, two] = await world.store.read(ops.fetch, world.account, inbox, UidSet([1, 2]), kinds, Also.NOTHING)
        assert (one.derived, two.derived) == (((1, b"map"), (1, b"ENVELOPE")), (None, None))
        rows = ((one.entry.message, Derived("list", 2, b"NEW")), (two.entry.message, Derived("list", 1, b"TWO")))
        await world.store.write(ops.put_derived, world.account, rows)
        both = await world.store.read(ops.fetch, world.account, inbox, UidSet([1, 2]), ("list",), Also.NOTHING)
        assert [one.derived for one in both] == [((2, b"NEW"),), ((1, b"TWO"),)]
        assert await world.modseq() == before

    @scenario
    async def test_messages_are_read_as_plain_rows(self, world: World) -> None:
        await world.append(b"one", b"two" * 9000)
        inbox = (await world.box()).id
        await world.expunge(1)
        await world.append(b"three")
        scan, account = world.store.scan, world.account
        assert await scan(ops.message_numbers, account, inbox, 0, 9) == [(2, 2), (3, 3)]
        assert await scan(ops.message_numbers, account, inbox, 0, 1) == [(2, 2)]
        assert await scan(ops.message_numbers, account, inbox, 2, 9) == [(3, 3)]
        [row] = await scan(ops.message_columns, account, inbox, UidSet([1, 3]))
        assert row == (3, NOW, NOW, 5, account, 3, account, 3)
        rows = await scan(ops.message_octets, account, UidSet([1, 2, 9]))
        assert [(message, size, data) for message, _, size, _, data in rows] == [(1, 3, b"one"), (2, 27000, None)]
        assert world.store.open_blob(account, rows[1][3]).read() == b"two" * 9000
        await world.store.write(ops.put_derived, account, ((MessageId(3), Derived("list", 2, b"L")),))
        assert await scan(ops.derived_data, account, "list", UidSet([2, 3])) == [(3, 2, b"L")]

    # --- metadata

    @scenario
    async def test_metadata_is_kept_by_mailbox_and_owner(self, world: World) -> None:
        inbox, ann, bob = (await world.box()).id, world.account, AccountId(77)
        await world.set_metadata(inbox, ("/private/comment", b"mine"), ("/shared/comment", b"ours"))
        with pytest.raises(NotFound):
            await world.store.write(ops.set_metadata, ann, inbox, bob, (("/private/comment", b"his"),))
        await world.store.write(ops.set_acl, ann, None, inbox, str(bob), How.REPLACE, "lx")
        with pytest.raises(Forbidden):
            await world.store.write(ops.set_metadata, ann, inbox, bob, (("/private/comment", b"his"),))
        await world.store.write(ops.set_acl, ann, None, inbox, str(bob), How.REPLACE, "lr")
        await world.store.write(ops.set_metadata, ann, inbox, bob, (("/private/comment", b"his"),))
        await world.set_metadata(THE_SERVER, ("/private/comment", b"of the server"))
        both = ("/shared/comment", "/private/comment")
        assert await world.metadata(inbox, *both) == [("/shared/comment", b"ours"), ("/private/comment", b"mine")]
        assert await world.metadata(inbox, *both, reader=bob) == [
            ("/shared/comment", b"ours"),
            ("/private/comment", b"his"),
        ]
        assert await world.metadata(THE_SERVER, *both) == [("/private/comment", b"of the server")]
        assert await world.metadata((await world.box("Sent")).id, *both) == []
        roles = [box.id for box in await world.store.read(ops.list_mailboxes, ann) if box.role]
        assert await world.store.read(ops.with_metadata, ann) == (THE_SERVER, *sorted([inbox, *roles]))
        assert await world.store.check(ann) == ()

    @scenario
    async def test_metadata_below_an_entry_is_found_as_deep_as_asked(self, world: World) -> None:
        inbox = (await world.box()).id
        names = ["/shared/a", "/shared/a-b", "/shared/a/b", "/shared/a/b/c", "/shared/a0", "/shared/ab"]
        await world.set_metadata(inbox, *[(name, b"x") for name in names])
        for depth, found in (
            (Depth.ITSELF, ["/shared/a"]),
            (Depth.CHILDREN, ["/shared/a", "/shared/a/b"]),
            (Depth.ALL, ["/shared/a", "/shared/a/b", "/shared/a/b/c"]),
        ):
            assert [name for name, _ in await world.metadata(inbox, "/shared/a", depth=depth)] == found
        assert len(await world.metadata(inbox, "/shared", "/shared/a", depth=Depth.ALL)) == 6

    @scenario
    async def test_metadata_that_is_too_large_comes_without_its_octets(self, world: World) -> None:
        inbox = (await world.box()).id
        await world.set_metadata(inbox, ("/shared/a", b"1234"), ("/shared/b", b"12345\0"))
        found = await world.store.read(
            ops.get_metadata, world.account, inbox, world.account, ("/shared",), Depth.ALL, 4
        )
        assert [(one.size, one.value) for one in found] == [(4, b"1234"), (6, None)]

    @scenario
    async def test_changes_of_metadata_are_told_removals_too(self, world: World) -> None:
        box = await world.make_box("a/b")
        before = ModSeq(await world.modseq())
        highest = box.modseq
        first = await world.set_metadata(box.id, ("/shared/x", b"1"), ("/shared/y", b"2"))
        second = await world.set_metadata(box.id, ("/shared/x", None), ("/shared/y", b"2"), ("/shared/z", None))
        assert (first, second) == (before + 1, before + 2)
        assert await world.set_metadata(box.id, ("/shared/x", None), ("/shared/y", b"2")) == 0
        await world.store.write(ops.set_acl, world.account, None, box.id, "77", How.REPLACE, "lr")
        await world.store.write(ops.set_metadata, world.account, box.id, AccountId(77), (("/private/z", b""),))
        upto, changes = await world.store.read(ops.metadata_changes, world.account, world.account, before)
        assert upto == await world.modseq() == second + 2
        assert [(one.name, one.entry, one.modseq) for one in changes] == [
            ("a/b", "/shared/x", second),
            ("a/b", "/shared/y", first),
        ]
        assert (await world.store.read(ops.metadata_changes, world.account, world.account, upto))[1] == ()
        assert (await world.box("a/b")).modseq == upto > highest  # RFC 7162 §3.2

    @scenario
    async def test_metadata_goes_with_its_mailbox_and_follows_its_name(self, world: World) -> None:
        box = await world.make_box("a")
        await world.set_metadata(box.id, ("/shared/x", b"1"))
        await world.store.write(ops.rename_mailbox, world.account, box.id, "b", NOW)
        assert await world.metadata((await world.box("b")).id, "/shared/x") == [("/shared/x", b"1")]
        await world.store.write(ops.delete_mailbox, world.account, box.id, NOW)
        assert await world.metadata((await world.make_box("b")).id, "/shared/x") == []
        with pytest.raises(NotFound):
            await world.set_metadata(box.id, ("/shared/x", b"1"))
        inbox = (await world.box()).id
        await world.set_metadata(inbox, ("/private/x", b"1"))
        made, _ = await world.store.write(ops.rename_inbox, world.account, "old", NOW)
        for place in (inbox, made.id):
            assert await world.metadata(place, "/private/x") == [("/private/x", b"1")]

    @scenario
    async def test_special_use_is_the_role_of_one_mailbox(self, world: World) -> None:
        other, sent = await world.make_box("a"), await world.box("Sent")
        assert await world.metadata(sent.id, "/private", depth=Depth.CHILDREN) == [(SPECIAL_USE, b"\\Sent")]
        assert await world.metadata(sent.id, SPECIAL_USE, reader=AccountId(77)) == []
        since = ModSeq(await world.modseq())
        await world.set_metadata(other.id, (SPECIAL_USE, b"\\Sent"), ("/private/x", b"1"))
        boxes = [await world.box("a"), await world.box("Sent")]
        assert [(box.role, box.modseq) for box in boxes] == [(Role.SENT, since + 1), (None, sent.modseq)]
        assert await world.metadata(sent.id, SPECIAL_USE) == []
        _, changes = await world.store.read(ops.metadata_changes, world.account, world.account, since)
        assert {(one.name, one.entry) for one in changes} == {
            ("Sent", SPECIAL_USE), ("a", SPECIAL_USE), ("a", "/private/x"),
        }  # fmt: skip
        assert await world.set_metadata(other.id, (SPECIAL_USE, b"\\Sent")) == 0
        await world.set_metadata(other.id, (SPECIAL_USE, None))
        assert (await world.box("a")).role is None
        with pytest.raises(Unsupported):
            await world.set_metadata((await world.box()).id, (SPECIAL_USE, b"\\Sent"))

    @scenario
    async def test_metadata_is_bounded_and_nothing_is_set_beyond(self, world: World) -> None:
        inbox = (await world.box()).id
        await world.set_metadata(inbox, *[(f"/shared/{i}", b"x") for i in range(500)])
        with pytest.raises(LimitReached):
            await world.set_metadata(inbox, ("/shared/1", b"y"), ("/shared/500", b"x"))
        assert await world.metadata(inbox, "/shared/1") == [("/shared/1", b"x")]
        await world.set_metadata(inbox, ("/shared/1", None), ("/shared/500", b"x"))
        with pytest.raises(LimitReached):
            await world.set_metadata(inbox, ("/private/1", b"y" * (1 << 20)), ("/private/2", b"y"))

    @scenario
    async def test_what_guests_keep_for_themselves_takes_no_room_from_the_owner(self, world: World) -> None:
        inbox = (await world.box()).id
        await world.share(inbox, "lr")

        async def keep(*values: tuple[str, bytes | None]) -> None:
            await world.store.write(ops.set_metadata, world.account, inbox, GUEST, values)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(import_module("mailkeep.store.ops.set_metadata"), "MAX_ACCOUNT_ENTRIES", 2)
            await keep(("/private/1", b"x"), ("/private/2", b"x"))
            with pytest.raises(LimitReached):
                await keep(("/private/3", b"x"))
            await world.set_metadata(inbox, ("/private/1", b"x"), ("/shared/1", b"x"))
            with pytest.raises(LimitReached):
                await world.set_metadata(inbox, ("/private/2", b"x"))
            await keep(("/private/1", None))

    @scenario
    async def test_entries_set_and_removed_for_ever_leave_little(self, world: World) -> None:
        inbox, before = (await world.box()).id, ModSeq(await world.modseq())
        for i in range(130):
            await world.set_metadata(inbox, (f"/shared/{i}", b"x"))
            await world.set_metadata(inbox, (f"/shared/{i}", None))
        _, changes = await world.store.read(ops.metadata_changes, world.account, world.account, before)
        assert len(changes) == 100

    # --- the index of texts

    @scenario
    async def test_segments_are_kept_by_kind_and_replaced_whole(self, world: World) -> None:
        await world.append(*[b"x"] * 70)
        assert (await world.text_index()).indexed_to == 0
        assert await world.put_text(0, b"a", loose=[3, 5])
        assert await world.put_text(1, b"b")
        assert await world.put_text(0, b"c", loose=[5])
        rows = await world.store.scan(ops.read_text, world.account, "body", UidSet([0, 1, 2]))
        assert rows == [(0, b"c"), (1, b"b")]
        index = await world.text_index()
        assert (index.version, index.indexed_to, list(index.loose), index.next_message) == (1, 71, [5], 71)

    @scenario
    async def test_an_index_of_another_version_begins_anew(self, world: World) -> None:
        await world.append(*[b"x"] * 70)
        for segment in (0, 1):
            await world.put_text(segment, b"old", loose=[9])
        await world.put_text(0, b"new", version=2)
        index = await world.text_index()
        assert (index.version, index.indexed_to, list(index.loose)) == (2, 64, [])

    @scenario
    async def test_a_segment_with_a_message_that_has_gone_is_not_written(self, world: World) -> None:
        await world.append(b"one", b"two")
        assert not await world.put_text(0, b"x", messages=[1, 2, 3])
        assert (await world.text_index()).indexed_to == 0

    @scenario
    async def test_the_sweep_marks_segments_with_dead_text_until_they_are_written_anew(self, world: World) -> None:
        world.store.directory.set_state(world.account, AccountState.ACTIVE)
        await world.append(*[b"x"] * 70)
        await world.put_text(0, b"a")
        await world.expunge(5, 66)
        await world.store.sweep(NOW + 10, keep_s=100)
        assert (await world.text_index()).stale is None
        await world.store.sweep(NOW + 101, keep_s=100)
        assert (await world.text_index()).stale == 0  # and not 1, which is in no segment yet
        await world.put_text(0, b"b", messages=[n for n in range(1, 64) if n != 5])
        assert (await world.text_index()).stale is None

    @scenario
    async def test_answers_join_the_thread_of_the_first_match(self, world: World) -> None:
        inbox = (await world.box()).id
        blob = await world.store.put_blob(world.account, b"x")
        for keys in ((1,), (2,), (3, 1), (4, 3), (5, 2, 1), ()):
            new = NewMessage(blob=blob, internaldate=NOW, thread=keys)
            await world.store.write(ops.append, world.account, inbox, (new,), NOW)
        rows = await world.store.read(ops.fetch, world.account, inbox, UidSet(range(1, 7)), (), Also.NOTHING)
        assert [one.entry.threadid[1] for one in rows] == [1, 2, 1, 1, 1, 6]

    # --- news

    @scenario
    async def test_news_are_told_in_order_with_the_names_that_are_no_more(self, world: World) -> None:
        since = ModSeq(await world.modseq())
        box = await world.make_box("a/b")
        await world.store.write(ops.rename_mailbox, world.account, box.id, "a/c", NOW)
        await world.store.write(ops.subscribe, world.account, "not/there")
        assert await world.store.write(ops.subscribe, world.account, "not/there") == 0
        await world.store.write(ops.delete_mailbox, world.account, box.id, NOW)
        news = await world.store.read(ops.news, world.account, since)
        assert news.upto == await world.modseq()
        assert [(one.what, one.name) for one in news.happened] == [
            (What.MADE, ""),
            (What.MADE, ""),
            (What.RENAMED, "a/b"),
            (What.SUBSCRIPTION, "not/there"),
            (What.DELETED, "a/c"),
        ]
        assert (await world.store.read(ops.news, world.account, news.upto)).happened == ()

    @scenario
    async def test_news_that_nobody_remembers_are_an_error(self, world: World) -> None:
        world.store.directory.set_state(world.account, AccountState.ACTIVE)
        since = ModSeq(await world.modseq())
        await world.make_box("a")
        await world.store.sweep(NOW, keep_s=100)
        await world.make_box("b")
        await world.store.sweep(NOW + 101, keep_s=100)
        with pytest.raises(StateTooOld):
            await world.store.read(ops.news, world.account, since)

    # --- strangers

    @scenario
    async def test_a_first_try_and_a_network_that_is_known_are_two_things(self, world: World) -> None:
        find, network, attempt = (ops.find_greylisted, b"network", b"attempt")
        assert await world.store.read(find, world.account, network, attempt) == (0, 0)
        modseq = await world.modseq()
        await world.store.write(ops.put_greylisted, world.account, attempt, False, NOW)
        assert await world.store.read(find, world.account, network, attempt) == (0, NOW)
        assert await world.store.read(find, world.account, attempt, network) == (0, 0)
        await world.store.write(ops.put_greylisted, world.account, network, True, NOW + 60)
        await world.store.write(ops.put_greylisted, world.account, network, True, NOW + 90)
        assert await world.store.read(find, world.account, network, attempt) == (NOW + 90, NOW)
        assert await world.modseq() == modseq

    # --- undelete, sweep, removal

    @scenario
    async def test_undelete_brings_messages_back_under_new_uids(self, world: World) -> None:
        await world.append(b"one", b"two", b"three", mask=FLAGGED)
        await world.expunge(1, now=NOW)
        await world.expunge(2, now=NOW + 50)
        inbox, sent = (await world.box()).id, (await world.box("Sent")).id
        await world.store.write(ops.move, world.account, inbox, UidSet([3]), sent, NOW + 60)
        [back] = await world.store.write(ops.undelete, world.account, None, NOW + 10, None, NOW + 99)
        assert (back.mailbox, back.source, back.target) == (inbox, (2,), (4,))
        [rest] = await world.store.write(ops.undelete, world.account, inbox, None, None, NOW + 99)
        assert rest.source == (1,)
        assert await world.store.write(ops.undelete, world.account, None, None, None, NOW + 99) == ()
        shot = await world.store.read(ops.snapshot, world.account, inbox)
        assert (list(shot.uids), list(shot.masks)) == ([4, 5], [FLAGGED, FLAGGED])
        assert await world.body(4) == b"two"

    @scenario
    async def test_undelete_revives_a_deleted_mailbox_and_those_above_it(self, world: World) -> None:
        old = await world.make_box("a/b")
        await world.append(b"one", to="a/b")
        for name in ("a/b", "a"):
            await world.store.write(ops.delete_mailbox, world.account, (await world.box(name)).id, NOW)
        [back] = await world.store.write(ops.undelete, world.account, None, None, None, NOW)
        revived = await world.box("a/b")
        assert (back.mailbox, revived.id, revived.total) == (old.id, old.id, 1)
        assert revived.uidvalidity == back.uidvalidity > old.uidvalidity

    @scenario
    async def test_undelete_uses_the_mailbox_that_has_the_name_now(self, world: World) -> None:
        old = await world.make_box("Work")
        await world.append(b"one", to="Work")
        await world.store.write(ops.delete_mailbox, world.account, old.id, NOW)
        new = await world.make_box("Work")
        [back] = await world.store.write(ops.undelete, world.account, None, None, None, NOW)
        assert (back.mailbox, await world.body(1, "Work")) == (new.id, b"one")

    @scenario
    async def test_sweep_forgets_old_tombstones_and_what_only_they_kept(self, world: World) -> None:
        world.store.directory.set_state(world.account, AccountState.ACTIVE)
        await world.append(b"one", b"two", b"two", b"three" * 9000)
        inbox = (await world.box()).id
        await world.expunge(1, 2, 4, now=NOW)
        await world.store.sweep(NOW + 10, keep_s=100)
        assert await world.body(4) == b"three" * 9000
        await world.store.sweep(NOW + 101, keep_s=100)
        assert await world.store.check(world.account) == ()
        left = await world.store.read(ops.fetch, world.account, inbox, UidSet([1, 2, 3, 4]), (), Also.GONE)
        assert [one.entry.uid for one in left] == [3]
        await world.store.sweep(NOW + 5000, keep_s=100)
        with pytest.raises(NotFound):
            world.store.open_blob(world.account, 1)
        assert await world.body(3) == b"two"

    @scenario
    async def test_octets_that_come_again_before_the_sweep_are_alive(self, world: World) -> None:
        world.store.directory.set_state(world.account, AccountState.ACTIVE)
        await world.append(b"one")
        await world.expunge(1, now=NOW)
        await world.store.sweep(NOW + 101, keep_s=100)
        await world.append(b"one")
        await world.store.sweep(NOW + 9999, keep_s=100)
        assert await world.body(2) == b"one"

    def test_a_removed_account_leaves_others_alone_and_its_number_unused(self, tmp_path: Path) -> None:
        async def main() -> None:
            async with self.open_store(tmp_path) as store:
                ann, bob = await World.make(store), await World.make(store, "bob@example.org")
                await ann.append(b"hers")
                await bob.append(b"his")
                await ann.put_text(0, b"hers")
                while not await store.write(ops.remove_account, ann.account):
                    pass
                with pytest.raises(NotFound):
                    await store.read(ops.get_account, ann.account)
                assert await store.write(ops.remove_account, ann.account)
                assert await store.scan(ops.read_text, ann.account, "body", UidSet([0])) == []
                store.directory.remove(ann.account)
                assert await bob.body(1) == b"his"
                assert (await World.make(store)).account not in (ann.account, bob.account)

        asyncio.run(main())

    # --- sharing

    @scenario
    async def test_a_guest_has_what_some_entries_give_and_none_takes_away(self, world: World) -> None:
        inbox = (await world.box()).id
        for who, rights in (("anyone", "lr"), ("99", "rswi"), ("-99", "w"), ("-anyone", "i"), ("98", "a")):
            await world.share(inbox, rights, who)
        assert await world.store.read(ops.read_rights, world.account, inbox, GUEST) == "lrs"
        assert await world.store.read(ops.read_rights, world.account, inbox, AccountId(97)) == "lr"
        assert await world.store.read(ops.read_rights, world.account, MailboxId(77), GUEST) is None

    @scenario
    async def test_an_entry_without_rights_is_none(self, world: World) -> None:
        inbox = (await world.box()).id
        before = await world.modseq()
        for how, rights in ((How.ADD, "lr"), (How.ADD, "r"), (How.REMOVE, "l"), (How.REMOVE, "r"), (How.REMOVE, "r")):
            await world.store.write(ops.set_acl, world.account, None, inbox, "99", how, rights)
        assert await world.store.read(ops.read_acl, world.account, inbox) == ()
        assert await world.modseq() == before + 3, "what changes nothing raises no modseq"

    @scenario
    async def test_who_shares_something_is_found_without_looking_at_others(self, world: World) -> None:
        other = await World.make(world.store, "other@example.org")
        await world.share((await world.box()).id, "lr")
        await other.share((await other.box()).id, "lr", "anyone")
        granters = await world.store.survey(ops.list_granters, GUEST)
        assert sorted(one for some in granters for one in some) == [world.account, other.account]
        granters = await world.store.survey(ops.list_granters, AccountId(98))
        assert [one for some in granters for one in some] == [other.account]

    @scenario
    async def test_a_guest_is_told_only_of_what_he_may_see_below_a_mailbox(self, world: World) -> None:
        boxes = [(await world.make_box(name)).id for name in ("a", "a/b", "a/b/c")]

        async def parents() -> list[bool]:
            return [await world.store.read(ops.is_visible_parent, world.account, box, GUEST) for box in boxes]

        await world.share(boxes[2], "lr")
        assert await parents() == [True, True, False]
        await world.share(boxes[2], "l", f"-{GUEST}")
        assert await parents() == [False, False, False]
        await world.share(boxes[1], "l", "anyone")
        assert await parents() == [True, False, False]
        await world.store.write(ops.delete_mailbox, world.account, boxes[2], NOW)
        await world.store.write(ops.delete_mailbox, world.account, boxes[1], NOW)
        assert await parents() == [False, False, False]

    @scenario
    async def test_new_mailboxes_are_shared_as_the_one_above_and_deleted_ones_with_nobody(self, world: World) -> None:
        await world.make_box("a")
        await world.share((await world.box("a")).id, "lrk")
        made = await world.store.write(ops.guest_create_mailbox, world.account, GUEST, "a/b/c", NOW)
        granted = await world.store.read(ops.list_granted, world.account, GUEST)
        assert [(box.name, rights) for box, rights in granted] == [("a", "lrk"), ("a/b", "lrk"), ("a/b/c", "lrk")]
        await world.store.write(ops.delete_mailbox, world.account, made.id, NOW)
        assert await world.store.read(ops.read_acl, world.account, made.id) == ()
        assert await world.store.check(world.account) == ()

    @scenario
    async def test_a_guest_without_the_right_changes_nothing(self, world: World) -> None:
        await world.make_box("a/b")
        await world.append(b"one", mask=DELETED)
        inbox, box = (await world.box()).id, (await world.box("a/b")).id
        new = (NewMessage(blob=await world.store.put_blob(world.account, b"x"), internaldate=NOW),)
        calls: tuple[tuple[Callable[..., Op[Any]], tuple[Any, ...]], ...] = (
            (ops.set_acl, (GUEST, inbox, "anyone", How.ADD, "lr")),
            (ops.withdraw, (GUEST, inbox, UidSet([1]), NOW)),
            (ops.guest_append, (GUEST, inbox, new, NOW)),
            (ops.guest_copy, (GUEST, inbox, UidSet([1]), inbox, NOW)),
            (ops.guest_move, (GUEST, inbox, UidSet([1]), inbox, NOW)),
            (ops.guest_replace, (GUEST, inbox, Uid(1), inbox, new[0], NOW)),
            (ops.guest_store_flags, (GUEST, inbox, UidSet([1]), How.ADD, SEEN, (), None)),
            (ops.guest_expunge, (GUEST, inbox, None, NOW)),
            (ops.guest_create_mailbox, (GUEST, "a/c", NOW)),
            (ops.guest_delete_mailbox, (GUEST, box, NOW)),
            (ops.guest_rename_mailbox, (GUEST, box, "a/c", NOW)),
        )
        for rights, error in (("", (NotFound, Forbidden)), ("lr", Forbidden)):
            await world.share(inbox, rights)
            await world.share(box, rights)
            before = await world.everything()
            for op, args in calls:
                with pytest.raises(error):
                    await world.store.write(op, world.account, *args)
            assert await world.everything() == before

    @scenario
    async def test_a_guest_who_replaces_some_flags_is_told_how_far_he_must_have_known(self, world: World) -> None:
        await world.append(b"one", mask=DELETED | SEEN)
        inbox = (await world.box()).id
        await world.share(inbox, "lrs")
        for mask in (0, SEEN, SEEN):  # \\Seen goes, comes, and is there
            before = (await world.box()).modseq
            args = (GUEST, inbox, UidSet([1]), How.REPLACE, mask, (), None)
            done = await world.store.write(ops.guest_store_flags, world.account, *args)
            assert done.states[0].mask == DELETED | mask
            assert done.previous == (before if done.changed else 0)

    # --- faults

    @pytest.mark.parametrize(
        "name",
        [
            "append",
            "copy",
            "move",
            "expunge",
            "store_flags",
            "rename",
            "delete",
            "undelete",
            "metadata",
            "set_acl",
            "withdraw",
            "replace",
            "guest_append",
            "guest_copy",
            "guest_move",
            "guest_replace",
            "guest_store_flags",
            "guest_expunge",
            "guest_create_mailbox",
            "guest_delete_mailbox",
            "guest_rename_mailbox",
        ],
    )
    def test_a_failure_at_any_statement_leaves_the_store_as_it_was(self, tmp_path: Path, name: str) -> None:
        async def main() -> None:
            async with self.open_store(tmp_path) as store:
                world = await World.make(store)
                op, args = await prepare(world, name)
                before = await world.everything()
                for n in count():
                    try:
                        await store.write(failing_at(n, op), world.account, *args)
                    except Boom:
                        assert await world.everything() == before
                    else:
                        break
                assert n > 3
                assert await world.everything() != before
                assert await store.check(world.account) == ()

        asyncio.run(main())

    @scenario
    async def test_an_operation_that_fails_does_not_take_its_neighbours_along(self, world: World) -> None:
        await world.append(b"one", b"two", b"three")
        inbox = (await world.box()).id

        def store(uid: int, op: Callable[..., Op[Stored]] = ops.store_flags) -> Awaitable[Stored]:
            return world.store.write(op, world.account, inbox, UidSet([uid]), How.ADD, SEEN, (), None)

        missing = world.store.write(ops.expunge, world.account, MailboxId(99), None, NOW)
        answers = await asyncio.gather(
            store(1), store(2, failing_at(4, ops.store_flags)), missing, store(3), return_exceptions=True
        )
        assert [type(answer) for answer in answers] == [Stored, Boom, NotFound, Stored]
        shot = await world.store.read(ops.snapshot, world.account, inbox)
        assert list(shot.masks) == [SEEN, 0, SEEN]

    def test_what_was_answered_is_there_after_reopening(self, tmp_path: Path) -> None:
        async def write() -> tuple[AccountId, object]:
            async with self.open_store(tmp_path) as store:
                world = await World.make(store)
                await asyncio.gather(*(world.append(b"%d" % i) for i in range(50)))
                await world.expunge(3)
                store.later(ops.claim_recent, world.account, (await world.box()).id, Uid(50))
            return world.account, 0

        async def read(account: AccountId) -> None:
            async with self.open_store(tmp_path) as store:
                world = World(store, account)
                assert await world.uids() == [1, 2, *range(4, 51)]
                assert (await world.box()).first_recent == 51  # lazy writes are done at the latest when closing
                assert await store.check(account) == ()

        account, _ = asyncio.run(write())
        asyncio.run(read(account))


async def prepare(world: World, name: str) -> tuple[Callable[..., Op[Any]], tuple[Any, ...]]:
    """An operation that changes something, and its arguments."""
    await world.append(b"one", b"two", b"three", mask=DELETED, keywords=["a"])
    await world.make_box("x/y")
    inbox, sent, some = (await world.box()).id, (await world.box("Sent")).id, UidSet([1, 3])
    new = NewMessage(
        blob=await world.store.put_blob(world.account, b"four"),
        internaldate=NOW,
        keywords=("b",),
        derived=(Derived("list", 1, b""),),
        thread=(5, 6),
    )
    if name == "undelete":
        await world.expunge(1, 2)
    if name == "delete":
        await world.append(b"one", to="x/y")
    operations: dict[str, tuple[Callable[..., Op[Any]], tuple[Any, ...]]] = {
        "append": (ops.append, (inbox, (new, new), NOW)),
        "copy": (ops.copy, (inbox, some, sent, NOW)),
        "move": (ops.move, (inbox, some, sent, NOW)),
        "expunge": (ops.expunge, (inbox, some, NOW)),
        "store_flags": (ops.store_flags, (inbox, some, How.REPLACE, SEEN, ("c",), None)),
        "rename": (ops.rename_mailbox, ((await world.box("x")).id, "p/q", NOW)),
        "delete": (ops.delete_mailbox, ((await world.box("x/y")).id, NOW)),
        "undelete": (ops.undelete, (None, None, None, NOW)),
        "metadata": (ops.set_metadata, (inbox, world.account, (("/shared/a", b"1"), ("/private/a", b"2")))),
    }
    return operations[name] if name in operations else await prepare_sharing(world, name, new)


async def prepare_sharing(world: World, name: str, new: NewMessage) -> tuple[Callable[..., Op[Any]], tuple[Any, ...]]:
    """The same, of what concerns guests; account 99 may do nearly all, but not change all flags in Sent."""
    inbox, sent, some = (await world.box()).id, (await world.box("Sent")).id, UidSet([1, 3])
    box, guest = await world.box("x"), GUEST
    for mailbox, rights in ((inbox, "lrswite"), (sent, "lri"), (box.id, "lrkx"), ((await world.box("x/y")).id, "lrx")):
        await world.share(mailbox, rights)
    operations: dict[str, tuple[Callable[..., Op[Any]], tuple[Any, ...]]] = {
        "set_acl": (ops.set_acl, (None, inbox, "anyone", How.ADD, "lr")),
        "withdraw": (ops.withdraw, (guest, inbox, some, NOW)),
        "replace": (ops.replace, (inbox, Uid(1), sent, new, NOW)),
        "guest_append": (ops.guest_append, (guest, inbox, (new, new), NOW)),
        "guest_copy": (ops.guest_copy, (guest, inbox, some, sent, NOW)),
        "guest_move": (ops.guest_move, (guest, inbox, some, sent, NOW)),
        "guest_replace": (ops.guest_replace, (guest, inbox, Uid(1), sent, new, NOW)),
        "guest_store_flags": (ops.guest_store_flags, (guest, inbox, some, How.REPLACE, SEEN, ("c",), None)),
        "guest_expunge": (ops.guest_expunge, (guest, inbox, some, NOW)),
        "guest_create_mailbox": (ops.guest_create_mailbox, (guest, "x/z", NOW)),
        "guest_delete_mailbox": (ops.guest_delete_mailbox, (guest, box.id, NOW)),
        "guest_rename_mailbox": (ops.guest_rename_mailbox, (guest, (await world.box("x/y")).id, "x/q", NOW)),
    }
    return operations[name]


async def follow(world: World, choice: random.Random) -> None:
    """Do random things to a mailbox; a client learns of them by deltas alone."""
    inbox, sent = (await world.box()).id, (await world.box("Sent")).id
    known: dict[int, tuple[int, tuple[int, ...]]] = {}
    since = ModSeq(0)
    for _ in range(60):
        uids = choice.sample(range(1, 40), choice.randint(1, 12))
        match choice.randrange(6):
            case 0 | 1:
                await world.append(*[b"x"] * choice.randint(1, 4), mask=choice.randrange(32))
            case 2:
                words = [f"k{choice.randrange(70)}" for _ in range(choice.randrange(4))]
                how = choice.choice(list(How))
                await world.store_flags(uids, choice.randrange(32), how, words)
            case 3:
                await world.store.write(ops.expunge, world.account, inbox, UidSet(uids), NOW)
            case 4:
                await world.store.write(ops.move, world.account, inbox, UidSet(uids[:3]), sent, NOW)
            case _:
                await world.store.write(ops.copy, world.account, sent, UidSet(uids), inbox, NOW)
        if choice.random() < 0.5:
            delta = await world.store.read(ops.delta, world.account, inbox, since)
            assert not {state.uid for state in delta.changed} & set(delta.gone)
            known = {uid: state for uid, state in known.items() if uid not in delta.gone}
            known |= {state.uid: (state.mask, state.more) for state in delta.changed}
            since = delta.upto
            shot = await world.store.read(ops.snapshot, world.account, inbox)
            there = {uid: (mask, shot.more.get(Uid(uid), ())) for uid, mask in zip(shot.uids, shot.masks, strict=True)}
            assert known == there
    assert await world.store.check(world.account) == ()
