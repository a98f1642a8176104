"""RENAME."""

from __future__ import annotations

from mailkeep.imap.session import Authenticated
from mailkeep.imap.wire.rename import Rename
from mailkeep.model.mailbox import DELIMITER


async def rename(s: Authenticated, cmd: Rename) -> None:
    """Give a mailbox another name; INBOX gives its messages away and stays.  RFC 9051 §6.3.6.

    Raises: NotFound, AlreadyExists, Invalid.
    """
    new = cmd.new.removesuffix(DELIMITER) if len(cmd.new) > 1 else cmd.new
    await s.places.rename(s.account, cmd.old, new)
