"""All mailboxes of an account."""

from __future__ import annotations

from mailkeep.model.ids import AccountId
from mailkeep.model.mailbox import Mailbox
from mailkeep.store.contract import Op
from mailkeep.store.steps.tree import read_mailboxes


def list_mailboxes(account: AccountId) -> Op[tuple[Mailbox, ...]]:
    r"""Ascending by name, \NoSelect ones too."""
    return (yield from read_mailboxes(account))
