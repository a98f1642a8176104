import json
import os
import signal
import socket
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from tests.conformance.cli.conftest import Run, Start

ANN = ("--account", "ann@example.org:secret-1")
BEN = ("--account", "ben@example.net:secret:2")


def test_demo_serves_an_account_with_sample_mail(start: Start) -> None:
    server = start("demo", "--port-base", "0")
    with server.imap() as imap:
        assert imap.login(server.ready["user"], server.ready["password"])[0] == "OK"
        assert int(imap.select()[1][0]) > 10
        names = [line.rpartition(b" ")[2] for line in imap.list()[1]]
        assert b'"Projects/Garden"' in names


def test_the_ready_file_says_where_everything_is(start: Start, data: Path) -> None:
    server = start("demo", "--port-base", "0", "--data", data, *ANN)
    ready = dict(server.ready)
    for name in ("imap", "imaps", "pop3", "pop3s", "lmtp", "smtp", "submission", "submissions", "http", "https"):
        host, port = ready.pop(name)
        with socket.create_connection((host, port), timeout=5):
            pass
    assert ready == {
        "user": "ann@example.org",
        "password": "secret-1",
        "ca": str(data / "certificate.pem"),
        "data": str(data),
        "pid": server.process.pid,
    }
    assert server.ready_file.stat().st_mode & 0o777 == 0o600


def test_demo_prints_what_a_person_needs(start: Start) -> None:
    server = start("demo", "--port-base", "0")
    status, out, err = server.stop(signal.SIGINT)
    assert status == 0
    assert err == ""
    for word in ("user", "password", "ca"):
        assert server.ready[word] in out
    for word in (str(server.ready["imaps"][1]), "curl --cacert", "mutt -n", "IMAPStore", "Thunderbird", "Ctrl-C"):
        assert word in out


def test_the_data_is_removed_at_the_end_unless_it_was_named(start: Start, data: Path) -> None:
    temporary, kept = start("demo", "--port-base", "0"), start("demo", "--port-base", "0", "--data", data)
    assert "is removed" in temporary.stop()[1]
    assert "is removed" not in kept.stop()[1]
    assert not Path(temporary.ready["data"]).exists()
    assert (data / "directory.db").exists()
    assert not (data / "control.sock").exists()
    assert not temporary.ready_file.exists()


def test_a_second_demo_on_the_same_data_serves_the_same_mail(start: Start, data: Path) -> None:
    first = start("demo", "--port-base", "0", "--data", data)
    with first.imap() as imap:
        imap.login(first.ready["user"], first.ready["password"])
        imap.append("Archive", r"(\Seen)", None, b"Subject: kept\r\n\r\n")
        before = imap.status("Archive", "(MESSAGES UIDNEXT UIDVALIDITY)")
    first.stop()
    second = start("demo", "--port-base", "0", "--data", data)
    assert second.ready["password"] == first.ready["password"]
    with second.imap() as imap:
        imap.login(second.ready["user"], second.ready["password"])
        assert imap.status("Archive", "(MESSAGES UIDNEXT UIDVALIDITY)") == before


def test_named_accounts_are_empty_and_keep_their_mail_under_a_new_password(start: Start, data: Path) -> None:
    first = start("demo", "--port-base", "0", "--data", data, *ANN, *BEN)
    with first.imap() as imap:
        imap.login("ben@example.net", "secret:2")
        assert imap.select()[1] == [b"0"]
        imap.append("INBOX", None, None, b"Subject: kept\r\n\r\n")
    first.stop()
    second = start("demo", "--port-base", "0", "--data", data, "--account", "ben@example.net:new")
    with second.imap() as imap:
        with pytest.raises(imap.error, match="AUTHENTICATIONFAILED"):
            imap.login("ben@example.net", "secret:2")
        imap.login("ben@example.net", "new")
        assert imap.select()[1] == [b"1"]


def test_mail_from_the_demo_is_signed_and_its_domain_has_one_postmaster(
    mailkeep: Run, start: Start, data: Path
) -> None:
    start("demo", "--port-base", "0", "--data", data, *ANN).stop()
    keys = mailkeep("domain", "list", "--data", data).stdout
    assert keys.startswith("example.org  1 account  1 alias  keys ")
    other = ("--account", "bob@example.org:secret-2")
    start("demo", "--port-base", "0", "--data", data, *other, *ANN).stop()
    assert mailkeep("domain", "list", "--data", data).stdout == keys.replace("1 account ", "2 accounts ")
    assert mailkeep("alias", "list", "--data", data).stdout == "postmaster@example.org  ann@example.org\n"


def test_the_certificate_names_the_domains_of_all_accounts(start: Start) -> None:
    server = start("demo", "--port-base", "0", *ANN, *BEN)
    certificate = x509.load_pem_x509_certificate(Path(server.ready["ca"]).read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    served = {str(name.value) for name in names}
    assert {"localhost", "127.0.0.1", "::1"} <= served
    for domain in ("example.org", "example.net"):
        assert {domain, f"autoconfig.{domain}", f"autodiscover.{domain}", f"mail.{domain}"} <= served


def test_starttls_works_with_the_certificate(start: Start) -> None:
    server = start("demo", "--port-base", "0", *ANN)
    import imaplib

    with imaplib.IMAP4("localhost", server.ready["imap"][1], timeout=20) as imap:
        imap.starttls(server.context())
        imap.login("ann@example.org", "secret-1")


def test_tls_before_1_2_is_refused(start: Start) -> None:
    server = start("demo", "--port-base", "0", *ANN)
    context = server.context()
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(tuple(server.ready["imaps"]), timeout=5) as raw,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(raw, server_hostname="localhost")


def test_a_busy_port_is_reported_with_the_option_that_asked_for_it(mailkeep: Run, start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        base = busy.getsockname()[1] - 143
        done = mailkeep("demo", "--port-base", str(base))
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1:{base + 143} (listen.imap): another program listens there" in done.stderr


@pytest.mark.parametrize("account", ["ann@example.org", "ann:secret", "ann@example.org:"])
def test_an_account_must_be_address_and_password(mailkeep: Run, account: str) -> None:
    done = mailkeep("demo", "--account", account)
    assert done.returncode == 2
    assert "is not ADDRESS:PASSWORD" in done.stderr


def test_the_ready_file_is_whole_whenever_it_is_there(start: Start) -> None:
    server = start("demo", "--port-base", "0", *ANN)
    assert json.loads(server.ready_file.read_text("utf-8"))["pid"] == server.process.pid
    assert [name for name in os.listdir(server.ready_file.parent) if ".json." in name] == []
