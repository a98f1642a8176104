"""Bring back what was expunged or deleted, as long as its tombstones last."""

from __future__ import annotations

from itertools import groupby

from mailkeep.model.flags import System
from mailkeep.model.ids import AccountId, MailboxId, ModSeq, Uid
from mailkeep.model.message import Copied
from mailkeep.store.contract import LogKind, Op, Sql
from mailkeep.store.steps.account import lock_account, log, raise_modseq
from mailkeep.store.steps.entries import Chosen, add_to_mailbox, add_up, ascending
from mailkeep.store.steps.revive import revive


def undelete(
    account: AccountId, mailbox: MailboxId | None, since: int | None, emailid: tuple[int, int] | None, now: int
) -> Op[tuple[Copied, ...]]:
    r"""What went from `mailbox` (or any), at `since` or later, of message `emailid` (or all), comes back.

    It gets new UIDs.  Flags are as they were, without \Deleted.  A deleted mailbox is revived: its old number, a new
    UIDVALIDITY.  What a MOVE took away is not brought back.  The quota is not asked.  Returns one `Copied` a mailbox;
    its `source` are the old UIDs.  Raises: NotFound (the account).
    """
    modseq = yield from lock_account(account)
    rows = yield Sql(
        "SELECT g.mailbox, g.uid, g.flags, m.size FROM gone g"
        " JOIN message m ON m.account = g.account AND m.message = g.message"
        " WHERE g.account = ? AND g.moved = 0 AND g.mailbox = coalesce(?, g.mailbox) AND g.gone_at >= coalesce(?, 0)"
        " AND m.origin_account = coalesce(?, m.origin_account) AND m.origin_message = coalesce(?, m.origin_message)"
        " ORDER BY g.mailbox, g.uid",
        (account, mailbox, since, *(emailid or (None, None))),
    )
    done: list[Copied] = []
    octets = 0
    for source, group in groupby(rows, key=lambda row: MailboxId(row[0])):
        chosen = add_up([(uid, flags & ~System.DELETED.value, size) for _, uid, flags, size in group])
        octets += chosen.octets
        done.append((yield from _bring_back(account, source, chosen, modseq, now)))
    if done:
        yield raise_modseq(account, modseq, octets, len(rows))
    return tuple(done)


def _bring_back(account: AccountId, source: MailboxId, chosen: Chosen, modseq: ModSeq, now: int) -> Op[Copied]:
    target, uidvalidity = yield from revive(account, source, modseq, now)
    [(first,)] = yield add_to_mailbox(account, target, modseq, chosen)
    yield Sql(
        "INSERT INTO entry SELECT account, CAST(? AS BIGINT), CAST(? AS BIGINT) + row_number() OVER (ORDER BY uid),"
        " message, flags & ~8, more_keywords, CAST(? AS BIGINT), CAST(? AS BIGINT) FROM gone"
        " WHERE account = ? AND mailbox = ? AND uid IN ?",
        (target, first - 1, modseq, now, account, source, chosen.set),
    )
    yield Sql("UPDATE gone SET moved = 1 WHERE account = ? AND mailbox = ? AND uid IN ?", (account, source, chosen.set))
    new = tuple(map(Uid, range(first, first + len(chosen.uids))))
    yield log(account, target, modseq, LogKind.ADDED, ascending(new))
    return Copied(target, uidvalidity, chosen.uids, new, modseq)
