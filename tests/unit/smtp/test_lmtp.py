"""The LMTP dialogue, without sockets: what is answered to which octets, and what is delivered."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.smtp.dialogue import Dialogue

from mailkeep.model.errors import OverQuota, Unavailable
from mailkeep.service.addresses import Addresses
from mailkeep.service.delivery import Delivery, Origin
from mailkeep.smtp.commands import LMTP
from mailkeep.smtp.connection import SmtpConnection
from mailkeep.smtp.judging import Judges
from mailkeep.smtp.lmtp import Lmtp
from mailkeep.smtp.partly import Partly
from mailkeep.smtp.session import Options


class LmtpDialogue(Dialogue):
    def __init__(self, spool: Path, *, max_message: int = 100_000, max_recipients: int = 1000) -> None:
        super().__init__(spool)
        options = Options(hostname="mx.example.org", max_message=max_message, max_recipients=max_recipients)
        role = Lmtp(cast("Addresses", self.postman), cast("Delivery", self.postman), Partly(), Judges())
        self.session = SmtpConnection(self.connection, role, LMTP, options, spool, self.tally)
        assert self.answers() == ["220 mx.example.org LMTP mailkeep ready"]

    def begin(self, *recipients: str) -> None:
        self.say("LHLO client\r\nMAIL FROM:<joe@example.com>\r\n")
        for recipient in recipients:
            assert self.codes(f"RCPT TO:<{recipient}>\r\n") == ["250 2.1.5"]


@pytest.fixture
def dialogue(tmp_path: Path) -> LmtpDialogue:
    return LmtpDialogue(tmp_path)


# --- greeting


@pytest.mark.rfc("2033", "4.1")
def test_lhlo_lists_the_extensions_with_the_size_limit(dialogue: LmtpDialogue) -> None:
    first, *extensions = dialogue.say("LHLO foo.edu\r\n")
    assert first == "250-mx.example.org"
    assert {line[4:] for line in extensions} == {
        "PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "CHUNKING", "SIZE 100000",
    }  # fmt: skip


@pytest.mark.rfc("2033", "4.1")
def test_helo_and_ehlo_fail_so_that_an_smtp_client_notices(dialogue: LmtpDialogue) -> None:
    assert dialogue.codes("HELO foo\r\nEHLO foo\r\nMAIL FROM:<>\r\n") == ["500 5.5.1", "500 5.5.1", "503 5.5.1"]


@pytest.mark.rfc("5321", "4.1.4")
def test_commands_of_a_transaction_need_what_comes_before_them(dialogue: LmtpDialogue) -> None:
    assert dialogue.codes("MAIL FROM:<>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n") == ["503 5.5.1"] * 3
    dialogue.say("LHLO foo\r\n")
    assert dialogue.codes("RCPT TO:<ann@example.org>\r\nDATA\r\n") == ["503 5.5.1"] * 2
    assert dialogue.codes("MAIL FROM:<>\r\nDATA\r\nMAIL FROM:<>\r\n") == ["250 2.1.0", "503 5.5.1", "503 5.5.1"]


def test_commands_that_change_nothing_are_answered_in_any_state(dialogue: LmtpDialogue) -> None:
    commands = "NOOP\r\nnoop with words\r\nHELP\r\nVRFY ann\r\nVRFY\r\nEXPN list\r\nRSET\r\n"
    expected = ["250 2.0.0", "250 2.0.0", "214 2.0.0", "252 2.5.0", "501 5.5.4", "502 5.5.1", "250 2.0.0"]
    assert dialogue.codes(commands) == expected


@pytest.mark.rfc("5321", "4.1.1.10")
def test_quit_is_answered_and_nothing_after_it(dialogue: LmtpDialogue) -> None:
    assert dialogue.codes("QUIT\r\nNOOP\r\n") == ["221 2.0.0"]
    assert dialogue.wire.closed


# --- the message


@pytest.mark.rfc("2033", "4.2")
def test_each_accepted_recipient_gets_its_answer_in_order(dialogue: LmtpDialogue) -> None:
    dialogue.postman.trouble["bob@example.org"] = OverQuota("Mailbox is full")
    dialogue.say("LHLO foo.edu\r\nMAIL FROM:<chris@bar.com>\r\n")
    assert dialogue.codes("RCPT TO:<ann@example.org>\r\n") == ["250 2.1.5"]
    assert dialogue.codes("RCPT TO:<jones@example.org>\r\n") == ["550 5.1.1"]
    assert dialogue.codes("RCPT TO:<bob@example.org>\r\n") == ["250 2.1.5"]
    assert dialogue.say("DATA\r\n")[0].startswith("354 ")
    assert dialogue.codes("Blah blah blah...\r\n..etc.\r\n.\r\n") == ["250 2.0.0", "452 4.2.2"]
    assert dialogue.postman.delivered == [("chris@bar.com", "ann@example.org", b"Blah blah blah...\r\n.etc.\r\n")]


def test_a_refusal_names_the_recipient(dialogue: LmtpDialogue) -> None:
    dialogue.postman.trouble["ann+x@example.org"] = OverQuota("Mailbox is full")
    dialogue.begin("ann+x@example.org")
    assert dialogue.say("DATA\r\nx\r\n.\r\n")[1:] == ["452 4.2.2 <ann+x@example.org> Mailbox is full"]
    dialogue.say("MAIL FROM:<>\r\n")
    assert dialogue.say("RCPT TO:<eve@example.org>\r\n") == ["550 5.1.1 <eve@example.org> No such user here"]


@pytest.mark.rfc("2033", "4.2")
def test_the_same_address_twice_gets_one_copy_and_two_answers(dialogue: LmtpDialogue) -> None:
    dialogue.begin("ann@example.org", "bob@example.org", "Ann@EXAMPLE.org")
    dialogue.say("DATA\r\n")
    assert dialogue.codes("x\r\n.\r\n") == ["250 2.0.0"] * 3
    assert [recipient for _, recipient, _ in dialogue.postman.delivered] == ["ann@example.org", "bob@example.org"]


def test_the_same_user_with_and_without_detail_gets_two_copies(dialogue: LmtpDialogue) -> None:
    dialogue.begin("ann@example.org", "ann+x@example.org")
    dialogue.say("DATA\r\n")
    assert dialogue.codes("x\r\n.\r\n") == ["250 2.0.0"] * 2
    assert len(dialogue.postman.delivered) == 2


@pytest.mark.rfc("2920", "3.2")
def test_a_whole_pipeline_of_transactions_in_one_piece_is_carried_out(dialogue: LmtpDialogue) -> None:
    one = "MAIL FROM:<>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\nx\r\n.\r\n"
    replies = dialogue.codes("LHLO foo\r\n" + one * 3 + "QUIT\r\n")
    assert replies[1:] == ["250 2.1.0", "250 2.1.5", "354 End", "250 2.0.0"] * 3 + ["221 2.0.0"]
    assert len(dialogue.postman.delivered) == 3


def test_what_the_client_said_of_itself_and_of_the_message_goes_into_the_trace(dialogue: LmtpDialogue) -> None:
    dialogue.begin("ann@example.org")
    dialogue.say("DATA\r\nx\r\n.\r\nMAIL FROM:<> SMTPUTF8\r\nRCPT TO:<ann+ü@example.org>\r\nDATA\r\nx\r\n.\r\n")
    assert dialogue.postman.origins == [
        Origin(helo="client", peer="127.0.0.1", protocol="LMTP"),
        Origin(helo="client", peer="127.0.0.1", protocol="UTF8LMTP"),
    ]


@pytest.mark.rfc("6531", "3.4")
def test_smtputf8_is_accepted_for_ascii_and_needed_for_anything_else(dialogue: LmtpDialogue) -> None:
    dialogue.say("LHLO foo\r\n")
    assert dialogue.codes("MAIL FROM:<a@b> SMTPUTF8 BODY=8BITMIME\r\nRCPT TO:<ann@example.org>\r\nRSET\r\n") == [
        "250 2.1.0", "250 2.1.5", "250 2.0.0",
    ]  # fmt: skip
    assert dialogue.codes("MAIL FROM:<ü@b>\r\nMAIL FROM:<a@b>\r\nRCPT TO:<ann+ü@example.org>\r\n") == [
        "553 5.6.7", "250 2.1.0", "553 5.6.7",
    ]  # fmt: skip


def test_octets_arrive_as_they_were_sent(dialogue: LmtpDialogue) -> None:
    dialogue.begin("ann@example.org")
    message = b"Return-Path: <x>\r\nSubject: \xff\0\r\n\r\nbare\nlf and\rcr\n.\n\xf0\x9f\r\n"
    dialogue.say(b"DATA\r\n" + message + b".\r\n")
    assert dialogue.postman.delivered[0][2] == message


@pytest.mark.rfc("5321", "4.5.1")
def test_the_postmaster_needs_no_domain(dialogue: LmtpDialogue) -> None:
    dialogue.begin("Postmaster", "ann@example.org")
    assert dialogue.codes("DATA\r\nx\r\n.\r\n")[1:] == ["250 2.0.0"] * 2
    assert [to for _, to, _ in dialogue.postman.delivered] == ["Postmaster", "ann@example.org"]


def test_an_alias_that_one_of_two_could_not_take_doubles_nothing_when_it_comes_again(dialogue: LmtpDialogue) -> None:
    dialogue.postman.failing.add(2)
    for _ in range(2):
        dialogue.begin("all@example.org")
        assert dialogue.codes("DATA\r\nx\r\n.\r\n")[1:] == ["451 4.3.0"]
    dialogue.postman.failing.clear()
    dialogue.begin("all@example.org")
    assert dialogue.codes("DATA\r\nx\r\n.\r\n")[1:] == ["250 2.0.0"]
    assert len(dialogue.postman.delivered) == 2


def test_an_empty_message_is_a_message(dialogue: LmtpDialogue) -> None:
    dialogue.begin("ann@example.org")
    assert dialogue.codes("DATA\r\n.\r\n")[-1] == "250 2.0.0"
    assert dialogue.postman.delivered[0][2] == b""


def test_a_large_message_goes_through_a_file_that_is_removed(tmp_path: Path) -> None:
    dialogue = LmtpDialogue(tmp_path, max_message=5_000_000)
    dialogue.begin("ann@example.org", "bob@example.org")
    message = b"x" * 998 + b"\r\n"
    dialogue.say(b"DATA\r\n")
    for _ in range(3000):
        dialogue.say(message)
    assert len(list(tmp_path.iterdir())) == 1
    assert dialogue.codes(".\r\n") == ["250 2.0.0"] * 2
    assert [len(data) for _, _, data in dialogue.postman.delivered] == [3_000_000] * 2
    assert list(tmp_path.iterdir()) == []


def test_a_lost_connection_leaves_no_file(tmp_path: Path) -> None:
    dialogue = LmtpDialogue(tmp_path, max_message=5_000_000)
    dialogue.begin("ann@example.org")
    dialogue.say(b"DATA\r\n" + b"x" * 2_000_000)
    assert list(tmp_path.iterdir()) != []
    dialogue.session.lost()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.rfc("1870", "6.1")
def test_a_message_that_is_announced_too_large_is_refused_at_once(dialogue: LmtpDialogue) -> None:
    dialogue.say("LHLO foo\r\n")
    assert dialogue.codes("MAIL FROM:<> SIZE=100001\r\nMAIL FROM:<> SIZE=100000\r\n") == ["552 5.3.4", "250 2.1.0"]


@pytest.mark.rfc("1870", "6.3")
def test_a_message_that_turns_out_too_large_is_read_to_its_end_and_refused(dialogue: LmtpDialogue) -> None:
    dialogue.begin("ann@example.org", "bob@example.org")
    dialogue.say("DATA\r\n")
    for _ in range(200):
        assert dialogue.say(b"y" * 1000) == []
    assert dialogue.codes("\r\n.\r\nNOOP\r\n") == ["552 5.3.4", "552 5.3.4", "250 2.0.0"]
    assert dialogue.postman.delivered == []


def test_a_message_of_exactly_the_limit_is_taken(tmp_path: Path) -> None:
    dialogue = LmtpDialogue(tmp_path, max_message=1000)
    for size, code in ((1000, "250 2.0.0"), (1001, "552 5.3.4")):
        dialogue.begin("ann@example.org")
        assert dialogue.codes(b"DATA\r\n" + b"x" * (size - 2) + b"\r\n.\r\n")[-1] == code


def test_too_many_recipients_are_refused_one_by_one(tmp_path: Path) -> None:
    dialogue = LmtpDialogue(tmp_path, max_recipients=2)
    dialogue.begin("ann@example.org", "ann+1@example.org")
    assert dialogue.codes("RCPT TO:<ann+2@example.org>\r\n") == ["452 4.5.3"]
    assert dialogue.codes("DATA\r\nx\r\n.\r\n")[1:] == ["250 2.0.0"] * 2


def test_a_passing_fault_is_a_passing_answer_and_the_dialogue_goes_on(dialogue: LmtpDialogue) -> None:
    dialogue.postman.trouble["ann@example.org"] = Unavailable("Disk full")
    dialogue.begin("ann@example.org", "bob@example.org")
    assert dialogue.codes("DATA\r\nx\r\n.\r\nNOOP\r\n")[1:] == ["451 4.3.0", "250 2.0.0", "250 2.0.0"]


@pytest.mark.rfc("5321", "4.1.1.5")
def test_rset_and_lhlo_forget_the_transaction(dialogue: LmtpDialogue) -> None:
    for forget in ("RSET\r\n", "LHLO again\r\n"):
        dialogue.begin("ann@example.org")
        dialogue.say(forget)
        assert dialogue.codes("RCPT TO:<ann@example.org>\r\nDATA\r\n") == ["503 5.5.1"] * 2


# --- chunks


@pytest.mark.rfc("3030", "4.1")
def test_a_message_in_one_chunk(dialogue: LmtpDialogue) -> None:
    dialogue.begin("ann@example.org")
    text = b"To: Susan@random.com\r\nFrom: Sam@random.com\r\nSubject: This is a bodyless test message\r\n"
    assert dialogue.codes(b"BDAT %d LAST\r\n%b" % (len(text), text)) == ["250 2.0.0"]
    assert dialogue.postman.delivered == [("joe@example.com", "ann@example.org", text)]


@pytest.mark.rfc("3030", "4.2")
@pytest.mark.rfc("2033", "4.3")
def test_chunks_are_answered_once_each_and_the_last_once_per_recipient(dialogue: LmtpDialogue) -> None:
    dialogue.begin("ann@example.org", "bob@example.org")
    replies = dialogue.say(b"BDAT 1000\r\n" + b"x" * 1000 + b"BDAT 5\r\n\r\n.\r\nBDAT 0 LAST\r\nNOOP\r\n")
    assert [line[:40] for line in replies] == [
        "250 2.0.0 1000 octets received",
        "250 2.0.0 5 octets received",
        "250 2.0.0 <ann@example.org> Delivered",
        "250 2.0.0 <bob@example.org> Delivered",
        "250 2.0.0 Here I am",
    ]
    assert dialogue.postman.delivered[0][2] == b"x" * 1000 + b"\r\n.\r\n"


@pytest.mark.rfc("3030", "2")
def test_a_chunk_that_is_not_allowed_is_read_and_dropped(dialogue: LmtpDialogue) -> None:
    assert dialogue.codes(b"BDAT 6\r\nQUIT\r\nNOOP\r\n") == ["503 5.5.1", "250 2.0.0"]
    dialogue.say("LHLO foo\r\nMAIL FROM:<>\r\n")
    assert dialogue.codes(b"BDAT 6\r\nQUIT\r\nNOOP\r\n") == ["503 5.5.1", "250 2.0.0"]
    assert not dialogue.wire.closed


@pytest.mark.rfc("2033", "4.3")
def test_the_last_chunk_without_recipients_has_no_answer(dialogue: LmtpDialogue) -> None:
    dialogue.say("LHLO foo\r\nMAIL FROM:<>\r\nRCPT TO:<nobody@example.org>\r\n")
    assert dialogue.codes(b"BDAT 2 LAST\r\nxxNOOP\r\nMAIL FROM:<>\r\n") == ["250 2.0.0", "250 2.1.0"]


@pytest.mark.rfc("3030", "2")
def test_data_and_bdat_cannot_be_mixed_and_recipients_come_first(dialogue: LmtpDialogue) -> None:
    dialogue.begin("ann@example.org")
    assert dialogue.codes(b"BDAT 1\r\nxDATA\r\nRCPT TO:<bob@example.org>\r\nMAIL FROM:<>\r\n") == [
        "250 2.0.0", "503 5.5.1", "503 5.5.1", "503 5.5.1",
    ]  # fmt: skip
    assert dialogue.codes(b"BDAT 0 LAST\r\nBDAT 1 LAST\r\nx") == ["250 2.0.0", "503 5.5.1"]


@pytest.mark.rfc("3030", "2")
def test_a_chunk_beyond_the_limit_fails_and_so_does_what_follows(dialogue: LmtpDialogue) -> None:
    dialogue.begin("ann@example.org", "bob@example.org")
    assert dialogue.codes(b"BDAT 100001\r\n" + b"x" * 100_001) == ["552 5.3.4"]
    assert dialogue.codes(b"BDAT 1\r\nxBDAT 1 LAST\r\nx") == ["552 5.3.4"] * 3
    assert dialogue.postman.delivered == []


@pytest.mark.rfc("3030", "2")
def test_rset_between_chunks_drops_them(dialogue: LmtpDialogue) -> None:
    dialogue.begin("ann@example.org")
    dialogue.say(b"BDAT 3\r\noldRSET\r\n")
    dialogue.begin("ann@example.org")
    dialogue.say(b"BDAT 3 LAST\r\nnew")
    assert [data for _, _, data in dialogue.postman.delivered] == [b"new"]


def test_a_chunk_of_unknown_size_closes_the_connection_as_its_octets_could_be_taken_for_commands(
    dialogue: LmtpDialogue,
) -> None:
    dialogue.begin("ann@example.org")
    assert dialogue.codes(b"BDAT x LAST\r\nMAIL FROM:<>\r\n") == ["501 5.5.4"]
    assert dialogue.wire.closed


# --- mistakes, limits, the end


def test_a_line_that_is_too_long_or_not_well_formed_is_answered_and_the_dialogue_goes_on(
    dialogue: LmtpDialogue,
) -> None:
    lines = b"x" * 5000 + b"\r\n" + b"NOOP\n" + b"\xff\r\n" + b"FROB\r\n" + b"\r\n" + b"NOOP\r\n"
    assert dialogue.codes(lines) == ["500 5.5.2"] * 3 + ["500 5.5.1", "500 5.5.2", "250 2.0.0"]


def test_twenty_mistakes_in_a_row_end_the_dialogue(dialogue: LmtpDialogue) -> None:
    assert dialogue.codes("FROB\r\n" * 19 + "NOOP\r\n" + "FROB\r\n" * 19)[-1] == "500 5.5.1"
    assert not dialogue.wire.closed
    assert dialogue.codes("FROB\r\n")[-1] == "421 4.7.0"
    assert dialogue.wire.closed


def test_refused_recipients_are_no_mistakes(dialogue: LmtpDialogue) -> None:
    dialogue.say("LHLO foo\r\nMAIL FROM:<>\r\n")
    assert dialogue.codes("RCPT TO:<nobody@example.org>\r\n" * 50) == ["550 5.1.1"] * 50


def test_a_client_that_does_not_read_its_answers_is_not_waited_for(dialogue: LmtpDialogue) -> None:
    dialogue.wire.busy = dialogue.wire.stalled = True
    dialogue.session.timed_out()
    assert dialogue.wire.closed


def test_silence_ends_the_dialogue_unless_the_client_waits_for_us(dialogue: LmtpDialogue) -> None:
    dialogue.wire.busy = True
    dialogue.session.timed_out()
    assert dialogue.answers() == []
    dialogue.wire.busy = False
    dialogue.session.timed_out()
    assert dialogue.answers()[0].startswith("421 4.4.2")
    assert dialogue.wire.closed


def test_a_stopping_server_says_goodbye_at_once_or_after_the_delivery_under_way(dialogue: LmtpDialogue) -> None:
    dialogue.wire.busy = True
    dialogue.session.drain()
    assert dialogue.answers() == []
    assert dialogue.session.next() is None
    assert dialogue.answers()[0].startswith("421 4.3.2")
    assert dialogue.wire.closed


# --- any cut, any octets

SCRIPT = (
    b"LHLO foo\r\nNOOP\nMAIL FROM:<joe@example.com> SIZE=3\r\n"
    b"RCPT TO:<ann@example.org>\r\nRCPT TO:<eve@example.org>\r\nDATA\r\n..one\r\n.\n.\r.\r\n.\r\n"
    b"MAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nBDAT 7\r\nNOOP\r\n.BDAT 1 LAST\r\n\nRSET\r\n"
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(cuts=st.lists(st.integers(1, 40)))
def test_answers_and_deliveries_do_not_depend_on_how_octets_arrive(cuts: list[int], tmp_path: Path) -> None:
    whole, cut = LmtpDialogue(tmp_path), LmtpDialogue(tmp_path)
    expected = whole.say(SCRIPT)
    answers, rest = [], SCRIPT
    for size in cuts:
        answers += cut.say(rest[:size])
        rest = rest[size:]
    answers += cut.say(rest)
    assert answers == expected
    assert cut.postman.delivered == whole.postman.delivered
    assert len(cut.postman.delivered) == 2


words = st.sampled_from(
    [b"LHLO x", b"MAIL FROM:<>", b"RCPT TO:<ann@example.org>", b"DATA", b"BDAT 3", b"BDAT 3 LAST", b"RSET", b"\r\n"]
)
hostile = st.lists(st.one_of(words, words, st.just(b"\r\n"), st.just(b"\r\n.\r\n"), st.binary(max_size=5)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(stream=hostile.map(b"".join))
def test_no_octets_break_the_dialogue(stream: bytes, tmp_path: Path) -> None:
    dialogue = LmtpDialogue(tmp_path)
    answers: list[Any] = dialogue.say(stream)
    assert all(line[:3].isdigit() and line.isascii() for line in answers)
