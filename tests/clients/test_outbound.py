"""Mail that users send leaves for real servers, Postfix and its smtp-sink, where DNS says that they are."""

from __future__ import annotations

import email
import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bench.postfix import missing
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate
from tests.cannot_run import cannot_run
from tests.clients import mail
from tests.clients.programs import require_client
from tests.dns_server import DnsServer, dns_server
from tests.exchange.nodes import PASSWORD, Found, MailkeepNode, Place, PostfixNode
from tests.exchange.run import common_port, free_port
from tests.imap_client import ImapClient
from tests.live import eventually

from mailkeep.certificates import ensure_self_signed

HERE, THERE = Place("a.example", "127.0.0.2"), Place("p.example", "127.0.0.4")
SINK = "127.0.0.5"
ZONES = f"""
    a.example.        MX   10 mx.a.example.
    mx.a.example.     A    {HERE.address}
    p.example.        MX   10 dead.p.example.
    p.example.        MX   20 mx.p.example.
    dead.p.example.   A    127.0.0.6
    mx.p.example.     A    {THERE.address}
    sink.example.     MX   5 sink.example.
    sink.example.     A    {SINK}
    null.example.     MX   0 .
    hostonly.example. A    {SINK}
"""
USER = f"u1@{HERE.domain}"


def letter(subject: str, text: str = "Hello.") -> bytes:
    """A small message of u1."""
    return mail.letter(subject, text, author=USER)


@dataclass(slots=True)
class World:
    """A mailkeep, and a DNS that its questions go to."""

    here: MailkeepNode
    dns: DnsServer
    port: int
    base: Path

    def send(self, *recipients: str, message: bytes, options: tuple[str, ...] = ()) -> None:
        """Submit a message as u1."""
        with self.here.session("u1") as session:
            refused = session.sendmail(USER, list(recipients), message, rcpt_options=list(options))
        assert refused == {}

    def inbox(self, user: str = "u1") -> list[Found]:
        """What a user here has."""
        return list(self.here.mail(user))

    def queued(self) -> int:
        """Messages that wait."""
        return self.here.queued()

    def report(self) -> str:
        """The report that comes into the sender's INBOX."""
        [found] = eventually(self.inbox, "a report", 30)
        message = email.message_from_bytes(found.octets)
        assert message.get_content_type() == "multipart/report"
        return found.octets.decode("utf-8", "replace")


@pytest.fixture
def world() -> Iterator[World]:
    with ExitStack() as stack:
        base = Path(tempfile.mkdtemp(prefix="mk-out-", dir="/var/tmp"))
        stack.callback(shutil.rmtree, base, ignore_errors=True)
        base.chmod(0o755)
        dns = stack.enter_context(dns_server(ZONES))
        port = common_port([HERE.address, THERE.address, SINK])
        ports = [free_port(HERE.address) for _ in range(3)]
        here = MailkeepNode(HERE, port, base / "here", (dns.host, dns.port), ports)
        stack.callback(here.stop)
        here.start()
        yield World(here, dns, port, base)


@contextmanager
def postfix_there(world: World, **settings: str) -> Iterator[PostfixNode]:
    """The next hop."""
    if (why := missing()) is not None:
        cannot_run(why)
    there = PostfixNode(THERE, world.port, world.base / "there", [HERE], {}, settings)
    try:
        there.start()
        yield there
    finally:
        there.stop()


@contextmanager
def sink(world: World, *options: str) -> Iterator[Callable[[], list[bytes]]]:
    """Postfix's smtp-sink; gives the messages that it took."""
    directory = world.base / "sink"
    directory.mkdir(exist_ok=True)
    where = f"{SINK}:{world.port}"
    # As root it wants to be told who it shall be.
    who = ["-u", "root"] if os.geteuid() == 0 else []
    process = subprocess.Popen([require_client("smtp-sink"), *who, *options, "-d", f"{directory}/%H.", where, "50"])

    def taken() -> list[bytes]:
        # An empty one has just been made: what is in it comes with the end of the message.
        return [octets for path in sorted(directory.iterdir()) if (octets := path.read_bytes())]

    try:
        eventually(lambda: _listens(SINK, world.port), "smtp-sink listens")
        yield taken
    finally:
        process.terminate()
        process.wait(10)


def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def test_postfix_takes_a_message_as_it_was_sent_from_the_second_mx(world: World) -> None:
    message = letter("to postfix", ".a dot\r\n.\r\nand ünïcode")
    with postfix_there(world) as there:
        world.send("u1@p.example", message=message)
        [got] = eventually(lambda: list(there.mail("u1")), "the message", 30)
        head, _, body = got.octets.partition(b"\r\n\r\n")
        assert body.rstrip() == message.partition(b"\r\n\r\n")[2].rstrip()
        assert b"Return-Path: <u1@a.example>" in head
        assert b"with ESMTPSA" in head
        eventually(lambda: world.queued() == 0, "an empty queue")


def encrypted(world: World) -> dict[str, str]:
    """Settings of a Postfix that takes nothing in the clear."""
    made = ensure_self_signed(world.base, (THERE.hostname,), datetime.now(UTC))
    return {
        "smtpd_tls_security_level": "encrypt", "smtpd_tls_loglevel": "1",
        "smtpd_tls_cert_file": str(made.certificate), "smtpd_tls_key_file": str(made.key),
    }  # fmt: skip


def test_the_way_to_postfix_is_encrypted_where_postfix_can(world: World) -> None:
    with postfix_there(world, **encrypted(world)) as there:
        world.send("u1@p.example", message=letter("encrypted"))
        eventually(lambda: list(there.mail("u1")), "the message", 30)
        assert "TLS connection established from" in there.log()


def test_a_key_that_signed_dns_names_is_trusted_and_another_gets_no_mail(world: World) -> None:
    """DANE (RFC 7672), with an answer that the resolver has validated."""
    settings = encrypted(world)
    key = load_pem_x509_certificate(Path(settings["smtpd_tls_cert_file"]).read_bytes()).public_key()
    right = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    wrong = hashlib.sha256(b"another key").hexdigest()
    world.dns.authentic = True
    record = f"_{world.port}._tcp.mx.p.example. TLSA 3 1 1 "
    world.dns.zones(ZONES + record + wrong)
    with postfix_there(world, **settings) as there:
        world.send("u1@p.example", message=letter("careful"))
        eventually(lambda: '"deferred"' in world.here.log(), "an attempt", 30)
        assert (list(there.mail("u1")), world.inbox(), world.queued()) == ([], [], 1)
    world.here.kill()  # with what it remembers of DNS
    world.dns.zones(ZONES + record + right)
    world.here.start()
    with postfix_there(world, **settings) as there:
        eventually(lambda: list(there.mail("u1")), "the message", 60)
        assert '"tls": "dane"' in world.here.log()


def test_one_transaction_carries_a_message_to_several_of_one_domain(world: World) -> None:
    with postfix_there(world) as there:
        world.send("u1@p.example", "u2@p.example", "u3@p.example", message=letter("to three"))
        for user in ("u1", "u2", "u3"):
            eventually(lambda user=user: list(there.mail(user)), f"the message of {user}", 30)
        assert there.log().count("client=") == 1


def test_an_unknown_user_there_is_reported_and_the_others_get_the_message(world: World) -> None:
    with postfix_there(world) as there:
        world.send("u1@p.example", "nobody@p.example", message=letter("to one"))
        report = world.report()
        assert "Final-Recipient: rfc822; nobody@p.example" in report
        assert "Status: 5.1.1" in report
        assert "Subject: to one" in report
        assert len(eventually(lambda: list(there.mail("u1")), "the message", 30)) == 1
    assert len(world.inbox()) == 1
    eventually(lambda: world.queued() == 0, "an empty queue")


def test_a_message_waits_for_a_server_that_is_down_and_leaves_when_it_is_back(world: World) -> None:
    world.send("u1@p.example", message=letter("patient"))
    assert world.queued() == 1
    with postfix_there(world) as there:
        eventually(lambda: list(there.mail("u1")), "the message", 60)
    assert world.inbox() == []


def test_what_the_queue_holds_survives_a_kill(world: World) -> None:
    world.send("u1@p.example", message=letter("survivor"))
    world.here.kill()
    world.here.start()
    with postfix_there(world) as there:
        eventually(lambda: list(there.mail("u1")), "the message", 60)


def test_a_passing_refusal_is_tried_again_and_a_final_one_is_reported(world: World) -> None:
    with sink(world, "-r", "RCPT"):
        world.send("x@sink.example", message=letter("later"))
        eventually(lambda: "450" in world.here.log(), "a refusal")
        assert world.queued() == 1
    with sink(world) as taken:
        eventually(taken, "the message", 60)
    with sink(world, "-f", "RCPT", "-B", "550 5.7.1 Go away"):
        world.send("y@sink.example", message=letter("never"))
        assert "Go away" in world.report()


def test_many_messages_share_a_few_connections(world: World) -> None:
    with sink(world) as taken:
        with world.here.session("u1") as session:
            for number in range(60):
                session.sendmail(USER, ["x@sink.example"], letter(f"number {number}"))
        eventually(lambda: len(taken()) == 60, "all messages", 60)


def test_a_domain_without_mx_is_its_own_host(world: World) -> None:
    with sink(world) as taken:
        world.send("x@hostonly.example", message=letter("no mx"))
        eventually(taken, "the message", 30)


def test_an_address_literal_leads_to_that_host(world: World) -> None:
    with sink(world) as taken:
        world.send(f"x@[{SINK}]", message=letter("literal"))
        eventually(taken, "the message", 30)


@pytest.mark.parametrize(("domain", "status"), [("null.example", "5.1.10"), ("nowhere.example", "5.1.2")])
def test_a_domain_that_takes_no_mail_is_reported_at_once(domain: str, status: str, world: World) -> None:
    world.send(f"x@{domain}", message=letter("to nowhere"))
    report = world.report()
    assert f"Status: {status}" in report
    eventually(lambda: world.queued() == 0, "an empty queue")


def test_a_fault_of_dns_is_never_a_bounce(world: World) -> None:
    world.dns.faults["sink.example"] = "SERVFAIL"
    world.send("x@sink.example", message=letter("unlucky"))
    eventually(lambda: world.dns.asked.count(("sink.example", "MX")) > 1, "two attempts", 30)
    assert world.inbox() == []
    del world.dns.faults["sink.example"]
    with sink(world) as taken:
        eventually(taken, "the message", 60)


def test_delivery_within_the_server_asks_nobody_and_is_seen_under_idle(world: World) -> None:
    with ImapClient((HERE.address, world.here.imaps), tls=world.here.tls) as reader:
        reader.login(f"u2@{HERE.domain}", PASSWORD)
        reader.ok("SELECT INBOX")
        tag = reader.idle()
        asked = len(world.dns.asked)
        world.send(f"u2@{HERE.domain}", message=letter("at home"))
        reader.until(lambda response: response.kind == "EXISTS")
        assert len(world.dns.asked) == asked
        reader.done(tag)


def test_a_signature_is_on_what_leaves_once_the_domain_has_keys(world: World) -> None:
    world.here.run("domain", "add", HERE.domain)
    with sink(world) as taken:
        world.send("x@sink.example", message=letter("signed"))
        [got] = eventually(taken, "the message", 30)
    assert got.count(b"DKIM-Signature:") == 2
    assert b"a=rsa-sha256" in got
    assert b"a=ed25519-sha256" in got


def test_a_host_that_promises_reports_makes_them_and_they_come_back(world: World) -> None:
    with postfix_there(world) as there:
        world.send("u1@p.example", message=letter("asked"), options=("NOTIFY=SUCCESS",))
        report = world.report()
        assert "Reporting-MTA: dns; mx.p.example" in report
        assert "Action: delivered" in report
        assert len(list(there.mail("u1"))) == 1


def test_where_the_next_host_makes_no_reports_we_tell_that_the_message_was_relayed(world: World) -> None:
    with postfix_there(world, smtpd_discard_ehlo_keywords="dsn"):
        world.send("u1@p.example", message=letter("asked"), options=("NOTIFY=SUCCESS",))
        report = world.report()
        assert "Reporting-MTA: dns; mx.a.example" in report
        assert "Action: relayed" in report


def test_who_wants_no_report_gets_none(world: World) -> None:
    with postfix_there(world):
        world.send("nobody@p.example", message=letter("quiet"), options=("NOTIFY=NEVER",))
        eventually(lambda: world.queued() == 0, "an empty queue", 30)
    assert world.inbox() == []
