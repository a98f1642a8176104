"""A raw SMTP client for tests: sends exactly what it is told, and reads whole replies."""

from __future__ import annotations

import ssl
from base64 import b64encode

from tests.conformance.lmtp.lmtp_client import Lmtp, Reply


class Smtp(Lmtp):
    """One connection, over TLS from the first octet where `tls` is given."""

    def __init__(self, where: tuple[str, int], tls: ssl.SSLContext | None = None) -> None:
        self.implicit = tls
        super().__init__(where)

    def connected(self) -> None:
        """See `Lmtp.connected`."""
        if self.implicit is not None:
            self.socket = self.implicit.wrap_socket(self.socket, server_hostname="localhost")

    def starttls(self, context: ssl.SSLContext) -> None:
        """STARTTLS, and shake hands."""
        assert self.say("STARTTLS").codes == (220, "2.0.0")
        self.file.close()
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.file = self.socket.makefile("rb")

    def hello(self) -> set[str]:
        """EHLO; gives the extensions."""
        reply = self.say("EHLO client.example.com")
        assert reply.code == 250
        return set(reply.lines[1:])

    def log_in(self, user: str, password: str) -> Reply:
        """AUTH PLAIN with initial response."""
        response = b64encode(b"\0" + user.encode() + b"\0" + password.encode()).decode()
        return self.say(f"AUTH PLAIN {response}")

    def begin(self, *recipients: str, sender: str = "joe@example.com", parameters: str = "") -> None:
        """MAIL and RCPT, all accepted."""
        assert self.say(f"MAIL FROM:<{sender}>{parameters}").codes == (250, "2.1.0")
        for recipient in recipients:
            assert self.say(f"RCPT TO:<{recipient}>").codes == (250, "2.1.5")
