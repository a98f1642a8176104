"""The three trees in which a user finds mailboxes (RFC 9051 §6.3.10), and what a name in them means.

INBOX, work/2024                    his own
Other Users/bob@example.org/INBOX   those of others
Shared/team@example.org/INBOX       those of nobody: accounts without a login
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mailkeep.model.address import parse_address
from mailkeep.model.errors import Invalid
from mailkeep.model.mailbox import DELIMITER
from mailkeep.service.accounts import Account
from mailkeep.store.names import normal_path

OTHERS: Final = "Other Users"
SHARED: Final = "Shared"


@dataclass(frozen=True, slots=True)
class Foreign:
    """A name in the tree of others, or the shared one.  `address` and `path` may be empty."""

    tree: str
    address: str
    path: str


def parse_name(name: str) -> Foreign | None:
    """None for a name in the user's own tree."""
    for tree in (OTHERS, SHARED):
        if name.startswith(tree) and name[len(tree) :][:1] in ("", DELIMITER):
            address, _, path = name[len(tree) + 1 :].partition(DELIMITER)
            return Foreign(tree, address, path)
    return None


def normal_name(name: str) -> str:
    """A name in the trees of others as lists show it: the address in small letters, INBOX in capitals."""
    foreign = parse_name(name)
    if foreign is None or not foreign.path:
        return name
    try:
        address, path = str(parse_address(foreign.address)), normal_path(foreign.path)
    except Invalid:
        return name
    return DELIMITER.join((foreign.tree, address, path))


def tree_of(account: Account) -> str:
    """Where others find an account's mailboxes."""
    return SHARED if account.shared else OTHERS


def foreign_name(account: Account, path: str) -> str:
    """How others call a mailbox of an account."""
    return DELIMITER.join((tree_of(account), account.address, path))
