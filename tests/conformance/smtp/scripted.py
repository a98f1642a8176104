"""The whole server before a scripted one, to which mail for example.net goes."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable
from email.message import EmailMessage

from tests.conformance.smtp.smtp_client import Smtp
from tests.imap_client import ImapClient
from tests.live import OWN, Service, eventually
from tests.smtp_peer import Peer

MESSAGE = b"Subject: Lunch\r\nMessage-ID: <lunch@example.org>\r\n\r\nAt noon?\r\n"
DOMAINS = """
    example.net.      MX   10 mx.example.net.
    mx.example.net.   A    127.0.0.1
    null.example.     MX   0 .
"""


class World:
    """Our server, and another for example.net."""

    def __init__(self, service: Service, peer: Peer) -> None:
        self.service, self.peer = service, peer

    def send(self, *recipients: str, parameters: str = "", message: bytes = MESSAGE) -> None:
        """As OWN; recipients with the parameters of RCPT behind them."""
        with Smtp(self.service.submissions, self.service.tls()) as client:
            client.hello()
            client.log_in(OWN.user, OWN.password)
            assert client.say(f"MAIL FROM:<{OWN.user}>{parameters}").code == 250
            for recipient in recipients:
                address, _, more = recipient.partition(" ")
                assert client.say(f"RCPT TO:<{address}> {more}".rstrip()).code == 250
            assert client.data(message) == [(250, "2.0.0")]

    def report(self) -> EmailMessage:
        """The one that is in INBOX soon."""
        with ImapClient(self.service.imap) as client:
            client.login(OWN.user, OWN.password)
            client.ok("SELECT INBOX")
            eventually(lambda: client.ok("NOOP") and client.exists, "a report")
            assert client.exists == 1
            [row] = client.ok("FETCH 1 BODY.PEEK[]").fetched.values()
        message = email.message_from_bytes(row["BODY[]"], policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        assert message.get_content_type() == "multipart/report"
        return message


Start = Callable[..., World]
