"""HAProxy before the server, with both versions of the PROXY protocol, in the clear and with TLS passed through."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.clients.programs import require_client
from tests.clients.test_filters import running
from tests.conformance.smtp.smtp_client import Smtp
from tests.live import OWN, Service, free_port

from mailkeep.config import FREE_PORTS, Filter

# HAProxy comes to us from 127.0.0.9, and clients to HAProxy from 127.0.0.1.
PROXIED = dataclasses.replace(FREE_PORTS, proxies=(ipaddress.ip_network("127.0.0.9"),))
MESSAGE = b"From: joe@example.com\r\nSubject: hello\r\n\r\nHello!\r\n"


@pytest.mark.parametrize("option", ["send-proxy", "send-proxy-v2"])
def test_the_server_knows_the_client_behind_haproxy(
    configured: Callable[..., Service], tmp_path: Path, option: str
) -> None:
    program = require_client("haproxy")
    service = configured(listen=PROXIED, filter=Filter(dmarc="off"))
    smtp, submissions = free_port(), free_port()
    config = tmp_path / "haproxy.cfg"
    config.write_text(f"""
defaults
    mode tcp
    timeout connect 5s
    timeout client 30s
    timeout server 30s
listen smtp
    bind 127.0.0.1:{smtp}
    server mailkeep 127.0.0.1:{service.smtp[1]} {option} source 127.0.0.9
listen submissions
    bind 127.0.0.1:{submissions}
    server mailkeep 127.0.0.1:{service.submissions[1]} {option} source 127.0.0.9
""")
    places = (("127.0.0.1", smtp), ("127.0.0.1", submissions))
    with running([program, "-f", str(config)], *places, log=tmp_path / "log"):
        with Smtp(("127.0.0.1", smtp)) as client:
            client.hello()
            client.begin(OWN.user)
            assert client.data(MESSAGE) == [(250, "2.0.0")]
            client.starttls(service.tls())
            client.hello()
        with Smtp(("127.0.0.1", submissions), service.tls()) as client:
            client.hello()
            assert client.log_in(OWN.user, OWN.password).codes == (235, "2.7.0")
    user = service.connect(OWN)
    user.ok("SELECT INBOX")
    [message] = user.ok("FETCH 1 BODY.PEEK[]").fetched.values()
    assert b"from client.example.com ([127.0.0.1])" in message["BODY[]"]
