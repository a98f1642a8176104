"""What a guest may do with a mailbox of somebody else's account."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mailkeep.model.errors import Forbidden, NotFound
from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.model.rights import Rights, ordered
from mailkeep.store.contract import Op, Sql
from mailkeep.store.names import parse_path
from mailkeep.store.steps.account import lock_account
from mailkeep.store.steps.tree import TOP, find_child

ANYONE: Final = "anyone"
GIVEN: Final = "who IN ('anyone', '-anyone', ?, ?)"  # filled with `names`
NO_RIGHT: Final = "You have no right to do that with this mailbox"


def names(guest: AccountId) -> tuple[str, str]:
    """How an ACL names an account, and what is taken away from it."""
    return str(guest), f"-{guest}"


def combine(rows: Iterable[tuple[str, Rights]]) -> Rights:
    """All that is given by some of the rows (who, rights) and taken away by none (RFC 4314 §2)."""
    given: set[str] = set()
    taken: set[str] = set()
    for who, rights in rows:
        (taken if who.startswith("-") else given).update(rights)
    return ordered(given - taken)


def read_rights(account: AccountId, mailbox: MailboxId | int, guest: AccountId) -> Op[Rights]:
    """What `guest`, who is not the owner, may do; nothing when there is no such mailbox."""
    rows = yield Sql(
        f"SELECT who, rights FROM acl WHERE account = ? AND mailbox = ? AND {GIVEN}",  # noqa: S608  our constant
        (account, mailbox, *names(guest)),
    )
    return combine(rows)


def require(account: AccountId, mailbox: MailboxId, guest: AccountId, needs: Rights) -> Op[Rights]:
    """All rights that the guest has; lock the account first.

    Raises: NotFound (some of `needs` are missing, and the mailbox is not visible), Forbidden.
    """
    yield from lock_account(account)
    rights = yield from read_rights(account, mailbox, guest)
    if any(right not in rights for right in needs):
        if "l" not in rights:
            raise NotFound("There is no such mailbox")
        raise Forbidden(NO_RIGHT)
    return rights


def require_parent(account: AccountId, path: str, guest: AccountId) -> Op[None]:
    """The guest may make mailboxes below the nearest that is there (RFC 4314 §4).  Raises: Forbidden, Invalid."""
    parent = TOP
    for leaf in parse_path(path)[:-1]:
        row = yield from find_child(account, parent, leaf)
        if row is None:
            break
        parent = row[0]
    if "k" not in (yield from read_rights(account, parent, guest)):
        raise Forbidden("You have no right to make a mailbox there")
