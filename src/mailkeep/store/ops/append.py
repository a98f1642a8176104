"""APPEND, and every other way in: new messages into a mailbox."""

from __future__ import annotations

from mailkeep.model.errors import Invalid, NotFound
from mailkeep.model.flags import System
from mailkeep.model.ids import AccountId, MailboxId, MessageId, ModSeq, Uid
from mailkeep.model.message import Appended
from mailkeep.store.contract import Derived, Identity, LogKind, NewMessage, Op, Sql
from mailkeep.store.steps.account import log, require_uids
from mailkeep.store.steps.blobs import keep_blob
from mailkeep.store.steps.entries import ascending
from mailkeep.store.steps.keywords import encode_more, intern_keywords
from mailkeep.store.steps.quota import require_room
from mailkeep.store.steps.threads import find_thread, keep_thread

ALL_SYSTEM = sum(flag.value for flag in System)


def append(account: AccountId, mailbox: MailboxId, messages: tuple[NewMessage, ...], now: int) -> Op[Appended]:
    """All of `messages`, or none; UIDs ascend in their order (RFC 9051 §6.3.12, RFC 3502).

    Raises: NotFound, OverQuota, Invalid (not selectable; not a keyword), LimitReached (keywords, UIDs).
    """
    count, octets = len(messages), sum(message.blob.size for message in messages)
    unseen = sum(1 for message in messages if not message.mask & System.SEEN.value)
    deleted = sum(1 for message in messages if message.mask & System.DELETED.value)
    rows = yield Sql(
        "UPDATE account SET modseq = modseq + 1, next_message = next_message + ?, next_blob = next_blob + ?,"
        " used_octets = used_octets + ?, used_messages = used_messages + ?"
        " WHERE account = ? AND (quota IS NULL OR used_octets + ? <= quota)"
        " AND (quota_messages IS NULL OR used_messages + ? <= quota_messages)"
        " RETURNING modseq, next_message - ?, next_blob - ?",
        (count, count, octets, count, account, octets, count, count, count),
    )
    if not rows:
        yield from require_room(account, octets, count)  # says why
    [(modseq, first_message, first_blob)] = rows
    rows = yield Sql(
        "UPDATE mailbox SET uidnext = uidnext + ?, modseq = ?, total = total + ?, unseen = unseen + ?,"
        " deleted = deleted + ?, octets = octets + ?"
        " WHERE account = ? AND mailbox = ? AND deleted_at IS NULL RETURNING uidnext - ?, uidvalidity, selectable",
        (count, modseq, count, unseen, deleted, octets, account, mailbox, count),
    )
    if not rows:
        raise NotFound("No such mailbox")
    [(first_uid, uidvalidity, selectable)] = rows
    if not selectable:
        raise Invalid("This mailbox cannot hold messages")
    require_uids(first_uid, count)
    numbered = yield from intern_keywords(account, [name for message in messages for name in message.keywords])
    for i, message in enumerate(messages):
        number = first_message + i
        yield from _insert_message(account, number, first_blob + i, message)
        mask, more = numbered.bits(message.keywords)
        yield Sql(
            "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (account, mailbox, first_uid + i, number, mask | message.mask & ALL_SYSTEM, encode_more(more), modseq, now),
        )
    uids = range(first_uid, first_uid + count)
    yield log(account, mailbox, modseq, LogKind.ADDED, ascending(uids))
    return Appended(mailbox, uidvalidity, tuple(map(Uid, uids)), ModSeq(modseq), MessageId(first_message))


def _insert_message(account: AccountId, number: int, new_blob: int, message: NewMessage) -> Op[None]:
    blob = yield from keep_blob(account, new_blob, message.blob)
    thread = yield from find_thread(account, number, message.thread)
    identity = message.identity or Identity((account, number), (account, thread))
    yield Sql(
        "INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (account, number, blob, message.blob.size, message.internaldate, *identity.emailid, *identity.threadid),
    )
    yield from keep_thread(account, thread, message.thread)
    for derived in message.derived:
        yield _insert_derived(account, number, derived)


def _insert_derived(account: AccountId, number: int, derived: Derived) -> Sql:
    return Sql(
        "INSERT INTO derived VALUES (?, ?, ?, ?, ?)", (account, derived.kind, number, derived.version, derived.data)
    )
