"""The dialogue with users, without sockets: what is answered to which octets, and what is handed over to be sent."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.smtp.dialogue import Dialogue

from mailkeep.model.envelope import Body, Envelope, Notify, Recipient, Return
from mailkeep.model.errors import Invalid, LimitReached, MailError, NotFound, Unavailable
from mailkeep.model.ids import AccountId
from mailkeep.service.addresses import Addresses
from mailkeep.service.authentication import Authentication
from mailkeep.service.bus import Bus
from mailkeep.service.guard import Guard
from mailkeep.service.ledger import Ledger
from mailkeep.service.messages import InMemory
from mailkeep.service.passwords import Passwords
from mailkeep.service.spool import Octets
from mailkeep.service.trace import Origin
from mailkeep.service.urls import Opened, Reader, Stretch, Submits, Urls
from mailkeep.smtp.commands import SUBMISSION
from mailkeep.smtp.connection import SmtpConnection
from mailkeep.smtp.session import Options, User, Users
from mailkeep.smtp.submission import Submission
from mailkeep.smtp.wire.auth import MAX_LINE
from mailkeep.store.contract import Directory

NOW = 1_800_000_000
ANN = AccountId(1)
URL = "imap://ann@mail.example.org/Outbox/;UID=1;URLAUTH=submit+ann:internal:0123"


@dataclass
class Office:
    """Stands where the services for users are."""

    submitted: list[tuple[AccountId, Envelope, bytes, Origin]] = field(default_factory=list)
    trouble: MailError | None = None
    texts: dict[str, bytes] = field(default_factory=dict)
    readers: list[Reader] = field(default_factory=list)

    async def submit(self, account: AccountId, envelope: Envelope, octets: Octets, origin: Origin) -> str:
        if self.trouble is not None:
            raise self.trouble
        data = octets.path.read_bytes() if octets.path is not None else octets.data
        assert data is not None
        self.submitted.append((account, envelope, data, origin))
        return "q17"

    async def open_authorized(self, url: str, reader: Reader) -> Opened:
        self.readers.append(reader)
        if url not in self.texts:
            raise NotFound("There is nothing at this URL")
        blob = InMemory(self.texts[url])
        return Opened(cast("Any", None), blob, Stretch(blob, 0, blob.size))


def nobody_logs_in() -> Authentication:
    """What begins to log people in; no test gets to the end of that."""
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    directory = cast("Directory", SimpleNamespace(app_passwords=None))
    return Authentication(directory, Bus(), Guard(Ledger.alone(buckets=16)), passwords, lambda _: None)


class UserDialogue(Dialogue):
    def __init__(self, spool: Path, *, max_hold_s: int = 1000, max_message: int = 100_000) -> None:
        super().__init__(spool, tls=True)
        self.office = Office()
        role = Submission(addresses=cast("Addresses", self.postman), submitter=self.office)
        options = Options(
            hostname="mx.example.org",
            max_message=max_message,
            max_recipients=100,
            max_line=MAX_LINE,
            max_hold_s=max_hold_s,
        )
        users = Users(nobody_logs_in(), cast("Urls", self.office))
        self.session = SmtpConnection(
            self.connection, role, SUBMISSION, options, spool, self.tally, tls_context=cast("Any", None), users=users
        )
        self.session.clock = lambda: float(NOW)
        self.answers()

    def log_in(self) -> None:
        self.say("EHLO client\r\n")
        self.session.user = User(ANN, "ann@example.org")

    def sent(self, mail: str = "", rcpt: str = "") -> Envelope:
        """The envelope of a message with these parameters."""
        self.log_in()
        commands = f"MAIL FROM:<ann@example.org>{mail}\r\nRCPT TO:<joe@elsewhere.example>{rcpt}\r\n"
        assert self.codes(commands) == ["250 2.1.0", "250 2.1.5"]
        assert self.codes("BDAT 3 LAST\r\nx\r\n") == ["250 2.0.0"]
        return self.office.submitted[-1][1]


@pytest.fixture
def dialogue(tmp_path: Path) -> UserDialogue:
    return UserDialogue(tmp_path)


@pytest.mark.rfc("6409", "7")
def test_ehlo_tells_all_that_users_can_have(dialogue: UserDialogue) -> None:
    extensions = [line[4:] for line in dialogue.say("EHLO client\r\n")[1:]]
    assert extensions == [
        "PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "CHUNKING", "BINARYMIME", "SIZE 100000",
        "REQUIRETLS", "LIMITS RCPTMAX=100", "AUTH PLAIN LOGIN", "DSN", "FUTURERELEASE 1000 2027-01-15T08:16:40Z",
        "BURL",
    ]  # fmt: skip
    dialogue.session.user = User(ANN, "ann@example.org")
    extensions = [line[4:] for line in dialogue.say("EHLO client\r\n")[1:]]
    assert "BURL imap" in extensions
    assert not any(line.startswith("AUTH") for line in extensions)


def test_nobody_sends_without_login(dialogue: UserDialogue) -> None:
    assert dialogue.codes("MAIL FROM:<ann@example.org>\r\n") == ["503 5.5.1"]
    dialogue.say("EHLO client\r\n")
    assert dialogue.codes("MAIL FROM:<ann@example.org>\r\n") == ["530 5.7.0"]


@pytest.mark.rfc("6409", "6.1")
def test_a_user_sends_as_himself_or_as_nobody(dialogue: UserDialogue) -> None:
    dialogue.log_in()
    for sender, code in (("bob@example.org", "550 5.7.1"), ("ann+x@example.org", "250 2.1.0"), ("", "250 2.1.0")):
        assert dialogue.codes(f"MAIL FROM:<{sender}>\r\nRSET\r\n") == [code, "250 2.0.0"]


def test_recipients_anywhere_are_taken_but_none_here_that_there_is_not(dialogue: UserDialogue) -> None:
    dialogue.log_in()
    dialogue.say("MAIL FROM:<ann@example.org>\r\n")
    assert dialogue.codes(
        "RCPT TO:<joe@elsewhere.example>\r\nRCPT TO:<bob@example.org>\r\nRCPT TO:<eve@example.org>\r\n"
    ) == ["250 2.1.5", "250 2.1.5", "550 5.1.1"]


def test_a_message_is_handed_over_with_its_envelope(dialogue: UserDialogue) -> None:
    assert dialogue.sent() == Envelope(reverse_path="ann@example.org", recipients=(Recipient("joe@elsewhere.example"),))
    account, _, data, origin = dialogue.office.submitted[0]
    assert (account, data) == (ANN, b"x\r\n")
    assert origin == Origin(helo="client", peer="127.0.0.1", protocol="ESMTPSA")


@pytest.mark.rfc("3461", "4")
def test_what_is_to_be_reported_goes_into_the_envelope(dialogue: UserDialogue) -> None:
    envelope = dialogue.sent(" RET=HDRS ENVID=QQ+2B314159", " NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Bob+2Bx@Example.COM")
    assert (envelope.returns, envelope.envelope_id) == (Return.HDRS, "QQ+314159")
    [recipient] = envelope.recipients
    assert recipient.notify == Notify.SUCCESS | Notify.DELAY
    assert recipient.original == "rfc822;Bob+x@Example.COM"


def test_never_is_not_the_same_as_nothing(dialogue: UserDialogue) -> None:
    assert dialogue.sent("", " NOTIFY=NEVER").recipients[0].notify == Notify.NEVER
    assert dialogue.sent().recipients[0].notify is None


def test_the_kind_of_octets_goes_into_the_envelope(dialogue: UserDialogue) -> None:
    envelope = dialogue.sent(" BODY=BINARYMIME SMTPUTF8 REQUIRETLS")
    assert (envelope.body, envelope.smtputf8, envelope.require_tls) == (Body.BINARY, True, True)
    assert dialogue.sent(" BODY=8BITMIME").body is Body.EIGHT_BIT


@pytest.mark.rfc("4865", "4.2")
def test_a_message_is_held_for_a_time_or_until_a_moment(dialogue: UserDialogue) -> None:
    assert dialogue.sent(" HOLDFOR=1000").hold_until == NOW + 1000
    assert dialogue.sent(" HOLDUNTIL=2027-01-15T09:10:00+01:00").hold_until == NOW + 600
    assert dialogue.sent(" HOLDUNTIL=2027-01-15t08:10:00z").hold_until == NOW + 600
    for passed in ("2027-01-15T08:00:00Z", "0001-01-01T00:00:00+23:59"):
        assert dialogue.sent(f" HOLDUNTIL={passed}").hold_until is None


@pytest.mark.rfc("4865", "4.2")
@pytest.mark.parametrize(
    "parameter",
    ["HOLDFOR=1001", "HOLDUNTIL=2027-01-15T08:16:41Z", "HOLDFOR=0", "HOLDFOR=1 HOLDUNTIL=2027-01-15T08:00:00Z"],
)
def test_a_message_is_not_held_longer_than_is_told(dialogue: UserDialogue, parameter: str) -> None:
    dialogue.log_in()
    assert dialogue.codes(f"MAIL FROM:<ann@example.org> {parameter}\r\n") == ["501 5.5.4"]


def test_where_nothing_is_held_it_is_not_offered(tmp_path: Path) -> None:
    dialogue = UserDialogue(tmp_path, max_hold_s=0)
    assert not any("FUTURERELEASE" in line for line in dialogue.say("EHLO client\r\n"))
    dialogue.log_in()
    assert dialogue.codes("MAIL FROM:<ann@example.org> HOLDFOR=1\r\n") == ["501 5.5.4"]


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (Invalid("No header"), "554 5.6.0"),
        (LimitReached("Enough for today"), "450 4.7.1"),
        (Unavailable("Disk full"), "451 4.3.0"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_its_reason(dialogue: UserDialogue, trouble: MailError, code: str) -> None:
    dialogue.office.trouble = trouble
    dialogue.log_in()
    dialogue.say("MAIL FROM:<ann@example.org>\r\nRCPT TO:<joe@elsewhere.example>\r\n")
    assert dialogue.codes("BDAT 3 LAST\r\nx\r\n") == [code]


def test_the_postmaster_is_that_of_the_users_own_domain(dialogue: UserDialogue) -> None:
    dialogue.log_in()
    dialogue.say("MAIL FROM:<ann@example.org>\r\n")
    assert dialogue.codes("RCPT TO:<Postmaster>\r\nBDAT 3 LAST\r\nx\r\n") == ["250 2.1.5", "250 2.0.0"]
    assert dialogue.office.submitted[0][1].recipients == (Recipient("Postmaster@example.org"),)


# --- BURL


@pytest.mark.rfc("4468", "3.2")
def test_burl_sends_what_a_url_names(dialogue: UserDialogue) -> None:
    dialogue.office.texts[URL] = b"Subject: x\r\n\r\n.dot\r\n"
    dialogue.log_in()
    dialogue.say("MAIL FROM:<ann@example.org>\r\nRCPT TO:<joe@elsewhere.example>\r\n")
    assert dialogue.codes(f"BURL {URL} LAST\r\n") == ["250 2.0.0"]
    assert dialogue.office.submitted[0][2] == b"Subject: x\r\n\r\n.dot\r\n"
    assert dialogue.office.readers == [Reader(ANN, Submits.FOR_ITSELF)]


@pytest.mark.rfc("4468", "3.2")
def test_burl_and_bdat_can_be_mixed(dialogue: UserDialogue) -> None:
    dialogue.office.texts[URL] = b"two"
    dialogue.log_in()
    dialogue.say("MAIL FROM:<ann@example.org>\r\nRCPT TO:<joe@elsewhere.example>\r\n")
    assert dialogue.codes(f"BDAT 3\r\noneBURL {URL}\r\nBDAT 5 LAST\r\nend\r\n") == ["250 2.0.0"] * 3
    assert dialogue.office.submitted[0][2] == b"onetwoend\r\n"


@pytest.mark.rfc("4468", "3.4")
def test_a_burl_that_fails_ends_the_transaction(dialogue: UserDialogue) -> None:
    dialogue.log_in()
    commands = "MAIL FROM:<ann@example.org>\r\nRCPT TO:<eve@example.org>\r\nBURL imap://x/;UID=1 LAST\r\nRSET\r\n"
    assert dialogue.codes(commands)[2:] == ["554 5.5.0", "250 2.0.0"]
    commands = f"MAIL FROM:<ann@example.org>\r\nRCPT TO:<joe@elsewhere.example>\r\nBURL {URL}\r\n"
    assert dialogue.codes(commands)[2:] == ["554 5.6.6"]
    assert dialogue.codes(b"BDAT 3 LAST\r\nx\r\n") == ["503 5.5.1"]
    assert dialogue.office.submitted == []


def test_a_burl_beyond_the_limit_is_refused(dialogue: UserDialogue) -> None:
    dialogue.office.texts[URL] = b"x" * 100_000
    dialogue.log_in()
    dialogue.say("MAIL FROM:<ann@example.org>\r\nRCPT TO:<joe@elsewhere.example>\r\n")
    assert dialogue.codes(f"BDAT 1\r\nxBURL {URL} LAST\r\nRSET\r\n") == ["250 2.0.0", "554 5.3.4", "250 2.0.0"]


@pytest.mark.parametrize("argument", ["", "LAST", "nourl", "imap://x y", "imap://x FIRST", "imap://\x7f"])
def test_a_burl_that_names_no_url_is_refused(dialogue: UserDialogue, argument: str) -> None:
    dialogue.log_in()
    dialogue.say("MAIL FROM:<ann@example.org>\r\nRCPT TO:<joe@elsewhere.example>\r\n")
    assert dialogue.codes(f"BURL {argument}\r\n")[0][:2] == "50"


# --- a client that is asked


def in_loop(test: Callable[[UserDialogue], Coroutine[Any, Any, None]]) -> Callable[[UserDialogue], None]:
    """A test that needs an event loop, for the futures of a handler."""

    @functools.wraps(test)
    def run(dialogue: UserDialogue) -> None:
        asyncio.run(test(dialogue))

    return run


async def asked(dialogue: UserDialogue) -> Coroutine[Any, Any, None]:
    """The handler of an AUTH that waits for the client's answer."""
    dialogue.say("EHLO client\r\n")
    dialogue.session.feed(b"AUTH LOGIN\r\n")
    step = dialogue.session.next()
    assert step is not None
    assert isinstance(step.send(None), asyncio.Future)
    dialogue.wire.busy = True
    assert dialogue.answers() == ["334 VXNlcm5hbWU6"]
    return step


@in_loop
async def test_silence_within_a_login_ends_the_dialogue(dialogue: UserDialogue) -> None:
    step = await asked(dialogue)
    dialogue.session.timed_out()
    assert dialogue.answers()[0].startswith("421 4.4.2")
    assert dialogue.wire.closed
    step.close()


@in_loop
async def test_a_stopping_server_does_not_wait_for_a_login(dialogue: UserDialogue) -> None:
    step = await asked(dialogue)
    dialogue.session.drain()
    assert dialogue.answers()[0].startswith("421 4.3.2")
    step.close()


@in_loop
async def test_a_login_goes_on_when_a_whole_line_has_come(dialogue: UserDialogue) -> None:
    step = await asked(dialogue)
    dialogue.session.feed(b"YW5u")
    assert isinstance(step.send(None), asyncio.Future)
    dialogue.session.feed(b"\r\n")
    assert isinstance(step.send(None), asyncio.Future)
    assert dialogue.answers() == ["334 UGFzc3dvcmQ6"]
    step.close()


words = st.sampled_from(
    [
        b"EHLO x", b"HELO x", b"MAIL FROM:<ann@example.org>", b"MAIL FROM:<> HOLDFOR=9 RET=FULL",
        b"RCPT TO:<a@b.example>", b"RCPT TO:<eve@example.org> NOTIFY=NEVER",
        b"DATA", b"BDAT 3", b"BDAT 3 LAST", b"RSET", b"AUTH PLAIN =",
        b"BURL imap://x", b"BURL imap://x LAST", b"\r\n", b"\n", b"\r",
    ]
)  # fmt: skip
hostile = st.lists(st.one_of(words, words, st.just(b"\r\n"), st.just(b"\r\n.\r\n"), st.binary(max_size=5)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(stream=hostile.map(b"".join))
def test_no_octets_break_the_dialogue(stream: bytes, tmp_path: Path) -> None:
    dialogue = UserDialogue(tmp_path)
    dialogue.log_in()
    answers = dialogue.say(stream)
    assert all(line[:3].isdigit() and line.isascii() for line in answers)
    assert list(tmp_path.iterdir()) == []
