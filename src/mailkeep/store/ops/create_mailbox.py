"""CREATE: a new mailbox, and those above it that are missing."""

from __future__ import annotations

from mailkeep.model.ids import AccountId
from mailkeep.model.mailbox import Mailbox, Role
from mailkeep.store.contract import Op
from mailkeep.store.steps.account import lock_account, raise_modseq
from mailkeep.store.steps.tree import NewMailbox, make_path, read_mailbox, require_role_free


def create_mailbox(
    account: AccountId,
    path: str,
    role: Role | None,
    subscribe: bool,  # noqa: FBT001  operations have positional arguments
    now: int,
) -> Op[Mailbox]:
    r"""RFC 9051 §6.3.4.  A \NoSelect mailbox of that name gives way to the new one, children and all.

    Raises: AlreadyExists (the name, or another mailbox with this role), Invalid (the name), LimitReached.
    """
    modseq = yield from lock_account(account)
    yield from require_role_free(account, role)
    new = yield from make_path(account, path, modseq, NewMailbox(role=role, subscribe=subscribe, now=now))
    yield raise_modseq(account, modseq)
    return (yield from read_mailbox(account, new))
