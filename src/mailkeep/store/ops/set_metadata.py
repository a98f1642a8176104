"""SETMETADATA: give values to entries of a mailbox or of the server, or remove them."""

from __future__ import annotations

from typing import Final

from mailkeep.model.errors import Forbidden, LimitReached, NotFound, Unsupported
from mailkeep.model.ids import AccountId, MailboxId, ModSeq
from mailkeep.model.mailbox import INBOX
from mailkeep.model.metadata import ONE_OF, SPECIAL_USE, THE_SERVER, Values
from mailkeep.store.contract import LogKind, Op, Sql
from mailkeep.store.steps.account import lock_account, log, raise_modseq
from mailkeep.store.steps.metadata import NOBODY, owner_of
from mailkeep.store.steps.rights import NO_RIGHT, require
from mailkeep.store.steps.tree import TOP

NOTHING: Final = ModSeq(0)  # has changed
MAX_ENTRIES: Final = 500  # of a mailbox and an owner
MAX_OCTETS: Final = 1 << 20  # of a mailbox and an owner
MAX_ACCOUNT_ENTRIES: Final = 10_000
MAX_ACCOUNT_OCTETS: Final = 32 << 20
KEPT_REMOVALS: Final = 100  # of a mailbox: so many entries that were removed are told to others


def set_metadata(account: AccountId, mailbox: MailboxId, reader: AccountId, values: Values) -> Op[ModSeq]:
    r"""All of `values`, or none; what has the same value already is left alone.  RFC 5464 §4.3.

    Entries are in lower case; private ones become those of `reader`.  SPECIAL_USE, which only the owner may set, gives
    the mailbox the role of that name (``\Sent``) and takes it from another; its values must be right.  Returns the
    modseq of the change, NOTHING if there was none.
    Raises: NotFound, LimitReached, Unsupported (a role for INBOX or a mere name), and of a guest Forbidden (he needs
    ``l`` and one of `ONE_OF`).
    """
    modseq = yield from lock_account(account)
    yield from _require_place(account, mailbox)
    if reader != account:
        yield from _require_rights(account, mailbox, reader)
    changed = False
    for entry, value in values:
        if entry == SPECIAL_USE:
            changed |= yield from _set_role(account, mailbox, value, modseq)
            continue
        who = owner_of(entry, reader)
        rows = yield Sql(
            "SELECT value FROM metadata WHERE account = ? AND mailbox = ? AND who = ? AND entry = ?",
            (account, mailbox, who, entry),
        )
        if (rows[0][0] if rows else None) == value:
            continue
        changed = True
        yield _put(account, mailbox, who, entry, value, modseq)
    if not changed:
        return NOTHING
    owners = {owner_of(entry, reader) for entry, value in values if value is not None}
    for who in owners:
        yield from _require_fewer(account, mailbox, who)
    if owners:
        yield from _require_fewer_in_all(account, reader)
    yield from _forget_removals(account, mailbox)
    if mailbox != THE_SERVER:  # RFC 7162 §3.2
        yield Sql("UPDATE mailbox SET modseq = ? WHERE account = ? AND mailbox = ?", (modseq, account, mailbox))
    yield log(account, mailbox, modseq, LogKind.METADATA)
    yield raise_modseq(account, modseq)
    return modseq


def _put(account: AccountId, mailbox: MailboxId, who: int, entry: str, value: bytes | None, modseq: ModSeq) -> Sql:
    return Sql(
        "INSERT INTO metadata VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (account, mailbox, who, entry)"
        " DO UPDATE SET value = excluded.value, modseq = excluded.modseq",
        (account, mailbox, who, entry, value, modseq),
    )


def _set_role(account: AccountId, mailbox: MailboxId, value: bytes | None, modseq: ModSeq) -> Op[bool]:
    """The role stands in the rows of mailboxes; rows of metadata only tell that it has changed."""
    role = value.decode("ascii").removeprefix("\\") if value else None
    if role is not None:
        yield from _require_fit(account, mailbox)
    rows = yield Sql(
        "SELECT mailbox, role FROM mailbox WHERE account = ? AND (mailbox = ? OR role = ?) AND deleted_at IS NULL",
        (account, mailbox, role),
    )
    changed = [MailboxId(row[0]) for row in rows if row[1] != (role if row[0] == mailbox else None)]
    for one in changed:
        yield Sql(
            "UPDATE mailbox SET role = ?, meta_modseq = ? WHERE account = ? AND mailbox = ?",
            (role if one == mailbox else None, modseq, account, one),
        )
        yield _put(account, one, account, SPECIAL_USE, None, modseq)
        if one != mailbox:
            yield log(account, one, modseq, LogKind.METADATA)
    return bool(changed)


def _require_fit(account: AccountId, mailbox: MailboxId) -> Op[None]:
    rows = yield Sql(
        "SELECT 1 FROM mailbox WHERE account = ? AND mailbox = ? AND selectable = 1 AND NOT (parent = ? AND name = ?)",
        (account, mailbox, TOP, INBOX),
    )
    if not rows:
        raise Unsupported("This mailbox cannot have a special use")


def _require_place(account: AccountId, mailbox: MailboxId) -> Op[None]:
    if mailbox == THE_SERVER:
        return
    if not (
        yield Sql("SELECT 1 FROM mailbox WHERE account = ? AND mailbox = ? AND deleted_at IS NULL", (account, mailbox))
    ):
        raise NotFound("No such mailbox")


def _require_rights(account: AccountId, mailbox: MailboxId, guest: AccountId) -> Op[None]:
    rights = yield from require(account, mailbox, guest, "l")
    if not any(right in rights for right in ONE_OF):
        raise Forbidden(NO_RIGHT)


def _require_fewer(account: AccountId, mailbox: MailboxId, who: int) -> Op[None]:
    [(count, octets)] = yield Sql(
        "SELECT count(value), coalesce(sum(length(value)), 0) FROM metadata"
        " WHERE account = ? AND mailbox = ? AND who = ?",
        (account, mailbox, who),
    )
    if count > MAX_ENTRIES or octets > MAX_OCTETS:
        raise LimitReached(f"At most {MAX_ENTRIES} entries of {MAX_OCTETS} octets together can be kept here")


def _require_fewer_in_all(account: AccountId, reader: AccountId) -> Op[None]:
    """What guests keep for themselves, which the owner cannot even see, leaves him all of his room."""
    [(count, octets)] = yield Sql(
        "SELECT count(value), coalesce(sum(length(value)), 0) FROM metadata"
        " WHERE account = ? AND (who IN (?, ?) OR ? != account)",
        (account, NOBODY, account, reader),
    )
    if count > MAX_ACCOUNT_ENTRIES or octets > MAX_ACCOUNT_OCTETS:
        raise LimitReached("The account has too much metadata")


def _forget_removals(account: AccountId, mailbox: MailboxId) -> Op[None]:
    """So that whoever sets and removes ever new names does not fill the disk."""
    yield Sql(
        "DELETE FROM metadata WHERE account = ? AND mailbox = ? AND value IS NULL AND modseq <="
        " (SELECT modseq FROM metadata WHERE account = ? AND mailbox = ? AND value IS NULL"
        " ORDER BY modseq DESC LIMIT 1 OFFSET ?)",
        (account, mailbox, account, mailbox, KEPT_REMOVALS),
    )
