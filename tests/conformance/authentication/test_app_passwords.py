"""App passwords in all protocols: what they open, that some may only read, and that revoked ones end sessions."""

from __future__ import annotations

from typing import TypeVar

import pytest
from tests.conformance.imap.messages import simple_message
from tests.conformance.pop3.pop3_client import Pop3
from tests.conformance.smtp.smtp_client import Smtp
from tests.imap_client import ConnectionEndedError, ImapClient
from tests.live import Account, Service

from mailkeep.administration import (
    AddAppPassword,
    AppPasswordLine,
    ListAppPasswords,
    RevokeAppPassword,
    SetPassword,
    Verb,
)
from mailkeep.cli.perform import perform
from mailkeep.config import Config

R = TypeVar("R")

pytestmark = pytest.mark.usefixtures("ours")

ALL = ("http", "imap", "pop3", "smtp")
WRITING = [
    "CREATE new", "DELETE Trash", "RENAME Trash Bin", "SUBSCRIBE INBOX", "UNSUBSCRIBE INBOX",
    'SETMETADATA INBOX (/private/comment "x")', 'SETQUOTA "" (STORAGE 10)', "APPEND INBOX {3+}\r\nabc",
    "SETACL INBOX anyone lr", "DELETEACL INBOX anyone", "RESETKEY INBOX", "STORE 1 +FLAGS (\\Deleted)",
    "UID STORE 1:* +FLAGS (\\Deleted)", "COPY 1 Trash", "UID COPY 1:* Trash", "MOVE 1 Trash", "UID MOVE 1:* Trash",
    "EXPUNGE", "UID EXPUNGE 1:*", "REPLACE 1 INBOX {3+}\r\nabc", "UID REPLACE 1 INBOX {3+}\r\nabc",
    'GENURLAUTH "imap://x@y/INBOX/;UID=1;URLAUTH=anonymous" INTERNAL',
]  # fmt: skip


def ask(service: Service, verb: Verb[R]) -> R:
    assert service.data is not None
    return perform(Config(data_dir=service.data), verb)


def make(service: Service, account: Account, *services: str, read_only: bool = False) -> tuple[int, Account]:
    """A new app password: its number, and a login with it."""
    verb = AddAppPassword(address=account.user, label="phone", services=services or ALL, read_only=read_only)
    made = ask(service, verb)
    return made.line.number, Account(account.user, made.secret)


def smtp_login(service: Service, account: Account) -> tuple[int, str]:
    with Smtp(service.submissions, service.tls()) as smtp:
        smtp.hello()
        return smtp.log_in(account.user, account.password).codes


def test_it_opens_every_protocol(server: Service, account: Account) -> None:
    _, phone = make(server, account)
    server.connect(phone).ok("SELECT INBOX")
    with Pop3(server.pop3s, server.tls()) as pop:
        assert pop.log_in(phone.user, phone.password).startswith("+OK")
    assert smtp_login(server, phone) == (235, "2.7.0")


def test_it_opens_what_it_was_made_for_and_nothing_else(server: Service, account: Account) -> None:
    _, phone = make(server, account, "smtp")
    assert smtp_login(server, phone) == (235, "2.7.0")
    with server.connect() as imap:
        imap.no(f"LOGIN {phone.user} {phone.password}", code="AUTHENTICATIONFAILED")
    with Pop3(server.pop3s, server.tls()) as pop:
        assert pop.log_in(phone.user, phone.password).startswith("-ERR [AUTH]")


@pytest.fixture
def reader(server: Service, client: ImapClient, account: Account) -> ImapClient:
    """A session that may only read, with a mailbox selected."""
    client.append("INBOX", simple_message(1))
    _, phone = make(server, account, "imap", read_only=True)
    reader = server.connect(phone)
    reply = reader.ok("SELECT INBOX")
    assert reply.code
    assert reply.code.name == "READ-ONLY"
    return reader


def test_for_reading_only_every_command_that_writes_is_refused(reader: ImapClient) -> None:
    for line in WRITING:
        reader.no(line, code="NOPERM")
    assert "\\Seen" not in reader.ok("FETCH 1 (BODY[] FLAGS)").fetched[1]["FLAGS"]
    assert "new" not in reader.ok('LIST "" *').listed()


def test_for_reading_only_close_does_not_expunge(reader: ImapClient, client: ImapClient) -> None:
    client.ok("SELECT INBOX")
    client.ok("STORE 1 +FLAGS (\\Deleted)")
    reader.ok("CLOSE")
    assert reader.ok("STATUS INBOX (MESSAGES)").one("STATUS")[1]["MESSAGES"] == 1


def test_for_reading_only_nothing_is_sent_and_no_letter_is_deleted(
    server: Service, client: ImapClient, account: Account
) -> None:
    client.append("INBOX", simple_message(1))
    _, phone = make(server, account, "pop3", read_only=True)
    assert smtp_login(server, phone) == (535, "5.7.8")
    with Pop3(server.pop3s, server.tls()) as pop:
        assert pop.log_in(phone.user, phone.password).startswith("+OK")
        assert pop.say("DELE 1").startswith("-ERR")


def test_revoked_it_ends_the_sessions_that_it_opened_and_no_others(server: Service, account: Account) -> None:
    number, phone = make(server, account)
    other = server.connect(account)
    idle, quiet = server.connect(phone), server.connect(phone)
    idle.ok("SELECT INBOX")
    idle.idle()
    with Pop3(server.pop3s, server.tls()) as pop, Smtp(server.submissions, server.tls()) as smtp:
        pop.log_in(phone.user, phone.password)
        smtp.hello()
        assert smtp.log_in(phone.user, phone.password).codes == (235, "2.7.0")
        ask(server, RevokeAppPassword(address=account.user, number=number))
        for gone in (idle, quiet):
            assert gone.until(lambda response: response.kind == "BYE")
            with pytest.raises(ConnectionEndedError):
                gone.read()
        assert pop.line().startswith("-ERR")
        assert smtp.reply().codes == (421, "4.7.0")
    other.ok("NOOP")
    with server.connect() as again:
        again.no(f"LOGIN {phone.user} {phone.password}", code="AUTHENTICATIONFAILED")


def test_a_new_password_ends_the_sessions_of_the_old_one_and_not_those_of_app_passwords(
    server: Service, fresh_account: Account
) -> None:
    _, phone = make(server, fresh_account)
    kept, ended = server.connect(phone), server.connect(fresh_account)
    ask(server, SetPassword(address=fresh_account.user, password="another of a test"))
    assert ended.until(lambda response: response.kind == "BYE")
    kept.ok("NOOP")


def test_when_it_was_used_is_shown(server: Service, account: Account) -> None:
    number, phone = make(server, account)

    def line() -> AppPasswordLine:
        lines = ask(server, ListAppPasswords(address=account.user)).app_passwords
        return next(line for line in lines if line.number == number)

    assert line().used_at is None
    server.connect(phone)
    assert line().used_at
