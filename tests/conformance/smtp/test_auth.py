"""AUTH (RFC 4954): PLAIN, LOGIN and SCRAM-SHA-256, under TLS only."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator

import pytest
from tests.conformance.smtp.smtp_client import Smtp
from tests.live import Account, Service
from tests.scram_client import ScramClient

pytestmark = pytest.mark.rfc("4954", "4")


@pytest.fixture
def client(server: Service) -> Iterator[Smtp]:
    """A connection over TLS, after EHLO."""
    with Smtp(server.submissions, server.tls()) as client:
        client.hello()
        yield client


def b64(text: str | bytes) -> str:
    return b64encode(text.encode() if isinstance(text, str) else text).decode()


def plain(account: Account) -> str:
    return b64(f"\0{account.user}\0{account.password}")


@pytest.mark.rfc("4954", "3")
def test_mechanisms_are_offered_under_tls_only(server: Service, client: Smtp) -> None:
    auth = "AUTH SCRAM-SHA-256 PLAIN LOGIN"
    assert auth in client.hello()
    with Smtp(server.submission) as clear:
        assert not any(line.startswith("AUTH") for line in clear.hello())
        clear.starttls(server.tls())
        assert auth in clear.hello()


def test_plain_with_and_without_initial_response(server: Service, client: Smtp, account: Account) -> None:
    assert client.say(f"AUTH PLAIN {plain(account)}").codes == (235, "2.7.0")
    with Smtp(server.submissions, server.tls()) as other:
        other.hello()
        assert other.say("auth plain").lines == ("",)
        assert other.say(plain(account)).codes == (235, "2.7.0")


def test_login_asks_with_the_words_that_outlook_looks_for(client: Smtp, account: Account) -> None:
    """trap 22"""
    asked = client.say("AUTH LOGIN")
    assert (asked.code, b64decode(asked.lines[0])) == (334, b"Username:")
    asked = client.say(b64(account.user))
    assert (asked.code, b64decode(asked.lines[0])) == (334, b"Password:")
    assert client.say(b64(account.password)).codes == (235, "2.7.0")


def test_login_takes_the_name_as_initial_response(client: Smtp, account: Account) -> None:
    """trap 22"""
    asked = client.say(f"AUTH LOGIN {b64(account.user)}")
    assert (asked.code, b64decode(asked.lines[0])) == (334, b"Password:")
    assert client.say(b64(account.password)).codes == (235, "2.7.0")


@pytest.mark.rfc("5802", "3")
@pytest.mark.parametrize("initial", [True, False])
def test_scram_proves_both_sides_to_each_other(client: Smtp, account: Account, initial: bool) -> None:
    scram = ScramClient(account.user, account.password)
    if initial:
        asked = client.say(f"AUTH SCRAM-SHA-256 {b64(scram.first)}")
    else:
        assert client.say("AUTH SCRAM-SHA-256").lines == ("",)
        asked = client.say(b64(scram.first))
    asked = client.say(b64(scram.final(b64decode(asked.lines[0]))))
    assert asked.code == 334
    assert scram.is_server(b64decode(asked.lines[0]))
    assert client.say("").codes == (235, "2.7.0")
    client.begin(sender=account.user)


@pytest.mark.parametrize("user", ["known", "unknown"])
def test_scram_with_a_wrong_password_and_for_an_unknown_user_look_alike(
    client: Smtp, account: Account, user: str
) -> None:
    scram = ScramClient(account.user if user == "known" else "nobody-at-all@example.org", "wrong")
    asked = client.say(f"AUTH SCRAM-SHA-256 {b64(scram.first)}")
    fields = dict(part.split(b"=", 1) for part in b64decode(asked.lines[0]).split(b","))
    assert len(b64decode(fields[b"s"])) == 16
    assert client.say(b64(scram.final(b64decode(asked.lines[0])))).codes == (535, "5.7.8")
    assert client.say("MAIL FROM:<>").codes == (530, "5.7.0")


def test_wrong_passwords_are_refused_and_too_many_end_the_connection(client: Smtp, account: Account) -> None:
    wrong = b64(f"\0{account.user}-x\0wrong")
    assert client.say(f"AUTH PLAIN {wrong}").codes == (535, "5.7.8")
    assert client.say(f"AUTH PLAIN {b64('no')}").codes == (535, "5.7.8")
    for _ in range(2):
        assert client.say(f"AUTH PLAIN {b64('no')}").codes == (535, "5.7.8")
    assert client.say(f"AUTH PLAIN {b64('no')}").codes == (421, "4.7.0")
    assert client.is_closed()


def test_an_exchange_can_be_given_up_and_another_one_begun(client: Smtp, account: Account) -> None:
    client.say("AUTH LOGIN")
    assert client.say("*").codes == (501, "5.7.0")
    assert client.say(f"AUTH PLAIN {plain(account)}").codes == (235, "2.7.0")


@pytest.mark.parametrize("response", ["=AAA", "AAA=BBB", "%%%%", "QQ", "Q Q="])
def test_what_is_no_base64_ends_the_exchange(client: Smtp, response: str) -> None:
    client.say("AUTH PLAIN")
    assert client.say(response).codes == (501, "5.5.2")
    assert client.say("NOOP").codes == (250, "2.0.0")


def test_a_line_that_is_too_long_ends_the_exchange(client: Smtp) -> None:
    client.say("AUTH PLAIN")
    assert client.say("A" * 12_288).codes == (500, "5.5.6")
    assert client.say("NOOP").codes == (250, "2.0.0")


@pytest.mark.parametrize(
    ("line", "codes"),
    [
        ("AUTH", (501, "5.5.4")),
        ("AUTH GSSAPI", (504, "5.5.4")),
        ("AUTH CRAM-MD5 =", (504, "5.5.4")),
        ("AUTH PLAIN =", (535, "5.7.8")),
        ("AUTH PLAIN a=b", (501, "5.5.4")),
    ],
)
def test_an_auth_that_cannot_begin(client: Smtp, line: str, codes: tuple[int, str]) -> None:
    assert client.say(line).codes == codes


def test_a_second_login_and_one_within_a_transaction_are_refused(user: Smtp, account: Account) -> None:
    assert user.say(f"AUTH PLAIN {plain(account)}").codes == (503, "5.5.1")


def test_a_password_is_not_taken_in_the_clear(server: Service, account: Account) -> None:
    with Smtp(server.submission) as clear:
        clear.hello()
        assert clear.say(f"AUTH PLAIN {plain(account)}").codes == (530, "5.7.0")
        assert clear.say("MAIL FROM:<>").codes == (530, "5.7.0")


def test_strangers_cannot_log_in_on_port_25(mx: Smtp, server: Service) -> None:
    mx.starttls(server.tls())
    assert not any(line.startswith("AUTH") for line in mx.hello())
    assert mx.say("AUTH PLAIN").codes == (500, "5.5.1")


@pytest.mark.rfc("4954", "5")
def test_the_parameter_auth_of_mail_is_taken(user: Smtp, account: Account) -> None:
    assert user.say(f"MAIL FROM:<{account.user}> AUTH=<>").codes == (250, "2.1.0")
    user.say("RSET")
    assert user.say(f"MAIL FROM:<{account.user}> AUTH=e+3Dmc2@example.com").codes == (250, "2.1.0")


def test_auth_can_be_pipelined_with_what_follows(client: Smtp, account: Account) -> None:
    """RFC 4468 §3.4 shows it."""
    client.send(f"AUTH PLAIN {plain(account)}\r\nMAIL FROM:<{account.user}>\r\nNOOP\r\n".encode())
    assert client.replies(3) == [(235, "2.7.0"), (250, "2.1.0"), (250, "2.0.0")]
