"""Programs that fetch mail by POP3, over TLS with the server's certificate verified."""

from __future__ import annotations

import email
import poplib
from pathlib import Path

import pytest
from tests.clients.mail import letter, stored, until_stored
from tests.clients.programs import Terminal, require_client, run
from tests.imap_client import ImapClient
from tests.live import Account, Service

DEADLINE_S = 15
NO_MAIL = 1  # what fetchmail ends with then
LOGIN_DENIED = 67  # what curl ends with
DOTS = letter("dots", ".\r\n..\r\n. and so on")


@pytest.fixture
def letters(server: Service, account: Account) -> None:
    """Two letters, one of which has lines that begin with dots."""
    server.deliver(account.user, letter("copper"))
    server.deliver(account.user, DOTS)


def subjects(directory: Path) -> list[str]:
    """Of the messages in the files of `directory`, which are removed: what was fetched since the last time."""
    found = []
    for path in sorted(directory.iterdir()):
        found.append(str(email.message_from_bytes(path.read_bytes())["Subject"]))
        path.unlink()
    return sorted(found)


# --- Python's poplib


def pop(server: Service, *, tls: str) -> poplib.POP3:
    if tls == "implicit":
        return poplib.POP3_SSL("localhost", server.pop3s[1], timeout=DEADLINE_S, context=server.tls())
    session = poplib.POP3("localhost", server.pop3[1], timeout=DEADLINE_S)
    session.stls(server.tls())
    return session


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_poplib_lists_fetches_and_removes(
    server: Service, account: Account, client: ImapClient, letters: None, tls: str
) -> None:
    session = pop(server, tls=tls)
    assert "USER" in session.capa()
    session.user(account.user)
    session.pass_(account.password)
    messages, octets = session.stat()
    sizes = [int(line.split()[1]) for line in session.list()[1]]
    assert (messages, octets) == (2, sum(sizes))
    kept = [message.octets for message in stored(client).values()]
    for number, (size, expected) in enumerate(zip(sizes, kept, strict=True), 1):
        _, lines, received = session.retr(number)
        assert received == size
        assert b"\r\n".join([*lines, b""]) == expected
    assert session.top(1, 0)[1][-1] == b""
    assert session.uidl(1).split()[2] == session.uidl()[1][0].split()[1]
    session.dele(1)
    session.rset()
    session.dele(2)
    session.quit()
    assert list(stored(client)) == ["copper"]


def test_poplib_is_refused_a_wrong_password(server: Service, account: Account) -> None:
    session = pop(server, tls="implicit")
    session.user(account.user)
    with pytest.raises(poplib.error_proto, match=r"-ERR \[AUTH\]"):
        session.pass_("wrong")
    session.close()


# --- curl


def test_curl_lists_and_fetches(
    server: Service, account: Account, client: ImapClient, letters: None, home: Path
) -> None:
    program = require_client("curl")
    assert server.ca
    options = [program, "-sS", "--max-time", str(DEADLINE_S), "--cacert", server.ca]
    own = ["-u", f"{account.user}:{account.password}"]
    base = f"pop3s://localhost:{server.pop3s[1]}/"
    kept = [message.octets for message in stored(client).values()]
    listed = run([*options, *own, base], home).decode().split()
    assert [int(size) for size in listed[1::2]] == [len(octets) for octets in kept]
    assert [run([*options, *own, f"{base}{number}"], home) for number in (1, 2)] == kept
    # SASL in the clear until STLS, by what CAPA tells
    clear = ["--ssl-reqd", "--login-options", "AUTH=PLAIN", f"pop3://localhost:{server.pop3[1]}/2"]
    assert run([*options, *own, *clear], home) == kept[1]
    run([*options, "-u", f"{account.user}:wrong", base], home, code=LOGIN_DENIED)


# --- getmail

GETMAIL = """\
[retriever]
type = SimplePOP3SSLRetriever
server = localhost
port = {port}
username = {user}
password = {password}
ca_certs = {ca}

[destination]
type = MDA_external
path = /bin/sh
arguments = ("-c", "cat > $(mktemp {home}/fetched/XXXXXX)")
allow_root_commands = true

[options]
delete = {delete}
read_all = false
"""


def test_getmail_fetches_once_and_removes_if_asked(
    server: Service, account: Account, client: ImapClient, letters: None, home: Path
) -> None:
    program = require_client("getmail")
    (home / "fetched").mkdir()

    def fetch(*, delete: bool) -> list[str]:
        values = {"port": server.pop3s[1], "user": account.user, "password": account.password, "ca": server.ca}
        (home / "getmailrc").write_text(GETMAIL.format(**values, home=home, delete=str(delete).lower()))
        run([program, "--getmaildir", home, "--rcfile", "getmailrc"], home)
        return subjects(home / "fetched")

    assert fetch(delete=False) == ["copper", "dots"]
    assert fetch(delete=False) == []
    server.deliver(account.user, letter("gold"))
    assert fetch(delete=True) == ["gold"]
    assert stored(client) == {}


# --- fetchmail

FETCHMAIL = """\
set no bouncemail
poll localhost protocol pop3 service {port} uidl
  user "{user}" password "{password}" ssl sslcertck sslcertfile "{ca}" {keep}
  mda "/bin/sh -c 'cat > $(mktemp {home}/fetched/XXXXXX)'"
"""


def test_fetchmail_fetches_once_and_removes_if_asked(
    server: Service, account: Account, client: ImapClient, letters: None, home: Path
) -> None:
    program = require_client("fetchmail")
    (home / "fetched").mkdir()

    def fetch(keep: str, code: int = 0) -> list[str]:
        values = {"port": server.pop3s[1], "user": account.user, "password": account.password, "ca": server.ca}
        file = home / "fetchmailrc"
        file.write_text(FETCHMAIL.format(**values, home=home, keep=keep))
        file.chmod(0o600)
        run([program, "-f", file, "--idfile", home / "ids", "--pidfile", home / "pid", "--nosyslog"], home, code=code)
        return subjects(home / "fetched")

    assert fetch("keep") == ["copper", "dots"]
    assert fetch("keep", NO_MAIL) == []
    server.deliver(account.user, letter("gold"))
    assert fetch("no keep fetchall") == ["copper", "dots", "gold"]
    assert stored(client) == {}


# --- mpop

MPOP = """\
defaults
timeout 15
tls on
tls_trust_file {ca}
uidls_file {home}/uidls
delivery exchange {home}/fetched
account default
host localhost
port {port}
tls_starttls {starttls}
user {user}
password {password}
keep {keep}
"""


@pytest.mark.parametrize("starttls", ["off", "on"])
def test_mpop_fetches_once_and_removes_if_asked(
    server: Service, account: Account, client: ImapClient, letters: None, home: Path, starttls: str
) -> None:
    program = require_client("mpop")
    (home / "fetched").mkdir()

    def fetch(keep: str) -> list[str]:
        port = server.pop3[1] if starttls == "on" else server.pop3s[1]
        values = {"port": port, "user": account.user, "password": account.password, "ca": server.ca}
        file = home / "mpoprc"
        file.write_text(MPOP.format(**values, home=home, keep=keep, starttls=starttls))
        file.chmod(0o600)
        run([program, "--file", file], home)
        return subjects(home / "fetched")

    assert fetch("on") == ["copper", "dots"]
    assert fetch("on") == []
    server.deliver(account.user, letter("gold"))
    assert fetch("off") == ["gold"]
    assert stored(client) == {}


# --- mutt

MUTT = """\
set pop_user = "{user}"
set pop_pass = "{password}"
set pop_delete = yes
set folder = "{home}"
set message_cachedir = ""
set header_cache = ""
set ssl_ca_certificates_file = "{ca}"
set certificate_file = "{home}/certificates"
set ssl_force_tls = yes
set delete = yes
set quit = yes
set beep = no
set charset = utf-8
set index_format = "<%C|%Z|%s>"
set to_chars = "      "
set sort = mailbox-order
set pager_index_lines = 0
set help = no
set sleep_time = 0
"""


def test_mutt_opens_the_maildrop_as_a_mailbox(
    server: Service, account: Account, client: ImapClient, letters: None, home: Path
) -> None:
    program = require_client("mutt")
    rc = home / "muttrc"
    rc.write_text(MUTT.format(user=account.user, password=account.password, ca=server.ca, home=home))
    with Terminal([program, "-n", "-F", rc, "-f", f"pops://localhost:{server.pop3s[1]}/"], home) as terminal:
        terminal.until("|copper>", "|dots>")
        terminal.type("2\n")
        terminal.keys("Enter")
        terminal.until("Subject: dots", ". and so on")
        terminal.type("id$")
        terminal.until("|copper>", absent=["|dots>"])
    until_stored(client, "INBOX", lambda found: [*found] == ["copper"])
