"""Operations that go to another process and come back are what they were."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mailkeep.model.errors import Invalid
from mailkeep.model.ids import AccountId
from mailkeep.store import codec, ops
from mailkeep.store.contract import Op
from mailkeep.store.sqlite.store import SqliteStore
from mailkeep.testing.queue_contract import QueueContract
from mailkeep.testing.store_contract import StoreContract

# What only reads never travels; `check` runs where it was asked for.
READING = {
    "inspect_text",
    "count_rows",
    "read_rows",
    "check",
    "deleted_octets",
    "delta",
    "derived_data",
    "fetch",
    "fetch_columns",
    "find_buried",
    "find_granted",
    "find_mailbox",
    "find_mailbox_key",
    "get_account",
    "get_mailbox",
    "get_metadata",
    "get_text_index",
    "get_usage",
    "keywords",
    "list_granted",
    "list_granters",
    "list_mailboxes",
    "list_subscriptions",
    "message_columns",
    "message_facts",
    "message_numbers",
    "message_octets",
    "metadata_changes",
    "queue_count",
    "queue_due",
    "queue_due_item",
    "queue_due_of",
    "queue_get",
    "queue_list",
    "queue_next",
    "read_acl",
    "read_rights",
    "read_text",
    "snapshot",
    "vanished",
    "with_metadata",
}

travelled: set[str] = set()


class TravellingStore(SqliteStore):
    """Every write goes through octets, there and back."""

    async def write(self, op: Callable[..., Op[Any]], account: AccountId, /, *args: Any) -> Any:
        name = op.__name__
        if name not in ops.OPS:  # made by a test
            return await super().write(op, account, *args)
        there = codec.decode_arguments(name, codec.encode(args))
        assert there == args
        assert [type(value) for value in there] == [type(value) for value in args]
        result = await super().write(codec.find_op(name, codec.VERSION), account, *there)
        back = codec.decode_result(name, codec.encode(result))
        assert back == result
        assert type(back) is type(result)
        travelled.add(name)
        return back


class TestThroughOctets(QueueContract, StoreContract):
    def open_store(self, directory: Path) -> SqliteStore:
        return TravellingStore(directory)


def test_every_operation_that_writes_has_decoders() -> None:
    for name in ops.OPS.keys() - READING:
        codec._decoders(name)


@pytest.mark.parametrize("data", [b"", b"\xc1", codec.encode((1, 2)), codec.encode(("x", 1, 2, 3, 4))])
def test_what_is_no_argument_list_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid):
        codec.decode_arguments("copy", data)


def test_an_unknown_operation_or_version_is_refused() -> None:
    for name, version in (("nothing", codec.VERSION), ("append", codec.VERSION + 1)):
        with pytest.raises(Invalid):
            codec.find_op(name, version)
