"""The tables that hold rows of accounts: what goes when an account is removed, and along when it is moved."""

from __future__ import annotations

from typing import Final

# All but `account` itself and `held`, with the columns that, after the account, make the key: in the order of an index.
TABLES: Final = (
    ("log", "modseq, mailbox, kind"),
    ("epoch", "at"),
    ("entry", "mailbox, uid"),
    ("gone", "mailbox, uid"),
    ("derived", "message, kind"),
    ("text_segment", "kind, segment"),
    ("text_stale", "segment"),
    ("text_index", "account"),
    ("message", "message"),
    ("threadref", "hash"),
    ("snapshot", "mailbox"),
    ("garbage", "blob"),
    ("blob", "blob"),
    ("keyword", "bit"),
    ("subscription", "name"),
    ("acl", "mailbox, who"),
    ("metadata", "mailbox, who, entry"),
    ("mailbox_key", "holder, mailbox"),
    ("queue_recipient", "item, leg, number"),
    ("queue_leg", "item, leg"),
    ("queue_item", "item"),
    ("delivered", "key"),
    ("greylist", "key"),
    ("mailbox", "mailbox"),
)


def key_of(table: str) -> str:
    """The columns that tell rows of one account apart.  Raises: KeyError (there is no such table)."""
    return {**dict(TABLES), "account": "account"}[table]
