"""Python's imaplib, over TLS with the server's certificate verified."""

from __future__ import annotations

import imaplib
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from tests.clients.mail import letter, stored
from tests.imap_client import ImapClient
from tests.imap_grammar import flags
from tests.live import Account, Service

TIMEOUT_S = 15


@pytest.fixture
def imap(server: Service, account: Account) -> Iterator[imaplib.IMAP4_SSL]:
    with imaplib.IMAP4_SSL("localhost", server.imaps[1], ssl_context=server.tls(), timeout=TIMEOUT_S) as imap:
        ok(imap.login(account.user, account.password))
        yield imap


@pytest.fixture
def inbox(server: Service, account: Account, imap: imaplib.IMAP4_SSL) -> imaplib.IMAP4_SSL:
    """INBOX is selected, with three messages."""
    for subject in ("copper", "silver", "gold"):
        server.deliver(account.user, letter(subject, f"The metal is {subject}."))
    assert ok(imap.select()) == [b"3"]
    return imap


def ok(answer: tuple[str, list]) -> list:
    """The data of an answer that must be OK."""
    assert answer[0] == "OK", answer
    return answer[1]


def test_mailboxes_are_listed_made_renamed_subscribed_and_deleted(imap: imaplib.IMAP4_SSL) -> None:
    assert b'(\\HasNoChildren \\Drafts) "/" "Drafts"' in ok(imap.list())
    ok(imap.create('"New one"'))
    ok(imap.rename('"New one"', "Projects/Alpha"))
    assert any(line.endswith(b'"Projects/Alpha"') for line in ok(imap.list('""', "Projects/%")))
    ok(imap.unsubscribe("Projects/Alpha"))
    assert not any(line and b"Alpha" in line for line in ok(imap.lsub()))
    ok(imap.subscribe("Projects/Alpha"))
    assert any(b"Alpha" in line for line in ok(imap.lsub()))
    ok(imap.delete("Projects/Alpha"))
    assert not any(b"Alpha" in line for line in ok(imap.list()))


def test_messages_are_read(inbox: imaplib.IMAP4_SSL) -> None:
    [(_, octets), _] = ok(inbox.fetch("1", "(BODY.PEEK[])"))
    assert octets.endswith(letter("copper", "The metal is copper."))
    rows = ok(inbox.fetch("1:*", "(UID FLAGS RFC822.SIZE)"))
    assert [row.split()[0] for row in rows] == [b"1", b"2", b"3"]
    [(_, text), _] = ok(inbox.uid("FETCH", rows[2].split()[2].decode(), "(BODY[TEXT])"))
    assert text == b"The metal is gold.\r\n"
    assert b"\\Seen" in ok(inbox.fetch("3", "(FLAGS)"))[0]


def test_messages_are_found(inbox: imaplib.IMAP4_SSL) -> None:
    ok(inbox.store("1", "+FLAGS", "\\Seen"))
    assert ok(inbox.search(None, "UNSEEN")) == [b"2 3"]
    assert ok(inbox.search("UTF-8", "SUBJECT", '"silver"')) == [b"2"]
    assert ok(inbox.search(None, 'TEXT "metal is gold"')) == [b"3"]
    inbox.literal = "Grüße".encode()
    assert ok(inbox.search("UTF-8", "TEXT")) == [b""]
    assert ok(inbox.search(None, "SINCE", "1-Jan-2020", "NOT", "FROM", "nobody")) == [b"1 2 3"]


def test_messages_are_flagged_copied_moved_and_deleted(inbox: imaplib.IMAP4_SSL, client: ImapClient) -> None:
    assert b"\\Flagged" in ok(inbox.store("1", "+FLAGS", "(\\Flagged $work)"))[0]
    ok(inbox.copy("1", "Archive"))
    uid = ok(inbox.fetch("2", "(UID)"))[0].split()[2].rstrip(b")").decode()
    ok(inbox.uid("MOVE", uid, "Junk"))
    ok(inbox.store("1", "+FLAGS.SILENT", "\\Deleted"))
    ok(inbox.expunge())
    assert list(stored(client)) == ["gold"]
    assert stored(client, "Archive")["copper"].flags == flags("\\Flagged $work")
    assert list(stored(client, "Junk")) == ["silver"]


def test_close_removes_what_is_deleted(inbox: imaplib.IMAP4_SSL, client: ImapClient) -> None:
    ok(inbox.store("1,3", "+FLAGS", "\\Deleted"))
    ok(inbox.close())
    assert list(stored(client)) == ["silver"]


def test_a_message_is_appended_with_flags_and_date(imap: imaplib.IMAP4_SSL, client: ImapClient) -> None:
    when = datetime(2024, 2, 29, 12, 30, 5, tzinfo=UTC)
    message = letter("draft", "To be continued.")
    ok(imap.append("Drafts", "(\\Draft \\Seen)", when, message))
    found = stored(client, "Drafts")["draft"]
    assert (found.octets, found.flags) == (message, flags("\\Draft \\Seen"))
    assert imaplib.Internaldate2tuple(b'INTERNALDATE "%s"' % found.internaldate.encode()) == time.localtime(
        when.timestamp()
    )


def test_status_noop_and_namespace_answer(inbox: imaplib.IMAP4_SSL) -> None:
    [status] = ok(inbox.status("INBOX", "(MESSAGES UNSEEN UIDNEXT)"))
    assert status.replace(b'"', b"").startswith(b"INBOX (MESSAGES 3 UNSEEN 3 UIDNEXT ")
    ok(inbox.noop())
    assert ok(inbox.namespace()) == [b'(("" "/")) (("Other Users/" "/")) (("Shared/" "/"))']


def test_an_idle_connection_is_told_of_a_delivery(server: Service, account: Account, inbox: imaplib.IMAP4_SSL) -> None:
    """Python 3.11 has no idle(): the command is sent by hand."""
    inbox.send(b"A1 IDLE\r\n")
    assert inbox.readline().startswith(b"+ ")
    server.deliver(account.user, letter("iron"))
    assert inbox.readline() == b"* 4 EXISTS\r\n"
    inbox.send(b"DONE\r\n")
    answer = inbox.readline()
    while answer.startswith(b"* "):
        answer = inbox.readline()
    assert answer.startswith(b"A1 OK")


def test_starttls_and_authenticate_plain(server: Service, account: Account) -> None:
    with imaplib.IMAP4("localhost", server.imap[1], timeout=TIMEOUT_S) as imap:
        ok(imap.starttls(server.tls()))
        ok(imap.authenticate("PLAIN", lambda _: f"\0{account.user}\0{account.password}".encode()))
        assert ok(imap.select("INBOX", readonly=True)) == [b"0"]


def test_a_wrong_password_is_refused(server: Service, account: Account) -> None:
    with imaplib.IMAP4_SSL("localhost", server.imaps[1], ssl_context=server.tls(), timeout=TIMEOUT_S) as imap:
        with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
            imap.login(account.user, "wrong")
        ok(imap.login(account.user, account.password))


def test_an_unknown_certificate_is_refused(server: Service) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        imaplib.IMAP4_SSL("localhost", server.imaps[1], ssl_context=ssl.create_default_context(), timeout=TIMEOUT_S)


def test_mailboxes_are_shared(imap: imaplib.IMAP4_SSL, other_account: Account) -> None:
    ok(imap.create("Common"))
    ok(imap.setacl("Common", other_account.user, "lr"))
    [entries] = ok(imap.getacl("Common"))
    assert entries.split()[-2:] == [other_account.user.encode(), b"lr"]
    [rights] = ok(imap.myrights("Common"))
    assert b"lrswipkxtea" in rights
    ok(imap.deleteacl("Common", other_account.user))
    ok(imap.delete("Common"))


def test_metadata_and_the_quota_answer(imap: imaplib.IMAP4_SSL, monkeypatch: pytest.MonkeyPatch) -> None:
    """`setannotation` is of a draft that RFC 5464 replaced; METADATA goes as a plain command."""
    for name in ("SETMETADATA", "GETMETADATA"):
        monkeypatch.setitem(imaplib.Commands, name, ("AUTH", "SELECTED"))
    ok(imap._simple_command("SETMETADATA", "INBOX", '(/private/comment "note")'))
    ok(imap._simple_command("GETMETADATA", "INBOX", "/private/comment"))
    assert imap.response("METADATA")[1] == [b'INBOX (/private/comment "note")']
    roots, quotas = ok(imap.getquotaroot("INBOX"))
    assert (len(roots), len(quotas)) == (1, 1)
