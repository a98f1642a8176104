"""Mail from strangers, and the filters that people use: OpenDKIM as a milter, rspamd over HTTP and as a milter."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from tests.clients.programs import require_client
from tests.conformance.smtp.smtp_client import Smtp
from tests.live import OWN, Service, free_port

from mailkeep.config import Filter

START_S = 60.0  # rspamd reads much at its start
MESSAGE = b"From: joe@example.com\r\nTo: own@example.org\r\nSubject: hello\r\nDate: Tue, 24 Nov 2026 12:00:00 +0000\r\n"
MESSAGE += b"Message-ID: <1@example.com>\r\n\r\nHello!\r\n"
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n"
MARKED = b"YJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n"


@contextmanager
def running(command: list[str], *places: tuple[str, int] | Path, log: Path) -> Iterator[None]:
    """A program until it is no longer needed; it must listen at all places before we go on."""
    with (
        log.open("wb") as output,
        subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True) as it,
    ):
        try:
            for place in places:
                _wait_for(it, place, log)
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(it.pid, 15)


def _wait_for(it: subprocess.Popen[bytes], place: tuple[str, int] | Path, log: Path) -> None:
    late = time.monotonic() + START_S
    while time.monotonic() < late and it.poll() is None:
        with socket.socket(socket.AF_UNIX if isinstance(place, Path) else socket.AF_INET) as probe:
            if probe.connect_ex(str(place) if isinstance(place, Path) else place) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"it does not start: {log.read_text()[-2000:]}")


def send(service: Service, message: bytes) -> tuple[int, str]:
    with Smtp(service.smtp) as client:
        client.hello()
        client.begin(OWN.user)
        [answer] = client.data(message)
        return answer


def stored(service: Service, mailbox: str = "INBOX") -> list[bytes]:
    client = service.connect(OWN)
    client.ok(f"SELECT {mailbox}")
    if not client.exists:
        return []
    return [items["BODY[]"] for items in client.ok("FETCH 1:* BODY.PEEK[]").fetched.values()]


# ---- OpenDKIM: a C program on Sendmail's own libmilter


@pytest.fixture
def opendkim(home: Path) -> Iterator[Path]:
    program = require_client("opendkim")
    place = home / "s"
    config = home / "opendkim.conf"
    config.write_text(
        f"Mode v\nSocket local:{place}\nAuthservID mail.example.org\nAlwaysAddARHeader yes\n"
        f"Syslog no\nUMask 007\nPidFile {home}/pid\n"
    )
    command = [program, "-f", "-x", str(config)]
    with running(command, place, log=home / "log"):
        yield place


def test_a_milter_of_libmilter_adds_what_it_has_found(configured: Callable[..., Service], opendkim: Path) -> None:
    service = configured(filter=Filter(milters=(f"unix:{opendkim}",)))
    assert send(service, MESSAGE) == (250, "2.0.0")
    assert send(service, MESSAGE + b"x" * 100_000 + b"\r\n") == (250, "2.0.0")
    one, two = stored(service)
    for message in (one, two):
        assert b"\r\nAuthentication-Results: mail.example.org; dkim=none" in message
    assert one.endswith(MESSAGE)


def test_when_the_milter_is_gone_mail_waits_or_passes_as_is_wished(
    configured: Callable[..., Service], tmp_path: Path
) -> None:
    gone = (f"unix:{tmp_path}/none",)
    assert send(configured(filter=Filter(milters=gone)), MESSAGE) == (451, "4.7.1")
    service = configured(filter=Filter(milters=gone, on_fault="accept"))
    assert send(service, MESSAGE) == (250, "2.0.0")
    assert len(stored(service)) == 1


# ---- rspamd


@pytest.fixture(scope="module")
def rspamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """Ports: HTTP, and the proxy that is a milter."""
    program = require_client("rspamd")
    data = tmp_path_factory.mktemp("rspamd")
    http, milter = free_port(), free_port()
    config = data / "rspamd.conf"
    config.write_text(f"""
options {{
    pidfile = "{data}/pid"; dbdir = "{data}"; rundir = "{data}"; tempdir = "{data}"; hs_cache_dir = "{data}";
    dns {{ nameserver = ["127.0.0.1:{free_port()}"]; timeout = 0.1s; retransmits = 1; }}
    filters = ""; enable_test_patterns = true; url_tld = "/usr/share/rspamd/effective_tld_names.dat";
}}
logging {{ type = "console"; level = "error"; }}
metric {{ name = "default"; actions {{ reject = 15; add_header = 6; }} }}
worker {{ type = "normal"; bind_socket = "127.0.0.1:{http}"; count = 1; }}
worker {{
    type = "rspamd_proxy"; bind_socket = "127.0.0.1:{milter}"; count = 1; milter = yes; timeout = 20s;
    upstream {{ name = "local"; default = yes; self_scan = yes; }}
}}
""")
    command = [program, "-i", "-f", "-c", str(config)]
    with running(command, ("127.0.0.1", http), ("127.0.0.1", milter), log=data / "log"):
        yield http, milter


def test_rspamd_over_http_refuses_marks_and_lets_pass(
    configured: Callable[..., Service], rspamd: tuple[int, int]
) -> None:
    service = configured(filter=Filter(rspamd=f"http://127.0.0.1:{rspamd[0]}"))
    assert send(service, MESSAGE + GTUBE) == (550, "5.7.1")
    assert send(service, MESSAGE + MARKED) == (250, "2.0.0")
    assert send(service, MESSAGE) == (250, "2.0.0")
    [good], [bad] = stored(service), stored(service, "Junk")
    assert b"\r\nX-Spam-Status: No, score=" in good
    assert b"\r\nX-Spam-Status: Yes, score=" in bad


def test_rspamd_as_a_milter_refuses_and_lets_pass(configured: Callable[..., Service], rspamd: tuple[int, int]) -> None:
    service = configured(filter=Filter(milters=(f"127.0.0.1:{rspamd[1]}",)))
    assert send(service, MESSAGE + GTUBE) == (554, "5.7.1")
    assert send(service, MESSAGE) == (250, "2.0.0")
    assert len(stored(service)) == 1
