"""USER and PASS (RFC 1939 §7; in UTF-8: RFC 6856 §2.2)."""

from __future__ import annotations

from mailkeep.pop3.wire.command import WireError


def name(argument: str) -> str:
    """Whoever logs in.  Raises: WireError."""
    user = argument.strip(" ")
    if not user:
        raise WireError("USER is followed by a name")
    return user


def password(argument: str) -> str:
    """The password: all of the line, spaces too, as PASS has one argument.  Raises: WireError."""
    if not argument:
        raise WireError("PASS is followed by a password")
    return argument
