"""Perl's Mail::IMAPClient, over TLS with the server's certificate verified."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cannot_run import cannot_run
from tests.clients.driven import Driven, DrivenError
from tests.clients.mail import letter, stored
from tests.clients.programs import require_client
from tests.imap_client import ImapClient
from tests.imap_grammar import flags
from tests.live import Account, Service

DRIVER = Path(__file__).parent / "mail_imapclient.pl"
METALS = ("copper", "silver", "gold")


class Perl(Driven):
    """Mail::IMAPClient with these options.  Raises: DrivenError, when it cannot connect or log in."""

    def __init__(self, options: dict[str, Any], home: Path) -> None:
        perl = require_client("perl")
        if subprocess.run([perl, "-MMail::IMAPClient", "-MIO::Socket::SSL", "-e1"], capture_output=True).returncode:
            cannot_run("Mail::IMAPClient is not installed; script/tests-setup installs it as root on Debian")
        super().__init__([perl, DRIVER, json.dumps(options)], home)

    def connected(self) -> Perl:
        """Wait until it is."""
        message = self._read()
        if "error" in message:
            raise DrivenError(message["error"])
        return self


@pytest.fixture
def options(server: Service, account: Account) -> dict[str, Any]:
    return {
        "Server": "localhost",
        "Port": server.imaps[1],
        "Ssl": ["SSL_ca_file", server.ca, "SSL_verify_mode", 1, "SSL_verifycn_scheme", "imap"],
        "User": account.user,
        "Password": account.password,
        "Uid": 1,
        "Peek": 1,
        "Ignoresizeerrors": 1,
    }


@pytest.fixture
def perl(options: dict[str, Any], home: Path) -> Iterator[Perl]:
    with Perl(options, home) as perl:
        yield perl.connected()


@pytest.fixture
def uids(server: Service, account: Account, perl: Perl) -> list[str]:
    """INBOX is selected, with three messages; their UIDs."""
    for subject in METALS:
        server.deliver(account.user, letter(subject, f"The metal is {subject}, das heißt Metall."))
    perl.call("select", "INBOX")
    found: list[str] = perl.call("messages")
    assert len(found) == 3
    return found


def test_starttls_is_used_where_it_is_offered(server: Service, options: dict[str, Any], home: Path) -> None:
    plain = {**options, "Port": server.imap[1], "Starttls": options["Ssl"]}
    del plain["Ssl"]
    with Perl(plain, home) as perl:
        perl.connected()
        assert perl.call("IsAuthenticated") == [1]


def test_a_wrong_password_and_a_certificate_that_is_not_trusted_are_errors(options: dict[str, Any], home: Path) -> None:
    with Perl({**options, "Password": "wrong"}, home) as perl, pytest.raises(DrivenError, match="AUTHENTICATIONFAILED"):
        perl.connected()
    with Perl({**options, "Ssl": ["SSL_verify_mode", 1]}, home) as perl, pytest.raises(DrivenError, match="SSL"):
        perl.connected()


def test_it_sees_what_the_server_can_do(perl: Perl) -> None:
    assert perl.call("has_capability", "QUOTA")
    assert perl.call("separator", "INBOX") == ["/"]
    assert perl.call("namespace")


def test_mailboxes_are_made_renamed_subscribed_and_deleted(perl: Perl) -> None:
    assert {"INBOX", "Sent", "Trash"} <= set(perl.call("folders"))
    perl.call("create", "Ideas/new")
    assert perl.call("exists", "Ideas/new") == [1]
    assert perl.call("is_parent", "Ideas") == [1]
    perl.call("rename", "Ideas/new", "Ideas/old")
    perl.call("subscribe", "Ideas/old")
    assert "Ideas/old" in perl.call("subscribed")
    perl.call("unsubscribe", "Ideas/old")
    assert "Ideas/old" not in perl.call("subscribed")
    perl.call("delete", "Ideas/old")
    assert "Ideas/old" not in perl.call("folders")
    rows = {row["name"]: row["attrs"] for row in perl.call("folders_hash")}
    assert "\\Sent" in rows["Sent"]


def test_status_and_counts_are_told(perl: Perl, uids: list[str]) -> None:
    assert perl.call("message_count", "INBOX") == ["3"]
    assert perl.call("unseen_count", "INBOX") == ["3"]
    assert perl.call("uidnext", "INBOX") == [str(int(uids[-1]) + 1)]
    assert int(perl.call("uidvalidity", "INBOX")[0]) > 0


def test_messages_are_read_in_all_the_ways_that_it_knows(perl: Perl, uids: list[str]) -> None:
    [text] = perl.call("message_string", uids[1])
    assert text.encode().endswith(letter("silver", "The metal is silver, das heißt Metall."))
    assert perl.call("size", uids[1]) == [str(len(text.encode()))]
    assert perl.call("body_string", uids[1])[0].startswith("The metal is silver")
    assert perl.call("bodypart_string", uids[1], 1)[0].startswith("The metal is silver")
    assert perl.call("subject", uids[2]) == ["gold"]
    assert perl.call("get_header", uids[0], "Message-Id") == ["<copper@example.net>"]
    assert perl.call("parse_headers", uids[0], "Subject", "From")[0]["Subject"] == ["copper"]
    assert perl.call("internaldate", uids[0])[0]
    assert perl.call("flags", uids[0]) == ["\\Recent"] or perl.call("flags", uids[0]) == []
    assert perl.call("get_envelope", uids[0])[0]["subject"] == "copper"
    assert perl.call("get_bodystructure", uids[0])[0]["bodytype"] == "TEXT"
    assert set(perl.call("fetch_hash", "RFC822.SIZE", "INTERNALDATE", "FLAGS")[::2]) == set(uids)


def test_messages_are_found_sorted_and_threaded(perl: Perl, uids: list[str]) -> None:
    assert perl.call("search", "SUBJECT", "silver") == uids[1:2]
    assert perl.call("search", 'OR SUBJECT "gold" SUBJECT "copper"') == [uids[0], uids[2]]
    assert perl.call("unseen") == uids
    assert perl.call("since", "01-Jan-2020") == uids
    assert perl.call("sort", "SUBJECT", "UTF-8", "ALL") == [uids[0], uids[2], uids[1]]
    assert perl.call("thread", "REFERENCES") == [[[uid] for uid in uids]]


def test_messages_are_flagged_copied_moved_and_deleted(perl: Perl, uids: list[str], client: ImapClient) -> None:
    copper, silver, gold = uids
    perl.call("mark", copper)
    perl.call("set_flag", "work", copper)
    perl.call("unset_flag", "work", copper)
    perl.call("see", gold)
    perl.call("deny_seeing", gold)
    perl.call("store", gold, "+FLAGS (\\Answered)")
    perl.call("copy", "Archive", copper)
    perl.call("move", "Trash", silver)
    perl.call("delete_message", copper)
    perl.call("expunge")
    assert {name: message.flags for name, message in stored(client).items()} == {"gold": flags("\\Answered")}
    assert stored(client, "Archive")["copper"].flags == flags("\\Flagged")
    assert list(stored(client, "Trash")) == ["silver"]


def test_messages_are_appended_with_date_and_flags(perl: Perl, client: ImapClient) -> None:
    message = letter("sent", "ASCII")
    [uid] = perl.call("append_string", "Sent", message.decode("ascii"), "\\Seen", "04-Mar-2021 05:06:07 +0000")
    found = stored(client, "Sent")["sent"]
    assert (found.octets, found.flags, str(found.uid)) == (message, flags("\\Seen"), uid)
    assert found.internaldate.startswith(" 4-Mar-2021 05:06:07")


def test_an_idle_client_is_told_of_delivery(server: Service, account: Account, perl: Perl, uids: list[str]) -> None:
    [tag] = perl.call("idle")
    server.deliver(account.user, letter("iron"))
    told: list[str] = []
    while not any("4 EXISTS" in line for line in told):
        told += [str(line) for row in perl.call("idle_data", 10) for line in (row if isinstance(row, list) else [row])]
    perl.call("done", tag)
    assert len(perl.call("messages")) == 4


def test_what_goes_out_and_comes_in_can_be_compressed(perl: Perl, uids: list[str]) -> None:
    perl.call("compress")
    assert perl.call("subject", uids[2]) == ["gold"]
    assert perl.call("search", "SUBJECT", "silver") == uids[1:2]


def test_rights_and_quota_are_told(perl: Perl, account: Account) -> None:
    assert "r" in perl.call("myrights", "INBOX")[0]
    [rights] = perl.call("getacl", "INBOX")
    assert account.user in rights
