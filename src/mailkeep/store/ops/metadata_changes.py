"""Which entries of metadata have been set or removed since a modseq."""

from __future__ import annotations

from mailkeep.model.errors import NotFound
from mailkeep.model.ids import AccountId, MailboxId, ModSeq
from mailkeep.model.metadata import THE_SERVER, MetadataChange
from mailkeep.store.contract import Op, Sql
from mailkeep.store.steps.metadata import NOBODY
from mailkeep.store.steps.tree import path_of


def metadata_changes(
    account: AccountId, reader: AccountId, since: ModSeq
) -> Op[tuple[ModSeq, tuple[MetadataChange, ...]]]:
    """Changes to shared entries and to those of `reader` after `since`, and up to which modseq that is all.

    By mailbox; each entry once, with its last change.  Very old removals are not told.  Raises: NotFound (the account).
    """
    rows = yield Sql("SELECT modseq FROM account WHERE account = ?", (account,))
    if not rows:
        raise NotFound("No such account")
    upto = ModSeq(rows[0][0])
    rows = yield Sql(
        "SELECT d.mailbox, d.entry, d.modseq, m.parent, m.name FROM metadata d"
        " LEFT JOIN mailbox m ON m.account = d.account AND m.mailbox = d.mailbox"
        " WHERE d.account = ? AND d.modseq > ? AND d.who IN (?, ?) ORDER BY d.mailbox, d.who, d.entry",
        (account, since, NOBODY, reader),
    )
    names: dict[int, str] = {THE_SERVER: ""}
    changes: list[MetadataChange] = []
    for mailbox, entry, modseq, parent, leaf in rows:
        if mailbox not in names:
            names[mailbox] = yield from path_of(account, parent, leaf)
        changes.append(MetadataChange(MailboxId(mailbox), names[mailbox], entry, ModSeq(modseq)))
    return upto, tuple(changes)
