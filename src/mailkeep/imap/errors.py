"""Domain errors as IMAP response codes (RFC 5530, RFC 9051 §7.1).  The table is complete; a test proves it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mailkeep.model import errors as e

RESPONSE_CODE: Final[Mapping[type[e.MailError], bytes]] = {
    e.NotFound: b"NONEXISTENT",
    e.AlreadyExists: b"ALREADYEXISTS",
    e.Forbidden: b"NOPERM",
    e.OverQuota: b"OVERQUOTA",
    e.NeverFits: b"OVERQUOTA",
    e.TooLarge: b"TOOBIG",
    e.LimitReached: b"LIMIT",
    e.Conflict: b"INUSE",
    e.StateTooOld: b"CANNOT",
    e.Invalid: b"CANNOT",
    e.Unsupported: b"CANNOT",
    e.Unavailable: b"UNAVAILABLE",
    e.NoSpace: b"UNAVAILABLE",
    e.AuthenticationFailed: b"AUTHENTICATIONFAILED",
}
