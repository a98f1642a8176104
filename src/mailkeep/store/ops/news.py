"""All that happened in an account after a modseq, without its details."""

from __future__ import annotations

from typing import Final

from mailkeep.model.change import Happened, News, What
from mailkeep.model.errors import NotFound, StateTooOld
from mailkeep.model.ids import AccountId, MailboxId, ModSeq
from mailkeep.store.contract import LogKind, Op, Sql
from mailkeep.store.steps.tree import path_of

WHAT: Final = {
    LogKind.ADDED: What.ADDED,
    LogKind.FLAGS: What.FLAGS,
    LogKind.GONE: What.GONE,
    LogKind.MAILBOX_MADE: What.MADE,
    LogKind.MAILBOX_RENAMED: What.RENAMED,
    LogKind.MAILBOX_DELETED: What.DELETED,
    LogKind.SUBSCRIPTION: What.SUBSCRIPTION,
    LogKind.ACL: What.RIGHTS,
}
NAMED: Final = (LogKind.MAILBOX_RENAMED, LogKind.SUBSCRIPTION)  # the log keeps a name with these


def news(account: AccountId, since: ModSeq) -> Op[News]:
    """In the order in which it happened; costs as much as what happened.

    Raises: NotFound (the account), StateTooOld (the log no longer reaches back so far).
    """
    rows = yield Sql("SELECT modseq, log_floor FROM account WHERE account = ?", (account,))
    if not rows:
        raise NotFound("No such account")
    [(upto, floor)] = rows
    if since < floor:
        raise StateTooOld("Too much has happened")
    rows = yield Sql(
        "SELECT mailbox, modseq, kind, CASE WHEN kind IN (?, ?) THEN uids END FROM log"
        " WHERE account = ? AND modseq > ? ORDER BY modseq, mailbox, kind",
        (*(kind.value for kind in NAMED), account, since),
    )
    happened: list[Happened] = []
    for mailbox, modseq, kind, name in rows:
        what = WHAT.get(kind)
        if what is None:
            continue
        text = (name or b"").decode("utf-8")
        if what is What.DELETED:
            text = yield from _name_of(account, mailbox)
        happened.append(Happened(what, MailboxId(mailbox), ModSeq(modseq), text))
    return News(ModSeq(upto), tuple(happened))


def _name_of(account: AccountId, mailbox: int) -> Op[str]:
    rows = yield Sql("SELECT parent, name FROM mailbox WHERE account = ? AND mailbox = ?", (account, mailbox))
    return (yield from path_of(account, *rows[0])) if rows else ""
