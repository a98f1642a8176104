"""Figures of a running server, of one process and of several."""

from __future__ import annotations

import os
import signal
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from prometheus_client.parser import text_string_to_metric_families
from tests.conformance.imap.messages import simple_message
from tests.conformance.workers.conftest import workers
from tests.imap_client import ImapClient
from tests.live import PASSWORD, Account, Demo, eventually, mailkeep

ANN = Account("ann@example.org", PASSWORD)
Read = Callable[[], dict[str, float]]


@pytest.fixture(params=["1", "2"], ids=["one process", "two workers"])
def demo(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Demo]:
    demo = Demo(tmp_path / "data", [ANN], "--metrics", "127.0.0.1:0", "--workers", request.param)
    yield demo
    demo.stop()


@pytest.fixture
def read(demo: Demo) -> Read:
    """All samples now, such as ``commands_total{command=NOOP,protocol=imap}``."""

    def read() -> dict[str, float]:
        host, port = demo.ready["metrics"]
        with urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        return {
            sample.name.removeprefix("mailkeep_") + labels(sample.labels): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    return read


def labels(found: dict[str, str]) -> str:
    return "{" + ",".join(f"{name}={found[name]}" for name in sorted(found)) + "}" if found else ""


def test_the_end_of_the_first_certificate_is_told(demo: Demo, read: Read) -> None:
    pem = Path(demo.ready["ca"]).read_bytes()
    ends = x509.load_pem_x509_certificate(pem).not_valid_after_utc.timestamp()
    assert read()["certificate_expiry_timestamp_seconds"] == ends


def test_what_clients_do_is_counted(demo: Demo, read: Read) -> None:
    before = read()
    clients = [demo.service.connect(ANN) for _ in range(6)] + [demo.service.connect_tls(ANN) for _ in range(2)]
    for client in clients:
        client.append("INBOX", simple_message(1))
        client.ok("SELECT INBOX")
        client.ok("NOOP")
    clients[0].no("SELECT none")
    demo.service.deliver(ANN.user, simple_message(2))
    demo.service.connect().no(f"LOGIN {ANN.user} wrong")
    now = read()

    def grew(name: str) -> float:
        return now[name] - before.get(name, 0.0)

    assert grew("commands_total{command=NOOP,protocol=imap}") == 8
    assert grew("commands_total{command=APPEND,protocol=imap}") == 8
    assert grew("commands_total{command=RCPT,protocol=lmtp}") == 1
    assert grew("commands_refused_total{answer=NO,command=SELECT,protocol=imap}") == 1
    assert grew("logins_total{outcome=ok}") == 8
    assert grew("logins_total{outcome=failed}") == 1
    assert grew("messages_taken_in_total") == 9
    assert grew("connections_accepted_total{listener=imap}") == 7
    assert now["connections{listener=imap,tls=no}"] == 7
    assert now["connections{listener=imaps,tls=yes}"] == 2
    assert grew("commits_total") >= 1
    assert grew("commit_operations_total") >= 9
    assert grew("network_bytes_total{direction=in,listener=imap}") > 500
    assert now["views"] >= 1


def test_starttls_counts_as_tls(demo: Demo, read: Read) -> None:
    client = demo.service.connect()
    client.ok("STARTTLS")
    client.start_tls(demo.service.tls())
    client.ok("NOOP")
    assert read()["connections{listener=imap,tls=yes}"] == 1


def test_status_says_it_in_words(demo: Demo) -> None:
    demo.service.connect(ANN)
    said = subprocess.run(
        [mailkeep(), "status", "--data", str(demo.data)], capture_output=True, text=True, timeout=30, check=True
    ).stdout
    assert "1 without" in said
    assert "commands" in said


@pytest.mark.parametrize("demo", ["2"], indirect=True)
def test_counters_do_not_go_back_when_a_worker_dies(demo: Demo, read: Read) -> None:
    for _ in range(10):
        with ImapClient(demo.service.imap) as client:
            client.login(ANN.user, ANN.password)
    before = read()
    victims = workers(demo.service)
    for victim in victims:
        os.kill(victim, signal.SIGKILL)
    eventually(lambda: read()["processes"] == 3 and not set(victims) & set(workers(demo.service)), "they are replaced")
    after = read()
    assert after["worker_restarts_total"] == 2
    assert after["logins_total{outcome=ok}"] == before["logins_total{outcome=ok}"]
    assert after["commands_total{command=LOGIN,protocol=imap}"] == 10
