"""RENAME INBOX: its messages go into a new mailbox, INBOX itself stays."""

from __future__ import annotations

from mailkeep.model.ids import AccountId, MailboxId, Uid
from mailkeep.model.mailbox import INBOX, Mailbox
from mailkeep.model.message import Copied
from mailkeep.model.uidset import UidSet
from mailkeep.store.contract import LogKind, Op, Sql
from mailkeep.store.steps.account import lock_mailbox, log_name, raise_modseq
from mailkeep.store.steps.entries import bury, choose, duplicate
from mailkeep.store.steps.tree import TOP, NewMailbox, find_child, make_path, read_mailbox


def rename_inbox(account: AccountId, path: str, now: int) -> Op[tuple[Mailbox, Copied]]:
    """RFC 9051 §6.3.6.  Mailboxes below INBOX stay where they are.  Returns the new mailbox, and what went into it.

    Metadata is copied (RFC 5464 §4.1).

    Raises: NotFound, AlreadyExists, Invalid (the name), LimitReached.
    """
    row = yield from find_child(account, TOP, INBOX)
    inbox = MailboxId(row[0] if row else 0)
    locked = yield from lock_mailbox(account, inbox)
    target = yield from make_path(account, path, locked.modseq, NewMailbox(role=None, subscribe=True, now=now))
    chosen = yield from choose(account, inbox, UidSet.of_ranges([(1, locked.uidnext)]))
    new: tuple[Uid, ...] = ()
    if chosen.uids:
        new = yield from duplicate(account, inbox, chosen, target, locked.modseq, now)
        yield from bury(account, inbox, chosen, locked.modseq, now, moved=True)
    yield Sql(
        "INSERT INTO metadata SELECT account, CAST(? AS BIGINT), who, entry, value, CAST(? AS BIGINT) FROM metadata"
        " WHERE account = ? AND mailbox = ? AND value IS NOT NULL",
        (target, locked.modseq, account, inbox),
    )
    yield log_name(account, target, locked.modseq, LogKind.MAILBOX_RENAMED, INBOX)
    yield raise_modseq(account, locked.modseq)
    made = yield from read_mailbox(account, target)
    return made, Copied(target, made.uidvalidity, chosen.uids, new, locked.modseq)
