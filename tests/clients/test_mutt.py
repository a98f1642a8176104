"""mutt in a terminal, over TLS with the server's certificate verified."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.clients.mail import letter, stored, until_stored
from tests.clients.programs import Terminal, require_client, run
from tests.imap_client import ImapClient
from tests.imap_grammar import Flag, flags
from tests.live import Account, Service

CONFIG = """\
set imap_user = "{user}"
set imap_pass = "{password}"
set ssl_ca_certificates_file = "{ca}"
set certificate_file = "{home}/certificates"
set ssl_force_tls = yes
set folder = "imaps://localhost:{port}/"
set spoolfile = "+INBOX"
set record = "+Sent"
set postponed = "+Drafts"
set header_cache = "{home}/cache"
set imap_idle = yes
set imap_keepalive = 1
set timeout = 1
set mail_check = 1
set confirmappend = no
set delete = yes
set quit = yes
set beep = no
set wait_key = no
set sendmail = /bin/true
set from = "reader@example.org"
set charset = utf-8
set index_format = "<%C|%Z|%s>"
set to_chars = "      "
set pager_index_lines = 0
set help = no
set sleep_time = 0
"""


class Mutt:
    """mutt with an account."""

    def __init__(self, server: Service, account: Account, home: Path) -> None:
        self.home = home
        (home / "cache").mkdir()
        (home / "muttrc").write_text(
            CONFIG.format(user=account.user, password=account.password, ca=server.ca, home=home, port=server.imaps[1])
        )
        self.start = [require_client("mutt"), "-n", "-F", str(home / "muttrc")]

    def terminal(self) -> Terminal:
        return Terminal(self.start, self.home)


@pytest.fixture
def mutt(server: Service, account: Account, home: Path) -> Mutt:
    return Mutt(server, account, home)


@pytest.fixture
def screen(mutt: Mutt, client: ImapClient) -> Iterator[Terminal]:
    """mutt shows the index of INBOX, with three messages."""
    for subject in ("copper", "silver", "gold"):
        client.append("INBOX", letter(subject, f"The metal is {subject}, ein Erz für Schmiede."))
    with mutt.terminal() as terminal:
        terminal.until("<1|N  |copper>", "<2|N  |silver>", "<3|N  |gold>")
        yield terminal


def test_it_works_compressed(mutt: Mutt, client: ImapClient, server: Service, account: Account) -> None:
    """RFC 4978; off by default in mutt"""
    client.append("INBOX", letter("copper"))
    rc = mutt.home / "muttrc"
    rc.write_text(rc.read_text("utf-8") + "set imap_deflate = yes\n", "utf-8")
    with mutt.terminal() as terminal:
        terminal.until("<1|N  |copper>")
        server.deliver(account.user, letter("iron"))
        terminal.until("<2|N  |iron>")
        terminal.type("1\n")
        terminal.keys("Enter")
        terminal.until("Subject: copper")


def test_a_message_is_listed_and_read(screen: Terminal, client: ImapClient) -> None:
    screen.type("2")
    screen.keys("Enter")
    screen.keys("Enter")
    screen.until("Subject: silver", "The metal is silver, ein Erz für Schmiede.")
    screen.type("i$")
    until_stored(client, "INBOX", lambda found: flags("\\Seen") <= found["silver"].flags)


def test_flags_and_deletions_reach_the_server_when_mutt_synchronises(screen: Terminal, client: ImapClient) -> None:
    screen.type("1\n")
    screen.type("F")
    screen.until("!|copper>")
    screen.type("2\n")
    screen.type("d")
    screen.until("D |silver>")
    assert stored(client)["copper"].flags == set()
    screen.type("$")
    screen.until("copper>", "gold>", absent=["silver>"])
    found = until_stored(client, "INBOX", lambda found: len(found) == 2)
    assert Flag("\\Flagged") in found["copper"].flags


def test_messages_are_copied_and_moved(screen: Terminal, client: ImapClient) -> None:
    screen.type("1\n")
    screen.type("C=Archive\n")
    until_stored(client, "Archive", lambda found: "copper" in found)
    screen.type("3\n")
    screen.type("s=Junk\n")
    screen.until("D |gold>")
    screen.type("$")
    screen.until("copper>", "silver>", absent=["gold>"])
    assert list(until_stored(client, "Junk", lambda found: len(found) == 1)) == ["gold"]
    assert list(until_stored(client, "INBOX", lambda found: len(found) == 2)) == ["copper", "silver"]


def test_the_server_is_asked_to_search_bodies(screen: Terminal) -> None:
    screen.type("l=b 'metal is gold'\n")
    screen.until("gold>", absent=["copper>", "silver>"])


def test_new_mail_appears_by_itself(screen: Terminal, server: Service, account: Account) -> None:
    server.deliver(account.user, letter("iron"))
    screen.until("<4|N  |iron>")


def test_what_another_client_removes_disappears_by_itself(screen: Terminal, second: ImapClient) -> None:
    second.ok("SELECT INBOX")
    second.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    second.ok("EXPUNGE")
    screen.until("<1|N  |silver>", "<2|N  |gold>", absent=["copper>"])


def test_another_mailbox_is_opened_and_the_first_again(screen: Terminal, client: ImapClient) -> None:
    client.append("Archive", letter("old one"))
    screen.type("c=Archive\n")
    screen.until("old one>", absent=["copper>"])
    client.append("INBOX", letter("fresh one"))
    screen.type("c=INBOX\n")
    screen.until("<4|N  |fresh one>", "copper>", absent=["old one>"])


def test_mailboxes_are_made_listed_and_removed(screen: Terminal, client: ImapClient) -> None:
    screen.type("c?")
    screen.until("Archive", "Drafts", "Trash")
    screen.type("C")
    screen.until("Create mailbox:")
    screen.keys("C-u")
    screen.type("Plans\n")
    screen.until(" Plans", absent=["Create mailbox:"])  # the prompt itself shows what is typed
    assert "Plans" in client.ok('LIST "" "*"').listed()
    screen.type("/Plans\n")
    screen.type("d")
    screen.until("Really delete mailbox")
    screen.type("y")
    screen.until("INBOX", absent=[" Plans"])
    assert "Plans" not in client.ok('LIST "" "*"').listed()


def test_a_sent_message_is_kept_in_sent(mutt: Mutt, client: ImapClient, home: Path) -> None:
    run([*mutt.start, "-s", "Grüße aus mutt", "friend@example.net"], home, stdin="Käse\n".encode())
    [(_, message)] = stored(client, "Sent").items()
    assert Flag("\\Seen") in message.flags
    assert b"To: friend@example.net\r\n" in message.octets


def test_a_draft_is_postponed_and_recalled(screen: Terminal, client: ImapClient, home: Path) -> None:
    (home / "editor").write_text('#!/bin/sh\nprintf "half a letter\\n" >>"$1"\n')
    (home / "editor").chmod(0o755)
    screen.type(f":set editor={home}/editor fast_reply edit_headers=no\n")
    screen.type("m")
    screen.until("To:")
    screen.type("friend@example.net\n")
    screen.until("Subject:")
    screen.type("later\n")
    screen.until("Mutt: Compose")
    screen.type("P")
    found = until_stored(client, "Drafts", lambda found: "later" in found)
    assert b"half a letter" in found["later"].octets
    screen.type("m")
    screen.until("postponed")
    screen.type("y")
    screen.until("Mutt: Compose", "later")
    until_stored(client, "Drafts", lambda found: not found)


def test_mutt_leaves_cleanly(screen: Terminal) -> None:
    screen.type("q")
    screen.until_ended()


def test_starttls_serves_as_well(mutt: Mutt, server: Service, client: ImapClient) -> None:
    client.append("INBOX", letter("copper"))
    config = mutt.home / "muttrc"
    config.write_text(
        config.read_text().replace(f"imaps://localhost:{server.imaps[1]}", f"imap://localhost:{server.imap[1]}")
    )
    with mutt.terminal() as terminal:
        terminal.until("<1|N  |copper>")


def test_an_unknown_certificate_is_asked_about(mutt: Mutt) -> None:
    config = mutt.home / "muttrc"
    lines = [line for line in config.read_text().splitlines() if "ssl_ca_certificates_file" not in line]
    config.write_text("\n".join(lines))
    with mutt.terminal() as terminal:
        terminal.until("(r)eject, accept (o)nce")
        terminal.type("r")
