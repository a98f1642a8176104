"""Domains and aliases as the whole server serves them: what comes in, what may be sent, and its signatures."""

from __future__ import annotations

from collections.abc import Callable

import dkim
import dns.name
import dns.rdatatype
import dns.zone
import pytest
from tests.conformance.smtp.smtp_client import Smtp
from tests.dns_server import dns_server
from tests.live import OWN, Service, eventually
from tests.smtp_peer import peer_in_thread

from mailkeep.administration import AddAlias, AddDomain, RemoveAlias, ShowZone, Verb
from mailkeep.cli.perform import perform
from mailkeep.config import Address, Config, Dns, Outbound

MESSAGE = b"From: Own <%s>\r\nTo: bob@example.net\r\nSubject: Lunch\r\n\r\nAt  noon? \r\n\r\n.\r\n"


def ask(service: Service, verb: Verb[object]) -> None:
    assert service.data is not None
    perform(Config(data_dir=service.data), verb)


def submit(service: Service, sender: str, recipient: str) -> tuple[int, str]:
    """The code of MAIL; if it is positive, the message is sent."""
    with Smtp(service.submissions, service.tls()) as client:
        client.hello()
        client.log_in(OWN.user, OWN.password)
        reply = client.say(f"MAIL FROM:<{sender}>")
        if reply.code == 250:
            assert client.say(f"RCPT TO:<{recipient}>").code == 250
            assert client.data(MESSAGE % sender.encode()) == [(250, "2.0.0")]
        return reply.codes


def verify(service: Service, message: bytes) -> list[bool]:
    """Whether each signature is right, by what `domain dns` says."""
    assert service.data is not None
    fragment = perform(Config(data_dir=service.data), ShowZone(domain="example.org", authority="")).text
    zone = dns.zone.from_text(f"$TTL 60\n{fragment}", origin=dns.name.root, relativize=False, check_origin=False)

    def record(name: bytes, timeout: int = 0) -> bytes:
        [rdata] = zone.find_rdataset(name.decode(), dns.rdatatype.TXT)
        return b"".join(rdata.strings)

    count = message.lower().count(b"dkim-signature:")
    return [dkim.DKIM(message).verify(index, dnsfunc=record) for index in range(count)]


DOMAINS = """
    example.net.      MX   10 mx.example.net.
    mx.example.net.   A    127.0.0.1
"""


@pytest.mark.rfc("6376", "3")
def test_what_leaves_has_signatures_that_hold_at_the_other_host(configured: Callable[..., Service]) -> None:
    with dns_server(DOMAINS) as (host, port), peer_in_thread(answers={}) as peer:
        service = configured(dns=Dns(nameservers=(Address(host, port),)), outbound=Outbound(port=peer.port))
        ask(service, AddDomain(domain="example.org"))
        assert submit(service, OWN.user, "bob@example.net") == (250, "2.1.0")
        [received] = eventually(lambda: peer.messages, "the message is at the other host")
    assert b"At  noon? \r\n\r\n" in received.octets
    assert verify(service, received.octets) == [True, True]


def test_an_alias_takes_mail_and_may_be_sent_as_until_it_is_taken_away(configured: Callable[..., Service]) -> None:
    service = configured()
    ask(service, AddDomain(domain="example.org"))
    assert submit(service, "team@example.org", OWN.user) == (550, "5.7.1")
    ask(service, AddAlias(alias="team@example.org", account=OWN.user))
    assert submit(service, "Team+x@example.org", "team@example.org") == (250, "2.1.0")
    with service.connect(OWN) as client:
        client.ok("SELECT INBOX")
        eventually(lambda: client.ok("NOOP") and client.exists, "the message is in INBOX")
        [row] = client.ok("FETCH 1 BODY.PEEK[]").fetched.values()
    assert b"Delivered-To: team@example.org\r\n" in row["BODY[]"]
    assert verify(service, row["BODY[]"]) == [True, True]
    ask(service, RemoveAlias(alias="team@example.org"))
    assert submit(service, "team@example.org", OWN.user) == (550, "5.7.1")


def test_strangers_reach_aliases_the_catch_all_and_the_postmaster(configured: Callable[..., Service]) -> None:
    service = configured()
    for verb in (AddDomain(domain="example.org"), AddDomain(domain="example.com")):
        ask(service, verb)
    with Smtp(service.smtp) as client:
        client.hello()
        client.say("MAIL FROM:<joe@example.net>")
        rcpt = client.say
        assert rcpt("RCPT TO:<team@example.com>").codes == (550, "5.1.1")
        assert rcpt("RCPT TO:<postmaster>").codes == (550, "5.1.1")
        ask(service, AddAlias(alias="postmaster@example.org", account=OWN.user))
        ask(service, AddAlias(alias="@example.com", account=OWN.user))
        for address in ("team@example.com", "Postmaster", "postmaster@example.org", "abuse@example.org"):
            assert rcpt(f"RCPT TO:<{address}>").codes == (250, "2.1.5")
        assert rcpt("RCPT TO:<team@example.org>").codes == (550, "5.1.1")
        assert rcpt("RCPT TO:<postmaster@example.net>").codes == (550, "5.7.1")
