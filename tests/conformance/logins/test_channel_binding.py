"""SCRAM-SHA-256-PLUS: a password is proved to this server over this TLS, and to nobody in between."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

import pytest
from tests.conformance.pop3.pop3_client import Pop3
from tests.conformance.smtp.smtp_client import Smtp
from tests.imap_client import ImapClient
from tests.live import OWN, Service
from tests.scram_client import ScramClient

from mailkeep.config import Auth, Imap

PLUS = "SCRAM-SHA-256-PLUS"


def b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def end_point(client: ImapClient) -> bytes:
    """RFC 5929 §4.1, of a certificate that is signed with SHA-256."""
    return hashlib.sha256(client.socket.getpeercert(binary_form=True) or b"").digest()  # type: ignore[attr-defined]


def log_in(client: ImapClient, mechanism: str, scram: ScramClient) -> str:
    tag = client.start(f"AUTHENTICATE {mechanism} {b64(scram.first)}")
    challenge = client.read()
    if challenge.tag == tag:
        return challenge.kind
    client.send(b64(scram.final(base64.b64decode(challenge.raw[2:]))).encode() + b"\r\n")
    answer = client.read()
    if answer.tag == tag:
        return answer.kind
    assert scram.is_server(base64.b64decode(answer.raw[2:]))
    client.send(b"\r\n")
    return client.finish(tag).kind


@pytest.mark.rfc("5929", "4")
def test_a_client_proves_its_password_over_this_connection(configured: Callable[..., Service]) -> None:
    service = configured(auth=Auth(throttle=False, scram=True, channel_binding=True))
    client = service.connect_tls()
    assert f"AUTH={PLUS}" in client.ok("CAPABILITY").one("CAPABILITY")
    binding = end_point(client)
    name = "p=tls-server-end-point"
    wrong = ScramClient(OWN.user, OWN.password, flag=name, binding=hashlib.sha256(b"of another").digest())
    assert log_in(client, PLUS, wrong) == "NO"
    assert log_in(client, "SCRAM-SHA-256", ScramClient(OWN.user, OWN.password, flag="y")) == "NO"
    assert log_in(client, PLUS, ScramClient(OWN.user, OWN.password, flag=name, binding=binding)) == "OK"
    plain = service.connect_tls()
    assert log_in(plain, "SCRAM-SHA-256", ScramClient(OWN.user, OWN.password)) == "OK"
    clear = service.connect()
    assert f"AUTH={PLUS}" not in clear.ok("CAPABILITY").one("CAPABILITY")
    assert log_in(clear, "SCRAM-SHA-256", ScramClient(OWN.user, OWN.password, flag="y")) == "OK"
    with Smtp(service.submissions, service.tls()) as smtp:
        assert any(PLUS in line.split() for line in smtp.hello())
        scram = ScramClient(OWN.user, OWN.password, flag=name, binding=binding)
        challenge = smtp.say(f"AUTH {PLUS} {b64(scram.first)}")
        assert smtp.say(b64(scram.final(base64.b64decode(challenge.lines[0])))).code == 334
        assert smtp.say("").codes == (235, "2.7.0")
    with Pop3(service.pop3s, service.tls()) as pop:
        assert any(PLUS in line.split() for line in pop.lines("CAPA"))


def test_it_can_be_switched_off(configured: Callable[..., Service]) -> None:
    service = configured(
        auth=Auth(throttle=False, scram=True, channel_binding=True), imap=Imap(disable=(f"AUTH={PLUS}",))
    )
    client = service.connect_tls()
    assert f"AUTH={PLUS}" not in client.ok("CAPABILITY").one("CAPABILITY")
    assert log_in(client, "SCRAM-SHA-256", ScramClient(OWN.user, OWN.password, flag="y")) == "OK"
