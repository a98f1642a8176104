"""THE TABLE from what can go wrong in the domain to status codes.  Complete: a test walks the list of errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mailkeep.model import errors

STATUS: Final[Mapping[type[errors.MailError], int]] = {
    errors.NotFound: 404,
    errors.AlreadyExists: 412,
    errors.Forbidden: 403,
    errors.OverQuota: 507,
    errors.NeverFits: 507,
    errors.TooLarge: 413,
    errors.LimitReached: 507,
    errors.Conflict: 409,
    errors.StateTooOld: 403,
    errors.Invalid: 400,
    errors.Unsupported: 501,
    errors.Unavailable: 503,
    errors.NoSpace: 507,
    errors.AuthenticationFailed: 401,
}


def status_of(error: errors.MailError) -> int:
    """The status that tells the client."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
