"""RENAME: one row moves, and all below follow."""

from __future__ import annotations

from mailkeep.model.errors import AlreadyExists, Invalid
from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.model.mailbox import DELIMITER, INBOX, Mailbox
from mailkeep.store.contract import LogKind, Op, Sql
from mailkeep.store.names import parse_path
from mailkeep.store.steps.account import lock_account, log_name, raise_modseq
from mailkeep.store.steps.tree import (
    NewMailbox,
    find_child,
    height,
    make_parents,
    read_mailbox,
    require_depth,
)


def rename_mailbox(account: AccountId, mailbox: MailboxId, path: str, now: int) -> Op[Mailbox]:
    """RFC 9051 §6.3.6.  Number, UIDVALIDITY, UIDs and the mailboxes below stay; missing ones above are made.

    A subscription to an old name stays (RFC 9051 §6.3.7: a server never removes one by itself), and the new name is
    subscribed as well, so that the mailbox does not vanish from clients that show subscribed ones only.
    Raises: NotFound, AlreadyExists, Invalid (INBOX; a name; below itself), LimitReached.
    """
    modseq = yield from lock_account(account)
    old = yield from read_mailbox(account, mailbox)
    leaves = parse_path(path)
    name = DELIMITER.join(leaves)
    if INBOX in (old.name, name):
        raise Invalid("INBOX cannot be renamed like this") if old.name == INBOX else AlreadyExists("INBOX exists")
    if name.startswith(old.name + DELIMITER):
        raise Invalid("A mailbox cannot be put below itself")
    require_depth(len(leaves) + (yield from height(account, mailbox)))
    parent = yield from make_parents(account, leaves, modseq, NewMailbox(role=None, subscribe=True, now=now))
    if (yield from find_child(account, parent, leaves[-1])) is not None:
        raise AlreadyExists("A mailbox of that name exists already")
    yield Sql(
        "UPDATE mailbox SET parent = ?, name = ?, modseq = ?, meta_modseq = ? WHERE account = ? AND mailbox = ?",
        (parent, leaves[-1], modseq, modseq, account, mailbox),
    )
    yield from _subscribe_too(account, old.name, name)
    yield log_name(account, mailbox, modseq, LogKind.MAILBOX_RENAMED, old.name)
    yield raise_modseq(account, modseq)
    return (yield from read_mailbox(account, mailbox))


def _subscribe_too(account: AccountId, old: str, new: str) -> Op[None]:
    rows = yield Sql(
        "SELECT name FROM subscription WHERE account = ? AND (name = ? OR substr(name, 1, ?) = ?)",
        (account, old, len(old) + 1, old + DELIMITER),
    )
    for (name,) in rows:
        yield Sql("INSERT INTO subscription VALUES (?, ?) ON CONFLICT DO NOTHING", (account, new + name[len(old) :]))
