"""Commands that only get an answer and change nothing."""

from __future__ import annotations

from mailkeep.smtp.session import Session
from mailkeep.smtp.wire.reply import Reply


def noop(_session: Session, _: str) -> Reply:
    """RFC 5321 §4.1.1.9."""
    return Reply(250, "2.0.0", "Here I am")


def help_(_session: Session, _: str) -> Reply:
    """RFC 5321 §4.1.1.8."""
    return Reply(214, "2.0.0", "See RFC 5321, and what follows my greeting to yours")


def vrfy(_session: Session, argument: str) -> Reply:
    """Say nothing about who is here.  RFC 5321 §3.5.3, §7.3."""
    if not argument:
        return Reply(501, "5.5.4", "Syntax: VRFY address")
    return Reply(252, "2.5.0", "Send it and you will see")


def expn(_session: Session, _: str) -> Reply:
    """There are no lists here.  RFC 5321 §3.5.1."""
    return Reply(502, "5.5.1", "EXPN is not offered")


def not_smtp(_session: Session, _: str) -> Reply:
    """RFC 2033 §4.1: HELO and EHLO must fail, so that a client that speaks SMTP finds out."""
    return Reply(500, "5.5.1", "This is LMTP: say LHLO")
