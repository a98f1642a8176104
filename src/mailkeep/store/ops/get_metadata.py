"""GETMETADATA: entries of a mailbox, or of the server, with their values."""

from __future__ import annotations

from mailkeep.model.ids import AccountId, MailboxId
from mailkeep.model.metadata import PRIVATE, SPECIAL_USE, Depth, Metadatum
from mailkeep.store.contract import Op, Sql
from mailkeep.store.steps.metadata import owner_of


def get_metadata(
    account: AccountId, mailbox: MailboxId, reader: AccountId, entries: tuple[str, ...], depth: Depth, max_size: int
) -> Op[tuple[Metadatum, ...]]:
    """Those of `entries` that have a value, and those below them down to `depth`; each once, in order.

    `entries` are in lower case; private ones are those of `reader`.  A value of more than `max_size` octets is not
    read.  Nothing for a mailbox that does not exist.  SPECIAL_USE tells the role, to the owner.  RFC 5464 §4.2.
    """
    found: dict[str, Metadatum] = {}
    for entry in entries:
        rows = yield Sql(
            "SELECT entry, length(value), CASE WHEN length(value) <= ? THEN value END FROM metadata"
            " WHERE account = ? AND mailbox = ? AND who = ? AND entry = ? AND value IS NOT NULL",
            (max_size, account, mailbox, owner_of(entry, reader), entry),
        )
        if depth is not Depth.ITSELF:
            below = yield Sql(
                "SELECT entry, length(value), CASE WHEN length(value) <= ? THEN value END FROM metadata"
                " WHERE account = ? AND mailbox = ? AND who = ? AND entry > ? AND entry < ? AND value IS NOT NULL"
                " ORDER BY entry",
                # "0" is what follows "/" in ASCII
                (max_size, account, mailbox, owner_of(entry, reader), entry + "/", entry + "0"),
            )
            rows = rows + [row for row in below if depth is Depth.ALL or "/" not in row[0][len(entry) + 1 :]]
        for name, size, value in rows:
            found.setdefault(name, Metadatum(name, size, value))
        if reader == account and (entry == SPECIAL_USE or (entry == PRIVATE and depth is not Depth.ITSELF)):
            yield from _add_role(account, mailbox, max_size, found)
    return tuple(found.values())


def _add_role(account: AccountId, mailbox: MailboxId, max_size: int, found: dict[str, Metadatum]) -> Op[None]:
    rows = yield Sql(
        "SELECT role FROM mailbox WHERE account = ? AND mailbox = ? AND role IS NOT NULL AND deleted_at IS NULL",
        (account, mailbox),
    )
    for (role,) in rows:
        value = b"\\" + role.encode()
        found[SPECIAL_USE] = Metadatum(SPECIAL_USE, len(value), value if len(value) <= max_size else None)
