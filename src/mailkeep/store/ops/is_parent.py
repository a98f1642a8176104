"""Whether a mailbox has others below it; for a guest, such as he may see."""

from __future__ import annotations

from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.model.rights import Rights
from mailkeep.store.contract import Op, Sql
from mailkeep.store.steps.rights import GIVEN, combine, names
from mailkeep.store.steps.tree import has_children


def is_parent(account: AccountId, mailbox: MailboxId) -> Op[bool]:
    """Living ones, directly below."""
    return (yield from has_children(account, mailbox))


def is_visible_parent(account: AccountId, mailbox: MailboxId, guest: AccountId) -> Op[bool]:
    """Living ones, however deep, on which `guest` has the right ``l``; costs as much as there is below."""
    rows = yield Sql(
        "WITH RECURSIVE below (mailbox) AS ("  # noqa: S608  our constant
        "SELECT mailbox FROM mailbox WHERE account = ? AND parent = ? AND deleted_at IS NULL"
        " UNION ALL"
        " SELECT m.mailbox FROM below b CROSS JOIN mailbox m"
        " WHERE m.account = ? AND m.parent = b.mailbox AND m.deleted_at IS NULL)"
        " SELECT acl.mailbox, who, rights FROM below b CROSS JOIN acl"
        f" WHERE acl.account = ? AND acl.mailbox = b.mailbox AND {GIVEN}",
        (account, mailbox, account, account, *names(guest)),
    )
    given: dict[int, list[tuple[str, Rights]]] = {}
    for one, who, rights in rows:
        given.setdefault(one, []).append((who, rights))
    return any("l" in combine(some) for some in given.values())
