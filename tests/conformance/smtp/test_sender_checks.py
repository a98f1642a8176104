"""Whom mail is from, as the whole server tells it: strangers come through a proxy, and DNS is on loopback."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.clients.programs import require_client
from tests.conformance.smtp.smtp_client import Smtp
from tests.conformance.smtp.test_domains import ask, submit
from tests.dns_server import DnsServer, dns_server
from tests.live import OWN, Service, eventually
from tests.signing import Owner
from tests.smtp_peer import peer_in_thread

from mailkeep.administration import AddDomain, ShowZone
from mailkeep.cli.perform import perform
from mailkeep.config import FREE_PORTS, Address, Config, Dns, Filter, Outbound

PROXIED = dataclasses.replace(FREE_PORTS, proxies=(ipaddress.ip_network("127.0.0.0/8"),), proxied=("smtp",))
ANN = Owner("example.org")
FRIEND, STRANGER = "192.0.2.7", "198.51.100.66"
MESSAGE = b"From: Ann <ann@%s>\r\nTo: own@example.org\r\nSubject: hello\r\n\r\nHello\r\n"
FORGED = b"Authentication-Results: mx.example.net; dmarc=pass header.from=bank.example\r\n"
ZONE = (
    f"""
example.org.                TXT "v=spf1 ip4:{FRIEND} -all"
_dmarc.example.org.         TXT "v=DMARC1; p=reject"
quarantined.example.        TXT "v=spf1 -all"
_dmarc.quarantined.example. TXT "v=DMARC1; p=quarantine"
"""
    + ANN.zone
)


@pytest.fixture(scope="module")
def zone() -> Iterator[DnsServer]:
    with dns_server(ZONE, faults={"_dmarc.broken.example": "SERVFAIL"}) as server:
        yield server


@pytest.fixture
def service(configured: Callable[..., Service], zone: DnsServer) -> Service:
    return configured(
        hostname="mx.example.net",
        listen=PROXIED,
        dns=Dns(nameservers=(Address(zone.host, zone.port),)),
        filter=Filter(),
    )


class Stranger(Smtp):
    """A client with another address, as a proxy tells it."""

    def __init__(self, service: Service, peer: str) -> None:
        self.peer = peer
        super().__init__(service.smtp)
        self.hello()

    def connected(self) -> None:
        self.socket.sendall(f"PROXY TCP4 {self.peer} 198.51.100.25 40000 25\r\n".encode())


def bring(service: Service, message: bytes, peer: str, sender: str = "ann@example.org") -> tuple[int, str]:
    """The answer to one message."""
    with Stranger(service, peer) as stranger:
        stranger.begin(OWN.user, sender=sender)
        [answer] = stranger.data(message)
    return answer


def only_message(service: Service, mailbox: str) -> bytes:
    client = service.connect(OWN)
    client.ok(f"SELECT {mailbox}")
    [message] = client.ok("FETCH 1:* BODY.PEEK[]").fetched.values()
    body = message["BODY[]"]
    assert isinstance(body, bytes)
    return body


def test_mail_from_its_own_host_comes_with_what_was_found(service: Service) -> None:
    assert bring(service, FORGED + ANN.sign(MESSAGE % b"example.org"), FRIEND) == (250, "2.0.0")
    message = only_message(service, "INBOX")
    assert re.search(
        rb"\r\nAuthentication-Results: mx.example.net;\r\n\tdkim=pass header.d=example.org [^\r]*;"
        rb"\r\n\tspf=pass smtp.mailfrom=example.org;\r\n\tspf=none smtp.helo=client.example.com;"
        rb"\r\n\tdmarc=pass \(p=reject\) header.from=example.org;\r\n\tarc=none\r\n",
        message,
    )
    assert b"\r\nReceived-SPF: pass (" in message
    assert b"\r\nX-Not-Ours-" + FORGED in message
    assert message.count(b"\r\nAuthentication-Results:") == 1


def test_mail_that_is_not_from_where_it_says_is_refused_at_the_end_of_the_data(service: Service) -> None:
    assert bring(service, MESSAGE % b"example.org", STRANGER) == (550, "5.7.1")
    client = service.connect(OWN)
    assert client.ok("STATUS INBOX (MESSAGES)").one("STATUS")[1] == {"MESSAGES": 0}


def test_quarantined_mail_lies_in_junk(service: Service) -> None:
    assert bring(service, MESSAGE % b"quarantined.example", STRANGER, "a@quarantined.example") == (250, "2.0.0")
    assert b"dmarc=fail (p=quarantine)" in only_message(service, "Junk")


def test_a_fault_of_dns_is_a_temporary_answer(service: Service) -> None:
    assert bring(service, MESSAGE % b"broken.example", STRANGER, "a@silent.example") == (451, "4.4.3")


def test_what_one_server_signs_another_believes_by_the_records_that_it_prints(
    configured: Callable[..., Service],
) -> None:
    relay = "example.net. MX 10 mx.example.net.\nmx.example.net. A 127.0.0.1\n"
    with dns_server(relay) as zone, peer_in_thread(answers={}) as peer:
        dns = Dns(nameservers=(Address(zone.host, zone.port),))
        sender = configured(hostname="mx.example.org", dns=dns, outbound=Outbound(port=peer.port))
        ask(sender, AddDomain(domain="example.org"))
        assert submit(sender, OWN.user, "bob@example.net") == (250, "2.1.0")
        [sent] = eventually(lambda: peer.messages, "the message is at the other host")
        receiver = configured(hostname="mx.example.net", listen=PROXIED, dns=dns)
        assert sender.data is not None
        zone.zones(relay + perform(Config(data_dir=sender.data), ShowZone(domain="example.org", authority="")).text)
        assert bring(receiver, sent.octets, STRANGER) == (250, "2.0.0")
        assert bring(receiver, sent.octets.replace(b"Lunch", b"Money"), STRANGER) == (250, "2.0.0")
    message = only_message(receiver, "INBOX")
    assert len(re.findall(rb"\tdkim=pass header.d=example.org ", message)) == 2
    assert b"\tdmarc=pass (p=quarantine) header.from=example.org;" in message
    changed = only_message(receiver, "Junk")
    assert b"\r\nSubject: Money\r\n" in changed
    assert len(re.findall(rb"\tdkim=fail [^\r]* header.d=example.org ", changed)) == 2
    assert b"\tdmarc=fail (p=quarantine) header.from=example.org;" in changed


def test_mail_from_this_machine_is_not_checked(configured: Callable[..., Service], zone: DnsServer) -> None:
    service = configured(dns=Dns(nameservers=(Address(zone.host, zone.port),)))
    with Smtp(service.smtp) as client:
        client.hello()
        client.begin(OWN.user)
        assert client.data(MESSAGE % b"example.org") == [(250, "2.0.0")]
    assert b"\r\nAuthentication-Results: localhost; none\r\n" in only_message(service, "INBOX")


def test_who_does_not_want_checks_has_none(configured: Callable[..., Service], zone: DnsServer) -> None:
    dns = Dns(nameservers=(Address(zone.host, zone.port),))
    service = configured(listen=PROXIED, dns=dns, filter=Filter(dmarc="off"))
    assert bring(service, MESSAGE % b"example.org", STRANGER) == (250, "2.0.0")
    assert b"Authentication-Results" not in only_message(service, "INBOX")


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize(("peer", "status", "said"), [(FRIEND, 0, "250 2.0.0"), (STRANGER, 26, "550 5.7.1")])
def test_swaks_behind_a_proxy_is_believed_by_its_address(
    service: Service, tmp_path: Path, version: str, peer: str, status: int, said: str
) -> None:
    (tmp_path / "message.eml").write_bytes(MESSAGE % b"example.org")
    family = "TCP4" if version == "1" else "AF_INET"
    where = (
        f"--server 127.0.0.1:{service.smtp[1]} --from ann@example.org --to {OWN.user} --data @{tmp_path}/message.eml"
    )
    proxy = f"--proxy-version {version} --proxy-family {family} --proxy-source {peer} --proxy-source-port 40000"
    there = "--proxy-dest 127.0.0.1 --proxy-dest-port 25"
    arguments = [require_client("swaks"), *f"{where} {proxy} {there}".split()]
    run = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
    assert (run.returncode, said in run.stdout) == (status, True), run.stdout
