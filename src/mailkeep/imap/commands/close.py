"""CLOSE and UNSELECT."""

from __future__ import annotations

from contextlib import suppress

from mailkeep.imap.session import Selected
from mailkeep.model.errors import Forbidden, NotFound


async def close(s: Selected, _: None) -> None:
    """Remove what is \\Deleted without a word, and leave the mailbox.  RFC 9051 §6.4.1."""
    if s.may("e"):
        with suppress(NotFound, Forbidden):  # deleted meanwhile, or the right has gone: nothing to remove
            await s.messages.expunge(s.account, s.mailbox, guest=s.guest)
    s.session.close_mailbox()


async def unselect(s: Selected, _: None) -> None:
    """Leave the mailbox; nothing is removed.  RFC 9051 §6.4.2."""
    s.session.close_mailbox()
