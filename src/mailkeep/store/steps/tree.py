"""The tree of mailboxes: rows, full names, places for new ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mailkeep.model.errors import AlreadyExists, Invalid, LimitReached, NotFound
from mailkeep.model.ids import AccountId, MailboxId, ModSeq, Uid
from mailkeep.model.mailbox import DELIMITER, MAX_DEPTH, MAX_MAILBOXES, Mailbox, Role
from mailkeep.store.contract import LogKind, Op, Row, Sql
from mailkeep.store.names import parse_path
from mailkeep.store.steps.account import log
from mailkeep.store.steps.quota import require_mailbox_room

TOP: Final = 0  # parent of the mailboxes at the top

SELECT: Final = (  # living mailboxes; the order of columns is that of `as_mailbox`
    "SELECT mailbox, parent, name, role, selectable, uidvalidity, uidnext, modseq, total, unseen, deleted, octets,"
    " first_recent FROM mailbox WHERE account = ? AND deleted_at IS NULL"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMailbox:
    """How the last mailbox of a new path is to be."""

    role: Role | None
    subscribe: bool
    now: int


def as_mailbox(row: Row, name: str) -> Mailbox:
    """From a row of `SELECT` and its full name."""
    return Mailbox(
        id=MailboxId(row[0]),
        name=name,
        role=None if row[3] is None else Role(row[3]),
        selectable=bool(row[4]),
        uidvalidity=row[5],
        uidnext=Uid(row[6]),
        modseq=ModSeq(row[7]),
        total=row[8],
        unseen=row[9],
        deleted=row[10],
        size=row[11],
        first_recent=Uid(row[12]),
    )


def read_mailboxes(account: AccountId) -> Op[tuple[Mailbox, ...]]:
    """All mailboxes, ascending by name."""
    rows = yield Sql(SELECT, (account,))
    places = {row[0]: (row[1], row[2]) for row in rows}
    found = [as_mailbox(row, _full_name(places, row[0])) for row in rows]
    found.sort(key=lambda mailbox: mailbox.name)
    return tuple(found)


def _full_name(places: Mapping[int, tuple[int, str]], mailbox: int) -> str:
    leaves = []
    while mailbox != TOP:
        mailbox, leaf = places[mailbox]
        leaves.append(leaf)
    return DELIMITER.join(reversed(leaves))


def read_mailbox(account: AccountId, mailbox: MailboxId) -> Op[Mailbox]:
    """One mailbox by its number.  Raises: NotFound."""
    rows = yield Sql(SELECT + " AND mailbox = ?", (account, mailbox))
    if not rows:
        raise NotFound("No such mailbox")
    [row] = rows
    name = yield from path_of(account, row[1], row[2])
    return as_mailbox(row, name)


def path_of(account: AccountId, parent: int, leaf: str) -> Op[str]:
    """The full name of `leaf` below `parent`, dead or alive."""
    leaves = [leaf]
    while parent != TOP:
        [(parent, leaf)] = yield Sql(
            "SELECT parent, name FROM mailbox WHERE account = ? AND mailbox = ?", (account, parent)
        )
        leaves.append(leaf)
    return DELIMITER.join(reversed(leaves))


def find_child(account: AccountId, parent: int, leaf: str, *, alone: bool = False) -> Op[Row | None]:
    """The row (of `SELECT`) of a living mailbox by its place.  `alone`: see `Sql`."""
    rows = yield Sql(SELECT + " AND parent = ? AND name = ?", (account, parent, leaf), alone=alone)
    return rows[0] if rows else None


def find_path(account: AccountId, path: str, *, alone: bool = False) -> Op[Row | None]:
    """The row (of `SELECT`) of a living mailbox by its full name; None also for a name that can never exist.

    `alone`: the operation reads nothing else, and needs a snapshot only where the name has several levels.
    """
    try:
        leaves = parse_path(path)
    except Invalid:
        return None
    row: Row | None = None
    parent = TOP
    for leaf in leaves:
        row = yield from find_child(account, parent, leaf, alone=alone and len(leaves) == 1)
        if row is None:
            return None
        parent = row[0]
    return row


def make_path(account: AccountId, path: str, modseq: ModSeq, new: NewMailbox) -> Op[MailboxId]:
    r"""Make a mailbox and those above it that are missing; a new one takes the place of a \NoSelect one.

    The caller raises the account's counter.  Raises: AlreadyExists, Invalid, LimitReached.
    """
    leaves = parse_path(path)
    parent = yield from make_parents(account, leaves, modseq, new)
    row = yield from find_child(account, parent, leaves[-1])
    if row is None:
        return (yield from _insert(account, parent, leaves[-1], modseq, new))
    if row[4]:
        raise AlreadyExists("The mailbox exists already")
    return (yield from _replace(account, row[0], parent, leaves[-1], modseq, new))


def _replace(account: AccountId, name: int, parent: int, leaf: str, modseq: ModSeq, new: NewMailbox) -> Op[MailboxId]:
    """A mailbox instead of a mere name, whose children, rights and metadata it takes over.

    It has a number of its own: what was called so once must not come back with another UIDVALIDITY (RFC 8474 §4).
    """
    yield Sql("UPDATE mailbox SET deleted_at = ? WHERE account = ? AND mailbox = ?", (new.now, account, name))
    made = yield from _insert(account, parent, leaf, modseq, new)
    yield Sql(
        "UPDATE mailbox SET parent = ? WHERE account = ? AND parent = ? AND deleted_at IS NULL", (made, account, name)
    )
    yield Sql(  # what was said of the name counts, not what it inherits
        "DELETE FROM acl WHERE account = ? AND mailbox = ?"
        " AND who IN (SELECT who FROM acl WHERE account = ? AND mailbox = ?)",
        (account, made, account, name),
    )
    yield Sql("UPDATE acl SET mailbox = ? WHERE account = ? AND mailbox = ?", (made, account, name))
    yield Sql("UPDATE metadata SET mailbox = ? WHERE account = ? AND mailbox = ?", (made, account, name))
    return made


def make_parents(account: AccountId, leaves: tuple[str, ...], modseq: ModSeq, new: NewMailbox) -> Op[int]:
    """The mailbox above the last of `leaves`, made where it is missing."""
    parent = TOP
    plain = NewMailbox(role=None, subscribe=new.subscribe, now=new.now)
    for leaf in leaves[:-1]:
        row = yield from find_child(account, parent, leaf)
        if row is not None:
            parent = row[0]
        else:
            parent = yield from _insert(account, parent, leaf, modseq, plain)
    return parent


def _insert(account: AccountId, parent: int, leaf: str, modseq: ModSeq, new: NewMailbox) -> Op[MailboxId]:
    yield from require_fewer_mailboxes(account)
    uidvalidity = yield from new_uidvalidity(account, new.now)
    [(number,)] = yield Sql(
        "UPDATE account SET next_mailbox = next_mailbox + 1 WHERE account = ? RETURNING next_mailbox - 1", (account,)
    )
    yield Sql(
        "INSERT INTO mailbox VALUES (?, ?, ?, ?, ?, 1, ?, ?, 0, 0, 0, 0, 1, ?, 1, NULL)",
        (account, number, parent, leaf, uidvalidity, modseq, modseq, new.role),
    )
    yield _inherit(account, number, parent)
    yield log(account, number, modseq, LogKind.MAILBOX_MADE)
    if new.subscribe:
        name = yield from path_of(account, parent, leaf)
        yield Sql("INSERT INTO subscription VALUES (?, ?) ON CONFLICT DO NOTHING", (account, name))
    return MailboxId(number)


def _inherit(account: AccountId, mailbox: int, parent: int) -> Sql:
    """A new mailbox is shared as its parent is (RFC 4314 §4)."""
    return Sql(
        "INSERT INTO acl SELECT account, CAST(? AS BIGINT), who, rights FROM acl WHERE account = ? AND mailbox = ?"
        " ON CONFLICT DO NOTHING",
        (mailbox, account, parent),
    )


def require_fewer_mailboxes(account: AccountId) -> Op[None]:
    """Raises: LimitReached, OverQuota."""
    [(count,)] = yield Sql("SELECT count(*) FROM mailbox WHERE account = ? AND deleted_at IS NULL", (account,))
    if count >= MAX_MAILBOXES:
        raise LimitReached(f"An account has at most {MAX_MAILBOXES} mailboxes")
    yield from require_mailbox_room(account, count)


def require_role_free(account: AccountId, role: Role | None) -> Op[None]:
    """Raises: AlreadyExists (one mailbox of an account has a role, as in RFC 8621 §2)."""
    if role is None:
        return
    rows = yield Sql(
        "SELECT 1 FROM mailbox WHERE account = ? AND role = ? AND deleted_at IS NULL", (account, role.value)
    )
    if rows:
        raise AlreadyExists(f"Another mailbox is {role.value} already")


def new_uidvalidity(account: AccountId, now: int) -> Op[int]:
    """A greater one than the account has ever given, and no less than the clock says."""
    [(uidvalidity,)] = yield Sql(
        "UPDATE account SET uidvalidity = CASE WHEN uidvalidity + 1 > ? THEN uidvalidity + 1 ELSE ? END"
        " WHERE account = ? RETURNING uidvalidity",
        (now, now, account),
    )
    return int(uidvalidity)


def has_children(account: AccountId, mailbox: MailboxId) -> Op[bool]:
    """Whether a living mailbox stands below this one."""
    rows = yield Sql(
        "SELECT 1 FROM mailbox WHERE account = ? AND parent = ? AND deleted_at IS NULL LIMIT 1", (account, mailbox)
    )
    return bool(rows)


def height(account: AccountId, mailbox: MailboxId) -> Op[int]:
    """How many levels stand below this mailbox."""
    rows = yield Sql("SELECT mailbox, parent FROM mailbox WHERE account = ? AND deleted_at IS NULL", (account,))
    children: dict[int, list[int]] = {}
    for child, parent in rows:
        children.setdefault(parent, []).append(child)
    levels, level = 0, children.get(mailbox, [])
    while level:
        levels += 1
        level = [child for parent in level for child in children.get(parent, [])]
    return levels


def require_depth(levels: int) -> None:
    """Raises: Invalid."""
    if levels > MAX_DEPTH:
        raise Invalid(f"A mailbox name has at most {MAX_DEPTH} levels")
