"""Every domain error has an answer in IMAP."""

from __future__ import annotations

from collections.abc import Iterator

from mailkeep.imap.errors import RESPONSE_CODE
from mailkeep.model.errors import MailError


def _subclasses(cls: type[MailError]) -> Iterator[type[MailError]]:
    for sub in cls.__subclasses__():
        yield sub
        yield from _subclasses(sub)


def test_every_domain_error_has_a_response_code() -> None:
    assert set(RESPONSE_CODE) == {cls for cls in _subclasses(MailError) if cls.__module__.startswith("mailkeep.")}
