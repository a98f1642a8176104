"""NOOP and CHECK."""

from __future__ import annotations

from mailkeep.imap.session import Session


async def noop(_session: Session, _: None) -> None:
    """Nothing; its completion tells what has happened.  RFC 9051 §6.1.2; CHECK: RFC 3501 §6.4.1."""
