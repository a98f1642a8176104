"""Replies, and the table from errors of the domain to them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailkeep.model.errors import AuthenticationFailed, MailError, Unavailable
from mailkeep.pop3.errors import CODES, reply_to
from mailkeep.pop3.wire.reply import Code, error, ok, several


def family(error: type[MailError]) -> set[type[MailError]]:
    return {error}.union(*(family(child) for child in error.__subclasses__()))


def test_every_domain_error_has_a_reply() -> None:
    assert set(CODES) == {error for error in family(MailError) - {MailError} if error.__module__.startswith("mailkeep")}


def test_what_is_wrong_and_what_is_for_later_can_be_told_apart() -> None:
    assert reply_to(AuthenticationFailed("Wrong")).encode() == b"-ERR [AUTH] Wrong\r\n"
    assert reply_to(Unavailable("Later")).encode() == b"-ERR [SYS/TEMP] Later\r\n"


def test_replies_begin_with_the_status_in_upper_case() -> None:
    assert ok().encode() == b"+OK\r\n"
    assert ok("2 320").encode() == b"+OK 2 320\r\n"
    assert error("No", Code.IN_USE).encode() == b"-ERR [IN-USE] No\r\n"


@given(st.text(), st.sampled_from(Code), st.booleans())
def test_whatever_a_text_holds_a_reply_is_one_line(text: str, code: Code, positive: bool) -> None:
    octets = (ok if positive else error)(text, code).encode()
    assert octets.endswith(b"\r\n")
    assert b"\r" not in octets[:-2]
    assert b"\n" not in octets[:-2]
    assert octets.isascii()
    assert len(octets) <= 512


@given(st.text(alphabet="[]a "))
def test_only_a_code_of_ours_looks_like_one(text: str) -> None:
    assert not error(text).encode().startswith(b"-ERR [")


def test_an_answer_of_several_lines_ends_with_a_dot() -> None:
    assert several("Follow", ["a", "b"]) == b"+OK Follow\r\na\r\nb\r\n.\r\n"
