"""Every error of the domain has its status."""

from __future__ import annotations

from mailkeep.http.errors import STATUS, status_of
from mailkeep.model import errors


def family(error: type[errors.MailError]) -> set[type[errors.MailError]]:
    return {error}.union(*(family(child) for child in error.__subclasses__()))


def test_the_table_is_complete() -> None:
    ours = {error for error in family(errors.MailError) if error.__module__ == errors.__name__}
    assert set(STATUS) == ours - {errors.MailError}


def test_the_nearest_kind_counts() -> None:
    assert status_of(errors.NoSpace("full")) == 507
    assert status_of(errors.Unavailable("later")) == 503
