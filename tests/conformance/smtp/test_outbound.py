"""Mail to other servers, through the whole server: TLS as DNS and policies ask for it, and a smarthost."""

from __future__ import annotations

import hashlib
import http.server
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.authority import Authority
from tests.conformance.smtp.smtp_client import Smtp
from tests.dns_server import DnsServer, dns_server
from tests.imap_client import ImapClient
from tests.live import OWN, Service, eventually
from tests.smtp_peer import Peer, peer_in_thread

from mailkeep.config import Address, Dns, Outbound, Queue, Relay

MESSAGE = b"Subject: Lunch\r\n\r\nAt noon?\r\n"
ZONE = """
    example.net.          MX   10 mx.example.net.
    mx.example.net.       A    127.0.0.1
"""
STS = """
    _mta-sts.example.net. TXT  "v=STSv1; id=1;"
    mta-sts.example.net.  A    127.0.0.1
"""
POLICY = b"version: STSv1\r\nmode: enforce\r\nmx: mx.example.net\r\nmax_age: 86400\r\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@contextmanager
def policy_host(context: ssl.SSLContext) -> Iterator[int]:
    """A web server with the policy; its port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/.well-known/mta-sts.txt" else 404)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(POLICY)))
            self.end_headers()
            self.wfile.write(POLICY)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


Configured = Callable[..., Service]


def start(configured: Configured, dns: DnsServer, outbound: Outbound, **tables: Any) -> Service:
    return configured(
        dns=Dns(nameservers=(Address(dns.host, dns.port),)), outbound=outbound, queue=Queue(retry=(1,)), **tables
    )


def send(service: Service, parameters: str = "") -> None:
    """A message of OWN to bob@example.net."""
    with Smtp(service.submissions, service.tls()) as client:
        client.hello()
        client.log_in(OWN.user, OWN.password)
        assert client.say(f"MAIL FROM:<{OWN.user}>{parameters}").code == 250
        assert client.say("RCPT TO:<bob@example.net>").code == 250
        assert client.data(MESSAGE) == [(250, "2.0.0")]


def until_taken(peer: Peer) -> None:
    eventually(lambda: peer.messages, "a message")
    [taken] = peer.messages
    assert taken.sender == OWN.user
    assert taken.recipients == ("bob@example.net",)
    assert taken.octets.endswith(b"At noon?\r\n")


def refused_twice(peer: Peer) -> None:
    """It was tried again, and never taken."""
    eventually(lambda: peer.connections >= 2, "a second attempt")
    assert peer.messages == []


def tlsa(context: ssl.SSLContext) -> str:
    key = context.certificate.public_key()  # type: ignore[attr-defined]
    octets = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"3 1 1 {hashlib.sha256(octets).hexdigest()}"


@pytest.mark.rfc("7672", "2.2")
@pytest.mark.parametrize("is_right", [True, False])
def test_the_key_that_dns_names_is_asked_for(
    configured: Configured, authority: Authority, stack: ExitStack, is_right: bool
) -> None:
    context = authority.context("mx.example.net")
    peer = stack.enter_context(peer_in_thread(tls=context))
    record = tlsa(context if is_right else authority.context("mx.example.net"))
    zone = f"{ZONE}\n_{peer.port}._tcp.mx.example.net. TLSA {record}"
    dns = stack.enter_context(dns_server(zone, authentic=True))
    send(start(configured, dns, Outbound(port=peer.port)))
    if is_right:
        until_taken(peer)
        assert peer.sessions_in_tls == 1
    else:
        refused_twice(peer)


@pytest.mark.rfc("8461", "5")
@pytest.mark.parametrize("name", ["mx.example.net", "mx.example.org"])
def test_an_mta_sts_policy_is_fetched_kept_and_followed(
    configured: Configured, authority: Authority, stack: ExitStack, name: str
) -> None:
    peer = stack.enter_context(peer_in_thread(tls=authority.context(name)))
    policy_port = stack.enter_context(policy_host(authority.context("mta-sts.example.net")))
    dns = stack.enter_context(dns_server(ZONE + STS))
    outbound = Outbound(port=peer.port, policy_port=policy_port, authorities=authority.file)
    service = start(configured, dns, outbound)
    send(service)
    if name == "mx.example.net":
        until_taken(peer)
        assert peer.sessions_in_tls == 1
    else:
        refused_twice(peer)
    assert isinstance(service.data, Path)
    assert (service.data / "mta-sts" / "example.net").read_bytes().endswith(POLICY)


@pytest.mark.rfc("8689", "4.2.1")
@pytest.mark.parametrize("offers", [("REQUIRETLS",), ()])
def test_a_user_can_require_tls_all_the_way(
    configured: Configured, authority: Authority, stack: ExitStack, offers: tuple[str, ...]
) -> None:
    peer = stack.enter_context(peer_in_thread(tls=authority.context("mx.example.net"), offers_in_tls=offers))
    policy_port = stack.enter_context(policy_host(authority.context("mta-sts.example.net")))
    dns = stack.enter_context(dns_server(ZONE + STS))
    outbound = Outbound(port=peer.port, policy_port=policy_port, authorities=authority.file)
    service = start(configured, dns, outbound)
    send(service, " REQUIRETLS")
    if offers:
        until_taken(peer)
        assert f"MAIL FROM:<{OWN.user}> REQUIRETLS" in peer.commands
        return
    with ImapClient(service.imap) as client:
        client.login(OWN.user, OWN.password)
        client.ok("SELECT INBOX")
        eventually(lambda: client.ok("NOOP") and client.exists, "a report")
        [row] = client.ok("FETCH 1 BODY.PEEK[]").fetched.values()
        assert b"Status: 5.7.30" in row["BODY[]"]
        assert b"At noon?" not in row["BODY[]"]  # RFC 8689 §5
    assert peer.messages == []


def test_a_smarthost_takes_mail_for_all_domains_after_login(
    configured: Configured, authority: Authority, stack: ExitStack, tmp_path: Path
) -> None:
    word = tmp_path / "word"
    word.write_text("secret\n")
    peer = stack.enter_context(
        peer_in_thread(
            tls=authority.context("localhost"), offers_in_tls=("AUTH PLAIN",), answers={"AUTH": "235 2.7.0 welcome"}
        )
    )
    dns = stack.enter_context(dns_server(""))
    relay = Relay(host="localhost", port=peer.port, user="ann", password_file=word)
    send(start(configured, dns, Outbound(authorities=authority.file), relay=relay))
    until_taken(peer)
    assert "AUTH PLAIN AGFubgBzZWNyZXQ=" in peer.commands
