"""Who is let in on port 25: strangers that come through a proxy, from addresses that this machine does not have."""

from __future__ import annotations

import dataclasses
import ipaddress
import socket
from collections.abc import Callable

import pytest
from tests.conformance.smtp.smtp_client import Smtp
from tests.dns_server import dns_server
from tests.live import OWN, Service

from mailkeep.config import FREE_PORTS, Address, Dns, Filter, Limits

PROXIED = dataclasses.replace(FREE_PORTS, proxies=(ipaddress.ip_network("127.0.0.0/8"),), proxied=("smtp",))
MESSAGE = b"From: joe@example.com\r\nSubject: hello\r\n\r\none\r\n"


class Stranger(Smtp):
    """A client with another address, as a proxy tells it."""

    def __init__(self, service: Service, peer: str) -> None:
        self.peer = peer
        super().__init__(service.smtp)
        self.hello()

    def connected(self) -> None:
        self.socket.sendall(f"PROXY TCP4 {self.peer} 198.51.100.25 40000 25\r\n".encode())

    def ask(self, to: str = OWN.user) -> tuple[int, str]:
        """The answer to one recipient."""
        self.begin()
        codes = self.say(f"RCPT TO:<{to}>").codes
        self.say("RSET")
        return codes


def test_the_client_that_the_proxy_names_is_the_one_who_sent(configured: Callable[..., Service]) -> None:
    service = configured(listen=PROXIED, filter=Filter(dmarc="off"))
    with Stranger(service, "192.0.2.7") as stranger:
        stranger.begin(OWN.user)
        assert stranger.data(MESSAGE) == [(250, "2.0.0")]
    client = service.connect(OWN)
    client.ok("SELECT INBOX")
    [message] = client.ok("FETCH 1 BODY.PEEK[]").fetched.values()
    assert b"from client.example.com ([192.0.2.7])" in message["BODY[]"]


def test_an_address_has_so_many_recipients_in_an_hour(configured: Callable[..., Service]) -> None:
    service = configured(listen=PROXIED, filter=Filter(recipients_per_hour=3))
    with Stranger(service, "192.0.2.7") as stranger:
        assert [stranger.ask() for _ in range(4)] == [(250, "2.1.5")] * 3 + [(450, "4.7.1")]
    with Stranger(service, "192.0.2.7") as again, Stranger(service, "192.0.2.8") as other:
        assert (again.ask(), other.ask()) == ((450, "4.7.1"), (250, "2.1.5"))


@pytest.mark.rfc("5782", "2.1")
def test_who_is_on_a_block_list_is_refused(configured: Callable[..., Service]) -> None:
    with dns_server("7.2.0.192.bl.example. A 127.0.0.2\n") as server:
        dns = Dns(nameservers=(Address(server.host, server.port),))
        service = configured(listen=PROXIED, filter=Filter(block_lists=("bl.example",)), dns=dns)
        with Stranger(service, "192.0.2.7") as listed, Stranger(service, "192.0.2.8") as other:
            assert (listed.ask(), other.ask()) == ((550, "5.7.1"), (250, "2.1.5"))


@pytest.mark.rfc("6647", "5")
def test_who_is_new_is_asked_to_come_again(configured: Callable[..., Service]) -> None:
    service = configured(listen=PROXIED, filter=Filter(greylist=1800))
    with Stranger(service, "192.0.2.7") as stranger:
        assert stranger.ask() == (450, "4.7.1")
        assert stranger.ask("nobody@example.org") == (550, "5.1.1")
        assert stranger.ask("somebody@elsewhere.example") == (550, "5.7.1")


def test_connections_are_limited_by_the_address_behind_the_proxy(configured: Callable[..., Service]) -> None:
    service = configured(listen=PROXIED, limits=Limits(connections_per_address=1))
    with Stranger(service, "192.0.2.7"):
        with socket.create_connection(service.smtp, 10) as second:
            second.sendall(b"PROXY TCP4 192.0.2.7 198.51.100.25 40001 25\r\n")
            assert second.recv(100) == b""
        with Stranger(service, "192.0.2.8"):
            pass


@pytest.mark.rfc("5321", "6.3")
def test_a_message_that_goes_in_circles_is_refused(configured: Callable[..., Service]) -> None:
    service = configured()
    with Smtp(service.smtp) as client:
        client.hello()
        client.begin(OWN.user)
        assert client.data(b"Received: from a by b\r\n" * 99 + MESSAGE) == [(250, "2.0.0")]
        client.begin(OWN.user)
        assert client.data(b"Received: from a by b\r\n" * 100 + MESSAGE) == [(554, "5.4.6")]
