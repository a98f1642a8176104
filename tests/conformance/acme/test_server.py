"""The program with an authority: what it shows to clients, and tells its administrator."""

from __future__ import annotations

import imaplib
import json
import signal
import socket
import ssl
from pathlib import Path

import pytest
from tests.conformance.cli.conftest import Run, Start
from tests.dns_server import DnsServer
from tests.live import eventually
from tests.pebble import Pebble

LISTENERS = ("imap", "pop3", "pop3s", "lmtp", "smtp", "submission", "submissions")


def configuration(authority: Pebble, dns: DnsServer, data: Path, kind: str, workers: int) -> Path:
    file = data / "mailkeep.toml"
    listeners = "\n".join(f'{name} = ""' for name in LISTENERS)
    file.write_text(f"""\
data_dir = "."
hostname = "mail.example.org"
workers = {workers}
[listen]
{listeners}
lmtp_socket = ""
imaps = "127.0.0.1:0"
http = "127.0.0.1:{authority.http}"
https = "127.0.0.1:{authority.tls}"
[tls]
acme = true
[acme]
directory = "{authority.url}"
terms_agreed = true
authorities = "{authority.trust}"
challenges = ["{kind}"]
[dns]
nameservers = ["{dns.host}:{dns.port}"]
""")
    return file


def trusting(authority: Pebble) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=authority.root.decode())


def convinces(authority: Pebble, port: int, name: str) -> bool:
    """Whether a client that trusts the authority alone believes that it talks to `name`."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as clear:
        try:
            with trusting(authority).wrap_socket(clear, server_hostname=name):
                return True
        except ssl.SSLCertVerificationError:
            return False


@pytest.mark.rfc("8555", "7.4")
@pytest.mark.parametrize(("kind", "workers"), [("http-01", 1), ("tls-alpn-01", 2)])
def test_a_server_gets_certificates_for_its_host_and_its_domains_while_it_serves(
    start: Start, mailkeep: Run, authority: Pebble, dns: DnsServer, tmp_path: Path, kind: str, workers: int
) -> None:
    file = configuration(authority, dns, tmp_path, kind, workers)
    assert mailkeep("domain", "add", "example.org", "--config", file).returncode == 0
    server = start("serve", "--config", file)
    imaps = server.ready["imaps"][1]
    for name, port in (("mail.example.org", imaps), ("autoconfig.example.org", authority.tls), ("example.org", imaps)):
        eventually(lambda name=name, port=port: convinces(authority, port, name), f"{name} has a certificate")
    shown = json.loads(mailkeep("certificate", "show", "--json", "--config", file).stdout)
    assert [(each["domain"], each["source"], each["fault"]) for each in shown] == [
        ("", "acme", ""), ("example.org", "acme", ""),
    ]  # fmt: skip
    assert ["mta-sts.example.org", "leads to 192.0.2.9, and mail.example.org does not"] in shown[1]["left_out"]


def test_an_authority_can_be_asked_from_now_on_and_asked_again_and_no_connection_is_cut(
    start: Start, mailkeep: Run, authority: Pebble, dns: DnsServer, tmp_path: Path
) -> None:
    file = configuration(authority, dns, tmp_path, "http-01", 2)
    text = file.read_text()
    file.write_text(text.replace("acme = true", "acme = false"))
    server = start("serve", "--config", file)
    port = server.ready["imaps"][1]
    with imaplib.IMAP4_SSL("127.0.0.1", port, ssl_context=unchecked(), timeout=20) as imap:
        file.write_text(text)
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: convinces(authority, port, "mail.example.org"), "there is a certificate")
        before = serial(authority, port)
        done = mailkeep("certificate", "renew", "--config", file)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "the server itself: a new certificate for mail.example.org\n"
        eventually(lambda: serial(authority, port) != before, "the new certificate is shown")
        assert imap.noop()[0] == "OK"


def unchecked() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def serial(authority: Pebble, port: int) -> object:
    with (
        socket.create_connection(("127.0.0.1", port), timeout=20) as clear,
        trusting(authority).wrap_socket(clear, server_hostname="mail.example.org") as secured,
    ):
        certificate = secured.getpeercert()
        assert certificate
        return certificate["serialNumber"]


def test_while_the_authority_cannot_be_reached_the_self_signed_certificate_is_shown_and_the_fault_told(
    start: Start, mailkeep: Run, authority: Pebble, dns: DnsServer, tmp_path: Path
) -> None:
    file = configuration(authority, dns, tmp_path, "http-01", 1)
    file.write_text(file.read_text().replace(authority.url, "https://localhost:1/dir"))
    server = start("serve", "--config", file)
    told = eventually(lambda: [each for each in shown(mailkeep, file) if each["fault"]], "the fault is told")
    assert told[0]["source"] == "self-signed"
    assert "localhost" in told[0]["fault"]
    assert told[0]["next_at"] > 0
    context = ssl.create_default_context(cafile=server.ready["ca"])
    with imaplib.IMAP4_SSL("localhost", server.ready["imaps"][1], ssl_context=context, timeout=20) as imap:
        assert imap.noop()[0] == "OK"
    text = mailkeep("certificate", "show", "--config", file).stdout
    assert "  from      self-signed\n" in text
    assert "  fault     localhost" in text


def shown(mailkeep: Run, file: Path) -> list[dict[str, object]]:
    listed: list[dict[str, object]] = json.loads(mailkeep("certificate", "show", "--json", "--config", file).stdout)
    return listed


def test_without_an_authority_there_is_nobody_to_renew_and_a_stopped_server_proves_nothing(
    mailkeep: Run, authority: Pebble, dns: DnsServer, tmp_path: Path
) -> None:
    file = configuration(authority, dns, tmp_path, "http-01", 1)
    done = mailkeep("certificate", "renew", "--config", file)
    assert (done.returncode, "Only a running server" in done.stderr) == (1, True)
    file.write_text(file.read_text().replace("acme = true", "acme = false"))
    done = mailkeep("certificate", "renew", "--config", file)
    assert (done.returncode, "only if tls.acme is on" in done.stderr) == (1, True)
