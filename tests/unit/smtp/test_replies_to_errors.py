"""Every error of the domain has its reply."""

from __future__ import annotations

from mailkeep.model.errors import MailError
from mailkeep.smtp.errors import REPLIES, reply_to


def family(error: type[MailError]) -> set[type[MailError]]:
    return {error}.union(*(family(child) for child in error.__subclasses__()))


def test_every_domain_error_has_a_reply() -> None:
    assert set(REPLIES) == {
        error for error in family(MailError) - {MailError} if error.__module__.startswith("mailkeep")
    }


def test_replies_and_enhanced_codes_are_of_one_class() -> None:
    for error in REPLIES:
        reply = reply_to(error("text"))
        assert str(reply.code)[0] == reply.enhanced[0]
        assert reply.code >= 400
