"""The mailboxes of an account that a guest has rights on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.model.mailbox import Mailbox
from mailkeep.model.rights import Rights
from mailkeep.store.contract import Op, Sql
from mailkeep.store.steps.rights import GIVEN, combine, names
from mailkeep.store.steps.tree import read_mailbox, read_mailboxes

FEW: Final = 8


def list_granted(account: AccountId, guest: AccountId) -> Op[tuple[tuple[Mailbox, Rights], ...]]:
    """Each with the guest's rights, ascending by name."""
    rows = yield Sql(
        f"SELECT mailbox, who, rights FROM acl WHERE account = ? AND {GIVEN}",  # noqa: S608  our constant
        (account, *names(guest)),
    )
    given: dict[int, list[tuple[str, Rights]]] = {}
    for mailbox, who, rights in rows:
        given.setdefault(mailbox, []).append((who, rights))
    if not given:
        return ()
    if len(given) <= FEW:
        mailboxes = yield from _read(account, given)
    else:
        mailboxes = yield from read_mailboxes(account)
    granted = ((mailbox, combine(given.get(mailbox.id, ()))) for mailbox in mailboxes)
    return tuple((mailbox, rights) for mailbox, rights in granted if rights)


def _read(account: AccountId, numbers: Iterable[int]) -> Op[tuple[Mailbox, ...]]:
    """Each by itself: quicker than all of the tree, where there are more."""
    found = []
    for number in numbers:
        found.append((yield from read_mailbox(account, MailboxId(number))))  # noqa: PERF401  it cannot yield in one
    return tuple(sorted(found, key=lambda mailbox: mailbox.name))
