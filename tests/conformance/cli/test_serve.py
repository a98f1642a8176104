import imaplib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from tests.conformance.cli.conftest import Run, Running, Start


def logged_in(server: Running) -> imaplib.IMAP4_SSL:
    imap = server.imap()
    imap.login("ann@example.org", "secret")
    return imap


def test_serve_writes_the_ready_file_without_user_and_password(start: Start, store: Path) -> None:
    server = start("serve", "--data", store)
    listeners = {"imap", "imaps", "pop3", "pop3s", "lmtp", "smtp", "submission", "submissions", "http", "https"}
    assert set(server.ready) == {*listeners, "ca", "data", "pid"}


def test_a_second_server_is_refused_and_told_who_holds_the_data(start: Start, mailkeep: Run, store: Path) -> None:
    server = start("serve", "--data", store)
    done = mailkeep("serve", "--data", store)
    assert done.returncode == 2
    assert f"{store} is in use by a mailkeep server (process {server.process.pid})" in done.stderr


def test_sigterm_says_goodbye_to_every_session_and_exits_with_0(start: Start, store: Path) -> None:
    server = start("serve", "--data", store)
    idle, selected = logged_in(server), logged_in(server)
    selected.select()
    idle.select()
    idle.send(b"i1 IDLE\r\n")
    assert idle.readline().startswith(b"+")
    began = time.monotonic()
    status, _, _ = server.stop()
    assert status == 0
    assert time.monotonic() - began < 5
    for connection in (idle, selected):
        assert connection.readline().startswith(b"* BYE ")
        assert connection.readline() == b""
        connection.shutdown()


@pytest.mark.parametrize("listener", ["imap", "imaps"])
def test_sigterm_does_not_wait_for_a_client_that_never_reads(start: Start, store: Path, listener: str) -> None:
    server = start("serve", "--data", store)
    with logged_in(server) as imap:
        imap.append("INBOX", None, None, b"Subject: x\r\n\r\n" + b"y" * 9_000_000)
        with socket.create_connection(tuple(server.ready[listener])) as clear:
            clear.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            silent = clear if listener == "imap" else server.context().wrap_socket(clear, server_hostname="localhost")
            silent.sendall(b"a LOGIN ann@example.org secret\r\nb SELECT INBOX\r\nc FETCH 1 BODY[]\r\n")
            received = b""
            while b" FETCH (" not in received:
                received += silent.recv(500)
            assert server.stop()[0] == 0
            silent.close()


def test_mail_answered_before_sigterm_is_there_afterwards(start: Start, store: Path) -> None:
    first = start("serve", "--data", store)
    with logged_in(first) as imap:
        assert imap.append("INBOX", None, None, b"Subject: x\r\n\r\n")[0] == "OK"
        first.stop()
    with logged_in(start("serve", "--data", store)) as imap:
        assert imap.select()[1] == [b"1"]


def test_a_server_killed_outright_leaves_nothing_that_stops_the_next(start: Start, store: Path) -> None:
    first = start("serve", "--data", store)
    first.process.kill()
    first.process.wait()
    with logged_in(start("serve", "--data", store)) as imap:
        assert imap.select()[0] == "OK"


def test_sighup_changes_the_certificate_without_dropping_a_connection(start: Start, store: Path) -> None:
    server = start("serve", "--data", store)
    with logged_in(server) as imap:
        before = imap.socket().getpeercert(binary_form=True)
        config = store / "mailkeep.toml"
        config.write_text(config.read_text("utf-8") + '[tls]\nnames = ["other.example"]\n', "utf-8")
        server.process.send_signal(signal.SIGHUP)
        _wait_for_log(server, "server.reloaded")
        assert imap.noop()[0] == "OK"
        with logged_in(server) as fresh:
            certificate = fresh.socket().getpeercert()
            assert ("DNS", "other.example") in certificate["subjectAltName"]
            assert fresh.socket().getpeercert(binary_form=True) != before


def test_sighup_with_a_damaged_configuration_changes_nothing(start: Start, store: Path) -> None:
    server = start("serve", "--data", store)
    with (store / "mailkeep.toml").open("a", encoding="utf-8") as config:
        config.write("[imap]\nliteral = 'both'\n")
    server.process.send_signal(signal.SIGHUP)
    assert "imap.literal" in _wait_for_log(server, "server.reload_refused")
    with logged_in(server) as imap:
        assert imap.noop()[0] == "OK"


def test_sighup_takes_over_options_of_imap(start: Start, store: Path) -> None:
    server = start("serve", "--data", store)
    with (store / "mailkeep.toml").open("a", encoding="utf-8") as config:
        config.write("[imap]\nliteral = 'minus'\n")
    server.process.send_signal(signal.SIGHUP)
    _wait_for_log(server, "server.reloaded")
    with server.imap() as imap:
        assert "LITERAL-" in imap.capabilities
        assert "LITERAL+" not in imap.capabilities


def _wait_for_log(server: Running, event: str) -> str:
    """The next line of the log that tells of `event`."""
    assert server.process.stderr
    for line in server.process.stderr:
        if event in line:
            return line
    raise AssertionError(f"the log ended without {event}")


def test_certificates_from_files_are_served(start: Start, store: Path) -> None:
    subprocess.run(
        ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=own", "-addext", "subjectAltName=DNS:localhost", "-keyout", "k.pem", "-out", "c.pem"),
        cwd=store, check=True, capture_output=True,
    )  # fmt: skip
    with (store / "mailkeep.toml").open("a", encoding="utf-8") as config:
        config.write("[tls]\ncertificate = 'c.pem'\nkey = 'k.pem'\n")
    server = start("serve", "--data", store)
    assert server.ready["ca"] == str(store / "c.pem")
    with logged_in(server) as imap:
        assert imap.socket().getpeercert()["subject"] == ((("commonName", "own"),),)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[listen]\nimap = 'here'\n", ':2: listen.imap: "here" is not allowed'),
        ("[tls]\ncertificate = 'none.pem'\nkey = 'none.pem'\n", "none.pem: cannot be read"),
        ("[listen]\nimap = '192.0.2.1:143'\n", "cannot listen on 192.0.2.1:143 (listen.imap)"),
    ],
    ids=["option", "certificate", "address"],
)
def test_a_configuration_that_cannot_work_ends_with_2_and_the_reason(
    mailkeep: Run, store: Path, text: str, part: str
) -> None:
    (store / "mailkeep.toml").write_text(text, "utf-8")
    done = mailkeep("serve", "--data", store)
    assert done.returncode == 2
    assert part in done.stderr
    assert "Traceback" not in done.stderr


def test_a_privileged_port_without_the_right_says_what_to_do(store: Path) -> None:
    from mailkeep.config import Address
    from mailkeep.sockets import _advice

    text = _advice(PermissionError(13, "Permission denied"), Address("127.0.0.1", 143))
    assert "higher port" in text
    assert "CAP_NET_BIND_SERVICE" in text
    assert "ip_unprivileged_port_start=143" in text


def test_sockets_and_keys_are_for_the_owner_only(start: Start, store: Path) -> None:
    start("serve", "--data", store)
    for name in ("control.sock", "lmtp.sock", "key.pem", "lock"):
        assert os.stat(store / name).st_mode & 0o777 == 0o600, name
    assert os.stat(store).st_mode & 0o777 == 0o700
