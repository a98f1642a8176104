"""The dialogue with strangers, without sockets: what is answered to which octets, and what is delivered."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.smtp.dialogue import Dialogue, Lane

from mailkeep.net import lane
from mailkeep.net.limits import Network
from mailkeep.net.resolver import Answer, DnsFault
from mailkeep.service.addresses import Addresses
from mailkeep.service.delivery import Delivery
from mailkeep.service.ledger import Ledger
from mailkeep.service.spool import Octets
from mailkeep.service.throttle import Throttle
from mailkeep.service.trace import Origin
from mailkeep.smtp.commands import RECEPTION
from mailkeep.smtp.connection import PROGRESS, SmtpConnection
from mailkeep.smtp.guessing import MAX_GUESSES, Guessing
from mailkeep.smtp.judging import Action, Arriving, Judges, Opinion
from mailkeep.smtp.mx import Mx
from mailkeep.smtp.partly import Partly
from mailkeep.smtp.session import Options
from mailkeep.smtp.wire.reply import Reply

MESSAGE = b"From: joe@example.com\r\n\r\n.one\r\n"


@dataclass
class Names:
    """Stands where DNS is."""

    records: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    faulty: bool = False

    async def look_up(self, name: str, kind: str) -> Answer:
        if self.faulty:
            raise DnsFault
        records = tuple(self.records.get((name, kind), ()))
        return Answer(records, exists=bool(records), authentic=False, name=name)


@dataclass
class Checks:
    """A gate and a judge that do as they are told."""

    gate_says: Reply | None = None
    opinion: Opinion = field(default_factory=Opinion)
    asked: list[tuple[str, ...]] = field(default_factory=list)
    judged: list[Arriving] = field(default_factory=list)

    async def admit(self, *words: str) -> Reply | None:
        self.asked.append(words)
        return self.gate_says

    async def judge(self, arriving: Arriving) -> Opinion:
        self.judged.append(arriving)
        return self.opinion


class MxDialogue(Dialogue):
    def __init__(
        self, spool: Path, *, peer: str = "192.0.2.7", tls: bool = False, exempt: Sequence[Network] = ()
    ) -> None:
        super().__init__(spool, peer=peer, tls=tls)
        self.checks, self.names, self.slept = Checks(), Names(), []
        self.now = 1000.0
        role = Mx(
            addresses=cast("Addresses", self.postman),
            delivery=cast("Delivery", self.postman),
            gate=self.checks,
            judges=Judges((self.checks,)),
            guessing=Guessing(Throttle(Ledger.alone(), "guess:", lambda: self.now, free=3), exempt, self.sleep),
            partly=Partly(),
            resolver=self.names,
            lane=cast("lane.Lane", Lane()),
        )
        options = Options(hostname="mx.example.org", max_message=100_000, max_recipients=100)
        self.session = SmtpConnection(
            self.connection, role, RECEPTION, options, spool, self.tally, tls_context=lambda: cast("Any", None)
        )
        assert self.answers() == ["220 mx.example.org ESMTP mailkeep ready"]

    slept: list[float]

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def begin(self, *recipients: str, hello: str = "EHLO client", parameters: str = "") -> None:
        self.say(f"{hello}\r\nMAIL FROM:<joe@example.com>{parameters}\r\n")
        for recipient in recipients:
            assert self.codes(f"RCPT TO:<{recipient}>\r\n") == ["250 2.1.5"]

    def data(self, message: bytes = MESSAGE) -> list[str]:
        stuffed = (b"\r\n" + message).replace(b"\r\n.", b"\r\n..")[2:]
        first, *rest = self.codes(b"DATA\r\n" + stuffed + b".\r\n")
        assert first.startswith("354"), first
        return rest


@pytest.fixture
def dialogue(tmp_path: Path) -> MxDialogue:
    return MxDialogue(tmp_path)


# --- greeting


@pytest.mark.rfc("5321", "4.1.1.1")
def test_ehlo_tells_extensions_and_helo_does_not(dialogue: MxDialogue) -> None:
    assert dialogue.say("HELO client\r\n") == ["250 mx.example.org"]
    first, *extensions = dialogue.say("EHLO client\r\n")
    assert first == "250-mx.example.org"
    assert [line[4:] for line in extensions] == [
        "PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "CHUNKING", "BINARYMIME", "SIZE 100000",
        "STARTTLS", "LIMITS RCPTMAX=100",
    ]  # fmt: skip


@pytest.mark.rfc("8689", "2")
def test_requiretls_is_offered_and_taken_under_tls_only(dialogue: MxDialogue, tmp_path: Path) -> None:
    dialogue.say("EHLO client\r\n")
    assert dialogue.codes("MAIL FROM:<a@b.example> REQUIRETLS\r\n") == ["530 5.7.0"]
    secured = MxDialogue(tmp_path, tls=True)
    assert "250-REQUIRETLS" in secured.say("EHLO client\r\n")
    assert secured.codes("MAIL FROM:<a@b.example> REQUIRETLS\r\n") == ["250 2.1.0"]


@pytest.mark.rfc("5321", "4.1.4")
def test_commands_need_what_comes_before_them(dialogue: MxDialogue) -> None:
    assert dialogue.codes("MAIL FROM:<>\r\nSTARTTLS\r\nLHLO x\r\nAUTH PLAIN\r\n") == [
        "503 5.5.1", "503 5.5.1", "500 5.5.1", "500 5.5.1",
    ]  # fmt: skip


# --- STARTTLS


@pytest.mark.rfc("3207", "4.2")
def test_after_starttls_all_is_forgotten(dialogue: MxDialogue) -> None:
    dialogue.begin("ann@example.org")
    assert dialogue.codes("STARTTLS\r\n") == ["220 2.0.0"]
    assert dialogue.wire.tls
    assert dialogue.codes("MAIL FROM:<>\r\nRCPT TO:<ann@example.org>\r\n") == ["503 5.5.1"] * 2
    extensions = dialogue.say("EHLO client\r\n")
    assert "250-STARTTLS" not in extensions
    assert dialogue.codes("STARTTLS\r\n") == ["503 5.5.1"]


@pytest.mark.rfc("3207", "6")
def test_what_is_sent_behind_starttls_ends_the_dialogue(dialogue: MxDialogue) -> None:
    """CVE-2011-0411: else it would be taken for said under TLS."""
    dialogue.say("EHLO client\r\n")
    assert dialogue.codes("STARTTLS\r\nRSET\r\n") == ["503 5.5.1"]
    assert dialogue.wire.closed
    assert not dialogue.wire.tls


# --- recipients


@pytest.mark.rfc("5321", "3.6.2")
def test_mail_for_others_is_not_relayed(dialogue: MxDialogue) -> None:
    dialogue.begin()
    for address in ("a@elsewhere.example", "ann%example.net@elsewhere.example", "a@[192.0.2.1]", "a@example.org.evil"):
        assert dialogue.codes(f"RCPT TO:<{address}>\r\n") == ["550 5.7.1"]
    assert dialogue.codes("RCPT TO:<@example.org:a@elsewhere.example>\r\n") == ["550 5.7.1"]
    assert dialogue.checks.asked == []


def test_who_is_not_here_is_refused_and_postmaster_is_here(dialogue: MxDialogue) -> None:
    dialogue.begin()
    assert dialogue.codes("RCPT TO:<eve@example.org>\r\n") == ["550 5.1.1"]
    assert dialogue.codes("RCPT TO:<Postmaster>\r\nRCPT TO:<postmaster@example.org>\r\n") == ["250 2.1.5"] * 2


def test_whoever_has_no_room_is_refused_early(dialogue: MxDialogue) -> None:
    dialogue.postman.full.add(2)
    dialogue.begin("ann@example.org", parameters=" SIZE=1000")
    assert dialogue.codes("RCPT TO:<bob@example.org>\r\n") == ["452 4.2.2"]


def test_the_gate_is_asked_of_recipients_that_there_are(dialogue: MxDialogue) -> None:
    dialogue.checks.gate_says = Reply(450, "4.7.1", "Come back later")
    dialogue.begin()
    assert dialogue.codes("RCPT TO:<eve@example.org>\r\nRCPT TO:<ann@example.org>\r\n") == ["550 5.1.1", "450 4.7.1"]
    assert dialogue.checks.asked == [("192.0.2.7", "client", "joe@example.com", "ann@example.org")]


def test_who_guesses_recipients_has_to_wait_and_is_sent_away(dialogue: MxDialogue) -> None:
    dialogue.begin()
    assert dialogue.codes("RCPT TO:<eve@example.org>\r\n" * 3) == ["550 5.1.1"] * 3
    assert dialogue.slept == []
    assert dialogue.codes("RCPT TO:<eve@example.org>\r\n" * 3) == ["550 5.1.1"] * 3
    assert dialogue.slept == sorted(dialogue.slept)
    assert dialogue.slept[0] > 0
    dialogue.now += 100
    for _ in range(18):
        assert dialogue.codes("RCPT TO:<eve@example.org>\r\n") == ["550 5.1.1"]
        dialogue.now += 100
    assert dialogue.codes("RCPT TO:<eve@example.org>\r\n") == ["421 4.7.1"]
    assert dialogue.wire.closed


def test_this_machine_and_friends_guess_without_waiting_but_not_for_ever(tmp_path: Path) -> None:
    friends = MxDialogue(tmp_path, exempt=[ipaddress.ip_network("192.0.2.0/24")])
    for dialogue in (friends, MxDialogue(tmp_path, peer="127.0.0.1")):
        dialogue.begin()
        guesses = "RCPT TO:<eve@example.org>\r\n" * (MAX_GUESSES - 2) + "RCPT TO:<a@elsewhere.example>\r\n" * 2
        assert dialogue.codes(guesses)[-2:] == ["550 5.7.1", "421 4.7.1"]
        assert dialogue.slept == []


def test_an_alias_is_full_when_all_are(dialogue: MxDialogue) -> None:
    dialogue.postman.full.add(1)
    dialogue.begin("all@example.org")
    dialogue.postman.full.add(2)
    assert dialogue.codes("RCPT TO:<all+x@example.org>\r\n") == ["452 4.2.2"]


# --- the message


def test_a_message_is_judged_and_delivered_with_what_judges_add(dialogue: MxDialogue) -> None:
    dialogue.checks.opinion = Opinion(Action.JUNK, fields=b"Received-SPF: fail\r\n")
    dialogue.begin("ann@example.org", "bob@example.org")
    assert dialogue.data() == ["250 2.0.0"]
    assert dialogue.postman.delivered == [
        ("joe@example.com", "ann@example.org", MESSAGE),
        ("joe@example.com", "bob@example.org", MESSAGE),
    ]
    assert dialogue.postman.fields == [(b"Received-SPF: fail\r\n", True)] * 2
    [arriving] = dialogue.checks.judged
    assert (arriving.peer, arriving.helo, arriving.reverse_path) == ("192.0.2.7", "client", "joe@example.com")
    assert arriving.recipients == ("ann@example.org", "bob@example.org")


@pytest.mark.parametrize(
    ("opinion", "codes"),
    [
        (Opinion(Action.REJECT, Reply(550, "5.7.1", "Forged")), ["550 5.7.1"]),
        (Opinion(Action.DEFER, Reply(451, "4.7.0", "Later")), ["451 4.7.0"]),
        (Opinion(Action.DISCARD), ["250 2.0.0"]),
    ],
    ids=lambda value: value.action.value if isinstance(value, Opinion) else "",
)
def test_what_judges_refuse_is_delivered_to_nobody(dialogue: MxDialogue, opinion: Opinion, codes: list[str]) -> None:
    dialogue.checks.opinion = opinion
    dialogue.begin("ann@example.org")
    assert dialogue.data() == codes
    assert dialogue.postman.delivered == []


def test_what_a_judge_has_made_of_the_message_is_delivered(dialogue: MxDialogue) -> None:
    dialogue.checks.opinion = Opinion(octets=Octets(3, b"", b"new", None))
    dialogue.begin("ann@example.org")
    assert dialogue.data() == ["250 2.0.0"]
    assert dialogue.postman.delivered[0][2] == b"new"


def test_an_alias_of_two_gives_each_one_copy_and_nobody_two(dialogue: MxDialogue) -> None:
    dialogue.begin("all@example.org", "ALL@example.org")
    assert dialogue.data() == ["250 2.0.0"]
    assert len(dialogue.postman.delivered) == 2


@pytest.mark.rfc("5321", "4.2.5")
def test_where_one_of_two_fails_the_client_comes_again_and_the_other_gets_no_second_copy(dialogue: MxDialogue) -> None:
    dialogue.postman.failing.add(2)
    dialogue.begin("ann@example.org", "bob@example.org")
    assert dialogue.data() == ["451 4.3.0"]
    dialogue.postman.failing.clear()
    dialogue.begin("ann@example.org", "bob@example.org")
    assert dialogue.data() == ["250 2.0.0"]
    assert [to for _, to, _ in dialogue.postman.delivered] == ["ann@example.org", "bob@example.org"]
    dialogue.begin("ann@example.org")
    assert dialogue.data() == ["250 2.0.0"]
    assert len(dialogue.postman.delivered) == 3


def test_who_goes_before_all_have_the_message_comes_again_and_doubles_nothing(dialogue: MxDialogue) -> None:
    dialogue.postman.trouble["bob@example.org"] = cast("Any", asyncio.CancelledError())
    dialogue.begin("ann@example.org", "bob@example.org")
    with pytest.raises(asyncio.CancelledError):
        dialogue.data()
    dialogue.postman.trouble.clear()
    dialogue.answers()
    dialogue.begin("ann@example.org", "bob@example.org")
    assert dialogue.data() == ["250 2.0.0"]
    assert [to for _, to, _ in dialogue.postman.delivered] == ["ann@example.org", "bob@example.org"]


def test_where_all_fail_the_answer_says_why(dialogue: MxDialogue) -> None:
    dialogue.postman.failing |= {1, 2}
    dialogue.begin("ann@example.org", "bob@example.org")
    assert dialogue.data() == ["451 4.3.0"]


@pytest.mark.rfc("5321", "2.3.8")
@pytest.mark.parametrize(
    "message",
    [
        b"a\nb\r\n", b"a\rb\r\n", b"\n\r\n", b"a\r\r\n", b"a\n\r\n", b"\r\n\n.\n\r\n", b"a\n.\nMAIL FROM:<>\r\n",
        b"a\r\n\r.\r\n", b"a\r.\r\n",
    ],
    ids=repr,
)  # fmt: skip
def test_a_message_with_a_bare_cr_or_lf_is_refused_whole(dialogue: MxDialogue, message: bytes) -> None:
    """SMTP smuggling (CVE-2023-51764): what another server would take for the end of the data is none here."""
    dialogue.begin("ann@example.org")
    assert dialogue.data(message) == ["550 5.6.0"]
    assert dialogue.codes("NOOP\r\n") == ["250 2.0.0"]
    assert dialogue.postman.delivered == []


@pytest.mark.rfc("3030", "3")
def test_binary_octets_come_in_chunks_only_and_when_announced(dialogue: MxDialogue) -> None:
    dialogue.begin("ann@example.org")
    assert dialogue.codes(b"BDAT 3\r\na\r\nBDAT 2 LAST\r\n\nb") == ["250 2.0.0", "550 5.6.0"]
    dialogue.begin("ann@example.org", parameters=" BODY=BINARYMIME")
    assert dialogue.codes("DATA\r\n") == ["503 5.5.1"]
    assert dialogue.codes(b"BDAT 4 LAST\r\n\n\0\r\xff") == ["250 2.0.0"]
    assert dialogue.postman.delivered[0][2] == b"\n\0\r\xff"


def test_the_last_chunk_without_recipients_is_refused(dialogue: MxDialogue) -> None:
    dialogue.begin()
    assert dialogue.codes(b"BDAT 2 LAST\r\nxxNOOP\r\n") == ["503 5.5.1", "250 2.0.0"]


def test_a_message_that_turns_out_too_large_gets_one_answer(dialogue: MxDialogue) -> None:
    dialogue.begin("ann@example.org", "bob@example.org")
    assert dialogue.data(b"x" * 100_000 + b"\r\n") == ["552 5.3.4"]


# --- who it was


@pytest.mark.parametrize(
    ("hello", "parameters", "tls", "word"),
    [
        ("HELO client", "", False, "SMTP"),
        ("EHLO client", "", False, "ESMTP"),
        ("EHLO client", "", True, "ESMTPS"),
        ("EHLO client", " SMTPUTF8", True, "UTF8SMTPS"),
    ],
)
@pytest.mark.rfc("3848", "1")
def test_the_trace_says_how_it_came(tmp_path: Path, hello: str, parameters: str, tls: bool, word: str) -> None:
    dialogue = MxDialogue(tmp_path, tls=tls)
    dialogue.begin("ann@example.org", hello=hello, parameters=parameters)
    assert dialogue.data() == ["250 2.0.0"]
    assert dialogue.postman.origins == [Origin(helo="client", peer="192.0.2.7", protocol=word)]


@dataclass
class Target:
    text: str

    def to_text(self, *, omit_final_dot: bool) -> str:
        return self.text.removesuffix(".") if omit_final_dot else self.text


@dataclass
class Pointer:
    target: Target


@dataclass
class Host:
    address: str


@pytest.mark.rfc("8601", "3")
@pytest.mark.parametrize(("address", "name"), [("192.0.2.7", "mail.example.com"), ("192.0.2.8", "")])
def test_a_name_counts_that_leads_back_to_the_address(dialogue: MxDialogue, address: str, name: str) -> None:
    dialogue.names.records = {
        ("7.2.0.192.in-addr.arpa", "PTR"): [Pointer(Target("Mail.example.com."))],
        ("Mail.example.com", "A"): [Host(address)],
    }
    dialogue.begin("ann@example.org")
    assert dialogue.data() == ["250 2.0.0"]
    assert dialogue.postman.origins[0].peer_name == name
    assert dialogue.checks.judged[0].peer_name == name


def test_a_fault_of_dns_turns_nobody_away(dialogue: MxDialogue) -> None:
    dialogue.names.faulty = True
    dialogue.begin("ann@example.org")
    assert dialogue.data() == ["250 2.0.0"]


# --- wasting time


@pytest.mark.rfc("5321", "4.5.3.2")
def test_who_sends_a_message_octet_by_octet_gets_no_more_time(dialogue: MxDialogue) -> None:
    dialogue.begin("ann@example.org")
    dialogue.say("DATA\r\n")
    before = dialogue.wire.deadlines
    for _ in range(100):
        dialogue.say(b"x")
    assert dialogue.wire.deadlines == before
    dialogue.say(b"x" * PROGRESS)
    assert dialogue.wire.deadlines == before + 1


def test_who_only_keeps_the_connection_is_sent_away(dialogue: MxDialogue) -> None:
    dialogue.say("EHLO client\r\n")
    for _ in range(3):
        assert dialogue.codes("NOOP\r\n" * 40) == ["250 2.0.0"] * 40
        dialogue.begin("ann@example.org")
        dialogue.data()
    assert dialogue.codes("NOOP\r\n" * 99 + "DATA\r\nNOOP\r\n")[-2:] == ["503 5.5.1", "250 2.0.0"]
    assert dialogue.codes("NOOP\r\n") == ["421 4.7.0"]
    assert dialogue.wire.closed


def test_what_is_refused_is_counted(dialogue: MxDialogue) -> None:
    dialogue.checks.opinion = Opinion(Action.REJECT, Reply(550, "5.7.1", "Forged"))
    dialogue.begin("ann@example.org")
    dialogue.codes("RCPT TO:<eve@example.org>\r\nFROB\r\n")
    dialogue.data()
    assert dict(dialogue.tally.refused) == {("RCPT", "550"): 1, ("?", "500"): 1, ("DATA", "550"): 1}


words = st.sampled_from(
    [
        b"EHLO x", b"HELO x", b"MAIL FROM:<>", b"MAIL FROM:<a@b> BODY=BINARYMIME", b"RCPT TO:<ann@example.org>",
        b"RCPT TO:<eve@example.org>", b"DATA", b"BDAT 3", b"BDAT 3 LAST", b"RSET", b"STARTTLS", b"\r\n", b"\n", b"\r",
    ]
)  # fmt: skip
hostile = st.lists(st.one_of(words, words, st.just(b"\r\n"), st.just(b"\r\n.\r\n"), st.binary(max_size=5)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(stream=hostile.map(b"".join))
def test_no_octets_break_the_dialogue(stream: bytes, tmp_path: Path) -> None:
    dialogue = MxDialogue(tmp_path)
    answers = dialogue.say(stream)
    assert all(line[:3].isdigit() and line.isascii() for line in answers)
    assert list(tmp_path.iterdir()) == []


def test_a_message_without_end_is_cut_off(dialogue: MxDialogue) -> None:
    dialogue.begin("ann@example.org")
    dialogue.say("DATA\r\n")
    for _ in range(24):
        dialogue.say(b"x" * 10_000)
        if dialogue.wire.closed:
            break
    assert dialogue.wire.closed


def test_a_chunk_that_nobody_wants_is_not_read_for_ever(dialogue: MxDialogue) -> None:
    dialogue.say(b"EHLO client\r\nBDAT 999999999999999999\r\n")
    answers = [answer for _ in range(24) if not dialogue.wire.closed for answer in dialogue.say(b"x" * 10_000)]
    assert [answer[:9] for answer in answers] == ["552 5.3.4"]


@pytest.mark.parametrize("method", ["GET", "POST", "CONNECT"])
def test_a_browser_is_not_listened_to(dialogue: MxDialogue, method: str) -> None:
    lines = f"{method} / HTTP/1.1\r\nHost: localhost\r\n\r\nEHLO evil\r\nMAIL FROM:<>\r\n"
    assert dialogue.codes(lines) == ["500 5.5.1"]
    assert dialogue.wire.closed
