"""Operations on an account, one file each.

`account` always comes first; the rest are positional.  `now` is UTC seconds.  Reading:

    get_account(account) -> AccountRow
    list_mailboxes(account) -> tuple[Mailbox, ...]              ascending by name
    get_usage(account) -> Usage
    require_room(account, octets, messages) -> None
    get_mailbox(account, mailbox) -> Mailbox
    deleted_octets(account, mailbox) -> int
    find_mailbox(account, path) -> Mailbox | None
    find_buried(account, path) -> tuple[MailboxId, ...]         those with something to undelete
    find_greylisted(account, network, attempt) -> (known_at, tried_at)
    find_mailbox_key(account, holder, mailbox) -> bytes | None
    list_subscriptions(account) -> tuple[str, ...]              ascending
    is_subscribed(account, name) -> bool
    is_parent(account, mailbox) -> bool                         living mailboxes stand below it
    news(account, since) -> News                                all that happened in the account
    keywords(account) -> tuple[tuple[int, str], ...]            (number, name), ascending
    get_metadata(account, mailbox, reader, entries, depth, max_size) -> tuple[Metadatum, ...]
    with_metadata(account) -> tuple[MailboxId, ...]
    metadata_changes(account, reader, since) -> (modseq, tuple[MetadataChange, ...])
    snapshot(account, mailbox) -> Snapshot                      a whole mailbox as arrays
    delta(account, mailbox, since) -> Delta
    vanished(account, mailbox, since) -> UidSet                 for QRESYNC
    fetch(account, mailbox, uids, kinds, also) -> list[Fetched]
    fetch_columns(account, mailbox, uids, columns, kinds) -> tuple of columns, UIDs first
    message_numbers(account, mailbox, after, limit) -> rows     (uid, message)
    message_columns(account, mailbox, uids) -> rows             (uid, saved_at, internaldate, size, …)
    message_facts(account, messages) -> rows                    (message, internaldate, size)
    message_octets(account, messages) -> rows                   (message, internaldate, size, blob, data)
    derived_data(account, kind, messages) -> rows               (message, version, data)
    get_text_index(account) -> TextIndex
    read_text(account, kind, segments) -> rows                  (segment, data)
    inspect_text(account, first, last) -> TextInspection        segments with the messages they are about
    check(account) -> tuple[str, ...]                           problems, in words
    read_rows(account, table, after, limit) -> rows             a page of a table, each row behind its key
    count_rows(account) -> tuple[tuple[str, int], ...]          (table, rows)
    read_acl(account, mailbox) -> tuple[(who, rights), ...]
    read_rights(account, mailbox, guest) -> Rights | None
    find_granted(account, guest, path) -> tuple[Mailbox, Rights] | None
    is_visible_parent(account, mailbox, guest) -> bool          living mailboxes that he may see stand below it
    list_granted(account, guest) -> tuple[(Mailbox, Rights), ...]   ascending by name
    list_granters(account) -> tuple[AccountId, ...]             of one database: see `Store.survey`
    queue_get(account, item, leg) -> QueuedItem                 leg None: with all
    queue_due(account, after, until, limit) -> list[Due]        of one database: what is to be tried next
    queue_due_of(account, domain, until, limit) -> list[Due]
    queue_due_item(account, item, until) -> list[Due]
    queue_next(account, after) -> int | None                    of one database
    queue_list(account, domain, after, limit) -> tuple[QueueLine, ...]  of one database; account 0: of all
    queue_count(account) -> tuple[int, int]                     of one database: items, and those that are held

Writing:

    create_account(account, quota, now) -> None                 may be repeated
    remove_account(account) -> bool                             True when nothing is left; else call again
    create_mailbox(account, path, role, subscribe, now) -> Mailbox
    delete_mailbox(account, mailbox, now) -> modseq
    rename_mailbox(account, mailbox, path, now) -> Mailbox
    rename_inbox(account, path, now) -> tuple[Mailbox, Copied]
    subscribe(account, name) / unsubscribe(account, name) -> modseq
    append(account, mailbox, messages, now) -> Appended
    append_once(account, mailbox, message, key, now) -> tuple[Appended, bool]  False: it was there under that key
    queue_add(account, blob, envelope, domains, recipients, now) -> int     the number of the item
    queue_settle(account, item, leg, attempts, settlements, due_at, now) -> bool    True: the item is over
    queue_reported(account, item, leg, recipients, due_at, now) -> bool     True: the item is over
    queue_warned(account, item, leg) -> None
    queue_hold(account, item) / queue_release(account, item, now) / queue_retry(account, item, now) -> None
    queue_drop(account, item, now) -> None
    copy(account, mailbox, uids, target, now) -> Copied
    move(account, mailbox, uids, target, now) -> Copied
    replace(account, mailbox, uid, target, message, now) -> Appended
    store_flags(account, mailbox, uids, how, mask, keywords, unchanged_since) -> Stored
    expunge(account, mailbox, uids, now) -> tuple[modseq, UidSet]
    remove(account, mailbox, uids, now) -> tuple[modseq, UidSet]   marked or not
    claim_recent(account, mailbox, last) -> None                messages up to this UID are recent no more
    put_derived(account, rows) -> None                          rows: tuple[(message, Derived), ...]
    put_greylisted(account, key, known, now) -> None
    put_text(account, segment) -> bool                          False: its messages have changed, nothing is written
    doubt_text(account, segments) -> None                       these are written anew
    drop_text(account) -> None                                  the index is built anew
    make_mailbox_key(account, holder, mailbox, fresh) -> bytes
    reset_mailbox_keys(account, holder, mailbox) -> None        mailbox None: all
    save_snapshot(account, mailbox) -> None
    undelete(account, mailbox, since, emailid, now) -> tuple[Copied, ...]
    set_metadata(account, mailbox, reader, values) -> modseq
    set_quota(account, quota) / lower_quota(account, quota) -> None
    sweep(account, now, keep_s) -> Swept                        one step
    hold_account(account) / release_account(account) -> None    while it is held, nobody else may write to it
    put_rows(account, table, rows) -> None                      as `read_rows` gave them, without the key in front
    set_acl(account, guest, mailbox, who, how, rights) -> modseq
    withdraw(account, guest, mailbox, uids, now) -> tuple[modseq, UidSet]

By a guest, who has rights on what is another's; otherwise as the operation without ``guest_``:

    guest_append(account, guest, mailbox, messages, now) -> Appended
    guest_copy(account, guest, mailbox, uids, target, now) -> Copied
    guest_move(account, guest, mailbox, uids, target, now) -> Copied
    guest_replace(account, guest, mailbox, uid, target, message, now) -> Appended
    guest_store_flags(account, guest, mailbox, uids, how, mask, keywords, unchanged_since) -> Stored
    guest_expunge(account, guest, mailbox, uids, now) -> tuple[modseq, UidSet]
    guest_create_mailbox(account, guest, path, now) -> Mailbox
    guest_delete_mailbox(account, guest, mailbox, now) -> modseq
    guest_rename_mailbox(account, guest, mailbox, path, now) -> Mailbox
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from mailkeep.store.contract import Op
from mailkeep.store.ops.append import append
from mailkeep.store.ops.append_once import append_once
from mailkeep.store.ops.check import check
from mailkeep.store.ops.claim_recent import claim_recent
from mailkeep.store.ops.copy import copy
from mailkeep.store.ops.count_rows import count_rows
from mailkeep.store.ops.create_account import create_account
from mailkeep.store.ops.create_mailbox import create_mailbox
from mailkeep.store.ops.delete_mailbox import delete_mailbox
from mailkeep.store.ops.deleted_octets import deleted_octets
from mailkeep.store.ops.delta import delta
from mailkeep.store.ops.derived_data import derived_data
from mailkeep.store.ops.doubt_text import doubt_text
from mailkeep.store.ops.drop_text import drop_text
from mailkeep.store.ops.expunge import expunge
from mailkeep.store.ops.fetch import fetch
from mailkeep.store.ops.fetch_columns import fetch_columns
from mailkeep.store.ops.find_buried import find_buried
from mailkeep.store.ops.find_granted import find_granted
from mailkeep.store.ops.find_greylisted import find_greylisted
from mailkeep.store.ops.find_mailbox import find_mailbox
from mailkeep.store.ops.find_mailbox_key import find_mailbox_key
from mailkeep.store.ops.get_account import get_account
from mailkeep.store.ops.get_mailbox import get_mailbox
from mailkeep.store.ops.get_metadata import get_metadata
from mailkeep.store.ops.get_text_index import get_text_index
from mailkeep.store.ops.get_usage import get_usage
from mailkeep.store.ops.guest_append import guest_append
from mailkeep.store.ops.guest_copy import guest_copy
from mailkeep.store.ops.guest_create_mailbox import guest_create_mailbox
from mailkeep.store.ops.guest_delete_mailbox import guest_delete_mailbox
from mailkeep.store.ops.guest_expunge import guest_expunge
from mailkeep.store.ops.guest_move import guest_move
from mailkeep.store.ops.guest_rename_mailbox import guest_rename_mailbox
from mailkeep.store.ops.guest_replace import guest_replace
from mailkeep.store.ops.guest_store_flags import guest_store_flags
from mailkeep.store.ops.hold_account import hold_account
from mailkeep.store.ops.inspect_text import inspect_text
from mailkeep.store.ops.is_parent import is_parent, is_visible_parent
from mailkeep.store.ops.is_subscribed import is_subscribed
from mailkeep.store.ops.keywords import keywords
from mailkeep.store.ops.list_granted import list_granted
from mailkeep.store.ops.list_granters import list_granters
from mailkeep.store.ops.list_mailboxes import list_mailboxes
from mailkeep.store.ops.list_subscriptions import list_subscriptions
from mailkeep.store.ops.make_mailbox_key import make_mailbox_key
from mailkeep.store.ops.message_columns import message_columns
from mailkeep.store.ops.message_facts import message_facts
from mailkeep.store.ops.message_numbers import message_numbers
from mailkeep.store.ops.message_octets import message_octets
from mailkeep.store.ops.metadata_changes import metadata_changes
from mailkeep.store.ops.move import move
from mailkeep.store.ops.news import news
from mailkeep.store.ops.put_derived import put_derived
from mailkeep.store.ops.put_greylisted import put_greylisted
from mailkeep.store.ops.put_rows import put_rows
from mailkeep.store.ops.put_text import put_text
from mailkeep.store.ops.queue_add import queue_add
from mailkeep.store.ops.queue_due import queue_due, queue_due_item, queue_due_of, queue_next
from mailkeep.store.ops.queue_get import queue_get
from mailkeep.store.ops.queue_hold import queue_drop, queue_hold, queue_release, queue_retry
from mailkeep.store.ops.queue_list import queue_count, queue_list
from mailkeep.store.ops.queue_reported import queue_reported, queue_warned
from mailkeep.store.ops.queue_settle import queue_settle
from mailkeep.store.ops.read_acl import read_acl
from mailkeep.store.ops.read_rights import read_rights
from mailkeep.store.ops.read_rows import read_rows
from mailkeep.store.ops.read_text import read_text
from mailkeep.store.ops.release_account import release_account
from mailkeep.store.ops.remove import remove
from mailkeep.store.ops.remove_account import remove_account
from mailkeep.store.ops.rename_inbox import rename_inbox
from mailkeep.store.ops.rename_mailbox import rename_mailbox
from mailkeep.store.ops.replace import replace
from mailkeep.store.ops.require_room import require_room
from mailkeep.store.ops.reset_mailbox_keys import reset_mailbox_keys
from mailkeep.store.ops.save_snapshot import save_snapshot
from mailkeep.store.ops.set_acl import set_acl
from mailkeep.store.ops.set_metadata import set_metadata
from mailkeep.store.ops.set_quota import lower_quota, set_quota
from mailkeep.store.ops.snapshot import snapshot
from mailkeep.store.ops.store_flags import store_flags
from mailkeep.store.ops.subscribe import subscribe, unsubscribe
from mailkeep.store.ops.sweep import sweep
from mailkeep.store.ops.undelete import undelete
from mailkeep.store.ops.vanished import vanished
from mailkeep.store.ops.with_metadata import with_metadata
from mailkeep.store.ops.withdraw import withdraw

__all__ = [
    "ALL",
    "OPS",
    "append",
    "append_once",
    "check",
    "claim_recent",
    "copy",
    "count_rows",
    "create_account",
    "create_mailbox",
    "delete_mailbox",
    "deleted_octets",
    "delta",
    "derived_data",
    "doubt_text",
    "drop_text",
    "expunge",
    "fetch",
    "fetch_columns",
    "find_buried",
    "find_granted",
    "find_greylisted",
    "find_mailbox",
    "find_mailbox_key",
    "get_account",
    "get_mailbox",
    "get_metadata",
    "get_text_index",
    "get_usage",
    "guest_append",
    "guest_copy",
    "guest_create_mailbox",
    "guest_delete_mailbox",
    "guest_expunge",
    "guest_move",
    "guest_rename_mailbox",
    "guest_replace",
    "guest_store_flags",
    "hold_account",
    "inspect_text",
    "is_parent",
    "is_subscribed",
    "is_visible_parent",
    "keywords",
    "list_granted",
    "list_granters",
    "list_mailboxes",
    "list_subscriptions",
    "lower_quota",
    "make_mailbox_key",
    "message_columns",
    "message_facts",
    "message_numbers",
    "message_octets",
    "metadata_changes",
    "move",
    "news",
    "put_derived",
    "put_greylisted",
    "put_rows",
    "put_text",
    "queue_add",
    "queue_count",
    "queue_drop",
    "queue_due",
    "queue_due_item",
    "queue_due_of",
    "queue_get",
    "queue_hold",
    "queue_list",
    "queue_next",
    "queue_release",
    "queue_reported",
    "queue_retry",
    "queue_settle",
    "queue_warned",
    "read_acl",
    "read_rights",
    "read_rows",
    "read_text",
    "release_account",
    "remove",
    "remove_account",
    "rename_inbox",
    "rename_mailbox",
    "replace",
    "require_room",
    "reset_mailbox_keys",
    "save_snapshot",
    "set_acl",
    "set_metadata",
    "set_quota",
    "snapshot",
    "store_flags",
    "subscribe",
    "sweep",
    "undelete",
    "unsubscribe",
    "vanished",
    "with_metadata",
    "withdraw",
]

ALL: Final[tuple[Callable[..., Op[Any]], ...]] = (
    append,
    append_once,
    check,
    claim_recent,
    copy,
    create_account,
    create_mailbox,
    delete_mailbox,
    deleted_octets,
    delta,
    expunge,
    fetch,
    fetch_columns,
    find_buried,
    find_greylisted,
    find_mailbox,
    find_mailbox_key,
    get_account,
    get_mailbox,
    get_metadata,
    is_parent,
    is_subscribed,
    is_visible_parent,
    keywords,
    list_mailboxes,
    list_subscriptions,
    lower_quota,
    metadata_changes,
    move,
    news,
    put_derived,
    put_greylisted,
    remove,
    remove_account,
    rename_inbox,
    make_mailbox_key,
    rename_mailbox,
    reset_mailbox_keys,
    replace,
    save_snapshot,
    set_metadata,
    set_quota,
    snapshot,
    store_flags,
    subscribe,
    sweep,
    undelete,
    unsubscribe,
    derived_data,
    message_columns,
    message_facts,
    message_numbers,
    message_octets,
    get_text_index,
    get_usage,
    require_room,
    put_text,
    read_text,
    count_rows,
    hold_account,
    put_rows,
    read_rows,
    release_account,
    doubt_text,
    drop_text,
    inspect_text,
    vanished,
    with_metadata,
    find_granted,
    guest_append,
    guest_copy,
    guest_create_mailbox,
    guest_delete_mailbox,
    guest_expunge,
    guest_move,
    guest_rename_mailbox,
    guest_replace,
    guest_store_flags,
    list_granted,
    list_granters,
    read_acl,
    read_rights,
    set_acl,
    withdraw,
    queue_add,
    queue_settle,
    queue_reported,
    queue_warned,
    queue_get,
    queue_due,
    queue_due_item,
    queue_due_of,
    queue_next,
    queue_count,
    queue_list,
    queue_drop,
    queue_hold,
    queue_release,
    queue_retry,
)

OPS: Final[Mapping[str, Callable[..., Op[Any]]]] = MappingProxyType({op.__name__: op for op in ALL})
