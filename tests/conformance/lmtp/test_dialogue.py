"""Commands and replies of LMTP on a real socket."""

from __future__ import annotations

import pytest
from tests.conformance.lmtp.lmtp_client import Lmtp
from tests.live import Account, Service


@pytest.mark.rfc("2033", "4.1")
def test_the_greeting_and_lhlo_name_the_server_and_what_it_can_do(lmtp: Lmtp) -> None:
    assert lmtp.greeting.code == 220
    hello = lmtp.say("LHLO client.example.com")
    assert hello.code == 250
    assert hello.lines[0].split(" ")[0] == lmtp.greeting.lines[0].split(" ")[0]
    offered = {line.split(" ")[0] for line in hello.lines[1:]}
    assert offered >= {"PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "CHUNKING"}


@pytest.mark.rfc("2033", "4.1")
def test_helo_and_ehlo_fail(lmtp: Lmtp) -> None:
    assert lmtp.say("HELO client").code == 500
    assert lmtp.say("EHLO client").code == 500


@pytest.mark.rfc("2033", "4.2")
def test_the_example_of_the_rfc(lmtp: Lmtp, account: Account, other_account: Account) -> None:
    assert lmtp.say("LHLO foo.edu").code == 250
    assert lmtp.say("MAIL FROM:<chris@bar.com>").code == 250
    assert lmtp.say(f"RCPT TO:<{account.user}>").code == 250
    assert lmtp.say("RCPT TO:<jones@example.org>").codes == (550, "5.1.1")
    assert lmtp.say(f"RCPT TO:<{other_account.user}>").code == 250
    assert lmtp.data(b"Blah blah blah...\r\n...etc. etc. etc.\r\n", 2) == [(250, "2.0.0")] * 2
    assert lmtp.say("QUIT").code == 221
    assert lmtp.is_closed()


@pytest.mark.rfc("2033", "4.2")
def test_data_without_accepted_recipient_fails(lmtp: Lmtp) -> None:
    lmtp.begin()
    assert lmtp.say("RCPT TO:<nobody@example.org>").codes == (550, "5.1.1")
    assert lmtp.say("DATA").codes == (503, "5.5.1")


@pytest.mark.rfc("2920", "3.1")
def test_a_pipeline_is_answered_in_order(lmtp: Lmtp, account: Account) -> None:
    lmtp.send(
        b"LHLO foo\r\nMAIL FROM:<>\r\nRCPT TO:<nobody@example.org>\r\n"
        b"RCPT TO:<%b>\r\nBDAT 3 LAST\r\nabcNOOP\r\nQUIT\r\n" % account.user.encode()
    )
    assert lmtp.reply().code == 250
    assert [code for code, _ in lmtp.replies(6)] == [250, 550, 250, 250, 250, 221]


@pytest.mark.parametrize(
    ("line", "codes"),
    [
        ("FROB", (500, "5.5.1")),
        ("", (500, "5.5.2")),
        ("MAIL FROM:joe@example.com", (501, "5.1.7")),
        ("MAIL FROM:<joe@example.com> SIZE=99999999999", (552, "5.3.4")),
        ("MAIL FROM:<joe@example.com> FOO=BAR", (555, "5.5.4")),
        ("x" * 2100, (500, "5.5.2")),
        ("VRFY joe", (252, "2.5.0")),
        ("EXPN list", (502, "5.5.1")),
        ("HELP", (214, "2.0.0")),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_after_any_single_command_the_dialogue_goes_on(lmtp: Lmtp, line: str, codes: tuple[int, str]) -> None:
    lmtp.say("LHLO foo")
    assert lmtp.say(line).codes == codes
    assert lmtp.say("NOOP").codes == (250, "2.0.0")


def test_twenty_mistakes_in_a_row_close_the_connection(lmtp: Lmtp, ours: None) -> None:
    lmtp.send(b"FROB\r\n" * 25)
    assert lmtp.replies(20) == [(500, "5.5.1")] * 20
    assert lmtp.reply().codes == (421, "4.7.0")
    assert lmtp.is_closed()


def test_a_client_that_speaks_tls_or_http_is_answered_and_not_served(server: Service) -> None:
    for octets in (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n", b"GET / HTTP/1.1\r\n"):
        with Lmtp(server.lmtp) as client:
            client.send(octets)
            assert client.reply().code == 500


def test_a_thousand_recipients_are_taken_and_one_more_is_not(lmtp: Lmtp, account: Account, ours: None) -> None:
    lmtp.begin()
    name, domain = account.user.split("@")
    lmtp.send(b"".join(f"RCPT TO:<{name}+{n}@{domain}>\r\n".encode() for n in range(1001)))
    assert lmtp.replies(1001) == [(250, "2.1.5")] * 1000 + [(452, "4.5.3")]
    assert lmtp.say("RSET").codes == (250, "2.0.0")
