"""mailkeep bench: the real program against the real server, with tiny numbers; and against one that is wrong."""

import json
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conformance.cli.conftest import Run, Start

TINY = ("--messages", "30", "--seconds", "0.1", "--idle", "5", "--users", "2")


@pytest.fixture
def stubborn() -> Iterator[int]:
    """The port of a server that says OK to all but NOOP."""

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"* OK ready\r\n")
            for line in self.rfile:
                tag, command = line.split()[:2]
                self.wfile.write(tag + (b" BAD no\r\n" if command == b"NOOP" else b" OK yes\r\n"))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_every_workload_has_a_figure_and_the_json_has_all_of_it(start: Start, mailkeep: Run, tmp_path: Path) -> None:
    accounts = ("--account", "u1@example.org:pass", "--account", "u2@example.org:pass")
    demo = start("demo", "--port-base", "0", *accounts)
    names = (
        "noop,login,open,list,headers,flags,bodies,append-8,store,search-from,search-body,idle-memory,mixed,lmtp,smtp"
    )
    where = (f"127.0.0.1:{demo.ready['imap'][1]}", "--pid", str(demo.ready["pid"]))
    where += ("--lmtp", f"127.0.0.1:{demo.ready['lmtp'][1]}", "--smtp", f"127.0.0.1:{demo.ready['smtp'][1]}")
    run = mailkeep("bench", *where, *TINY, "--workloads", names, "--json", tmp_path / "out.json")
    assert run.returncode == 0, run.stdout + run.stderr
    content = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert [row["name"] for row in content["rows"]] == [
        *names.split(",")[:-2], "mixed-noop",
        *("lmtp", "lmtp-8", "lmtp-50", "lmtp-100k-1", "lmtp-100k-8", "lmtp-100k-50"),
        *("smtp", "smtp-1-read", "smtp-8", "smtp-8-read", "smtp-50", "smtp-50-read"),
        *(f"smtp-100k-{count}{what}" for count in (1, 8, 50) for what in ("", "-read")),

    ]  # fmt: skip
    assert not content["failures"]
    assert all(row["peak_kb"] > 1000 for row in content["rows"])
    assert "NOOP, 8 connections" in run.stdout


def test_tls_is_checked_against_the_certificate_named(start: Start, mailkeep: Run) -> None:
    demo = start("demo", "--port-base", "0", "--account", "u1@example.org:pass", "--account", "u2@example.org:pass")
    where = (f"127.0.0.1:{demo.ready['imaps'][1]}", "--tls")
    good = mailkeep("bench", *where, *TINY, "--workloads", "noop", "--ca", demo.ready["ca"])
    assert good.returncode == 0, good.stdout + good.stderr
    bad = mailkeep("bench", *where, *TINY, "--workloads", "noop")
    assert bad.returncode == 1
    assert "CERTIFICATE_VERIFY_FAILED" in bad.stdout


def test_a_wrong_answer_costs_the_figure_and_the_exit_status(mailkeep: Run, stubborn: int, tmp_path: Path) -> None:
    run = mailkeep("bench", f"127.0.0.1:{stubborn}", *TINY, "--workloads", "noop", "--json", tmp_path / "out.json")
    assert run.returncode == 1
    assert "noop: wrong: NOOP was answered" in run.stdout
    assert json.loads((tmp_path / "out.json").read_text("utf-8"))["rows"] == []


@pytest.mark.parametrize(
    ("arguments", "what"),
    [(("localhost",), "is not HOST:PORT"), (("localhost:143", "--workloads", "noop,x"), "'x' is none of noop")],
)
def test_arguments_that_make_no_sense_are_refused(mailkeep: Run, arguments: tuple[str, ...], what: str) -> None:
    run = mailkeep("bench", *arguments)
    assert run.returncode == 2
    assert what in run.stderr
