"""The account's row: lock first, raise the counter once something changes."""

from __future__ import annotations

from dataclasses import dataclass

from mailkeep.model.errors import LimitReached, NotFound
from mailkeep.model.ids import AccountId, MailboxId, ModSeq
from mailkeep.model.uidset import EMPTY, UidSet
from mailkeep.store.contract import LogKind, Op, Sql

MAX_UID = 2**32 - 1


@dataclass(slots=True)
class Locked:
    """An account and one of its mailboxes, locked.  `modseq` is the one this operation has, if it changes anything.

    Not frozen: one is made per operation, and frozen costs four times as much.
    """

    modseq: ModSeq
    selectable: bool
    uidvalidity: int
    uidnext: int
    highest: ModSeq  # of the mailbox
    deleted: int


def lock_account(account: AccountId) -> Op[ModSeq]:
    """Returns the modseq of this operation, if it changes anything.  Raises: NotFound."""
    rows = yield Sql("SELECT modseq + 1 FROM account WHERE account = ?", (account,), locks=True)
    if not rows:
        raise NotFound("No such account")
    return ModSeq(rows[0][0])


def lock_mailbox(account: AccountId, mailbox: MailboxId) -> Op[Locked]:
    """Lock the account, and look at one mailbox.  Raises: NotFound."""
    rows = yield Sql(
        "SELECT a.modseq + 1, m.selectable, m.uidvalidity, m.uidnext, m.modseq, m.deleted"
        " FROM account a JOIN mailbox m ON m.account = a.account"
        " WHERE a.account = ? AND m.mailbox = ? AND m.deleted_at IS NULL",
        (account, mailbox),
        locks=True,
    )
    if not rows:
        raise NotFound("No such mailbox")
    return Locked(*rows[0])


def raise_modseq(account: AccountId, modseq: ModSeq, octets: int = 0, messages: int = 0) -> Sql:
    """Something changes: the account moves on to `modseq`, and so many octets and messages more are in use."""
    return Sql(
        "UPDATE account SET modseq = ?, used_octets = used_octets + ?, used_messages = used_messages + ?"
        " WHERE account = ?",
        (modseq, octets, messages, account),
    )


def log(account: AccountId, mailbox: MailboxId | int, modseq: ModSeq, kind: LogKind, uids: UidSet = EMPTY) -> Sql:
    """One row of the change log; mailbox 0 is the account itself."""
    return Sql("INSERT INTO log VALUES (?, ?, ?, ?, ?)", (account, mailbox, modseq, kind.value, uids.to_bytes()))


def log_name(account: AccountId, mailbox: MailboxId | int, modseq: ModSeq, kind: LogKind, name: str) -> Sql:
    """The same for a change of a name, which is kept: the old name of a mailbox, or what was (un)subscribed."""
    return Sql("INSERT INTO log VALUES (?, ?, ?, ?, ?)", (account, mailbox, modseq, kind.value, name.encode("utf-8")))


def require_uids(uidnext: int, count: int) -> None:
    """Raises: LimitReached (a mailbox has 2**32 - 1 UIDs in its life)."""
    if uidnext + count - 1 > MAX_UID:
        raise LimitReached("This mailbox has used up its UIDs; use a new one")
