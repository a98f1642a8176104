"""IMAPClient, over TLS with the server's certificate verified."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError, LoginError
from imapclient.imapclient import Quota
from tests.clients.mail import letter, stored
from tests.imap_client import ImapClient
from tests.imap_grammar import flags
from tests.live import Account, Service

METALS = ("copper", "silver", "gold")


@pytest.fixture
def imap(server: Service, account: Account) -> Iterator[IMAPClient]:
    with IMAPClient("localhost", server.imaps[1], ssl_context=server.tls(), timeout=15) as imap:
        imap.login(account.user, account.password)
        yield imap


@pytest.fixture
def uids(server: Service, account: Account, imap: IMAPClient) -> list[int]:
    """INBOX is selected, with three messages; their UIDs."""
    for subject in METALS:
        server.deliver(account.user, letter(subject, f"The metal is {subject}, das heißt Metall."))
    assert imap.select_folder("INBOX")[b"EXISTS"] == 3
    found: list[int] = imap.search()
    assert len(found) == 3
    return found


def test_mailboxes_have_their_special_use_and_any_name(imap: IMAPClient) -> None:
    uses = {name: set(flags) for flags, _, name in imap.list_folders()}
    assert b"\\Sent" in uses["Sent"]
    assert imap.find_special_folder(b"\\Trash") == "Trash"
    imap.create_folder("Entwürfe & Pläne/日本語 🎉")
    assert "Entwürfe & Pläne/日本語 🎉" in {name for *_, name in imap.list_folders()}
    assert "Entwürfe & Pläne/日本語 🎉" in {name for *_, name in imap.list_sub_folders()}
    imap.rename_folder("Entwürfe & Pläne", "Ideas")
    assert imap.folder_exists("Ideas/日本語 🎉")
    imap.delete_folder("Ideas/日本語 🎉")
    assert not imap.folder_exists("Ideas/日本語 🎉")


def test_messages_are_listed_and_read(imap: IMAPClient, uids: list[int]) -> None:
    rows = imap.fetch(uids, ["ENVELOPE", "BODYSTRUCTURE", "INTERNALDATE", "RFC822.SIZE", "FLAGS", "BODY.PEEK[]"])
    assert [rows[uid][b"ENVELOPE"].subject.decode() for uid in uids] == list(METALS)
    for uid in uids:
        row = rows[uid]
        assert row[b"RFC822.SIZE"] == len(row[b"BODY[]"])
        assert row[b"BODYSTRUCTURE"][:2] == (b"text", b"plain")
        assert b"\\Seen" not in row[b"FLAGS"]
        assert str(row[b"ENVELOPE"].from_[0]) == "Ann Lee <ann@example.net>"
    imap.fetch(uids[:1], ["BODY[HEADER.FIELDS (SUBJECT)]"])
    assert b"\\Seen" in imap.get_flags(uids[:1])[uids[0]]


def test_messages_are_found_by_text_in_any_alphabet(imap: IMAPClient, uids: list[int]) -> None:
    assert imap.search(["SUBJECT", "silver"]) == uids[1:2]
    assert imap.search(["TEXT", "heißt"], charset="UTF-8") == uids
    assert imap.search(["NOT", ["OR", "SUBJECT", "gold", "SUBJECT", "copper"]]) == uids[1:2]
    assert imap.search(["UNSEEN", "SMALLER", 10_000]) == uids


def test_messages_are_flagged_copied_moved_and_deleted(imap: IMAPClient, uids: list[int], client: ImapClient) -> None:
    copper, silver, gold = uids
    assert imap.add_flags(copper, [b"\\Flagged", b"$work"])[copper] >= (b"\\Flagged", b"$work")
    imap.remove_flags(copper, [b"$work"])
    imap.set_flags(gold, [b"\\Answered"])
    imap.copy(copper, "Archive")
    imap.move([silver], "Trash")
    imap.delete_messages(copper)
    imap.uid_expunge(copper)
    left = stored(client)
    assert {subject: message.flags for subject, message in left.items()} == {"gold": flags("\\Answered")}
    assert stored(client, "Archive")["copper"].flags == flags("\\Flagged")
    assert list(stored(client, "Trash")) == ["silver"]


def test_messages_are_appended_with_date_and_flags(imap: IMAPClient, client: ImapClient) -> None:
    message = letter("sent", "Ünïcode")
    imap.append("Sent", message, flags=[b"\\Seen"], msg_time=datetime(2021, 3, 4, 5, 6, 7, tzinfo=UTC))
    found = stored(client, "Sent")["sent"]
    assert (found.octets, found.flags) == (message, flags("\\Seen"))
    imap.select_folder("Sent", readonly=True)
    [row] = imap.fetch([found.uid], ["INTERNALDATE"]).values()
    assert row[b"INTERNALDATE"].astimezone(UTC) == datetime(2021, 3, 4, 5, 6, 7, tzinfo=UTC)


def test_an_idle_client_is_told_of_delivery_flags_and_expunge(
    server: Service, account: Account, imap: IMAPClient, uids: list[int], second: ImapClient
) -> None:
    second.ok("SELECT INBOX")
    imap.idle()
    server.deliver(account.user, letter("iron"))
    _idle_until(imap, (4, b"EXISTS"))
    second.ok("STORE 2 +FLAGS (\\Flagged)")
    _idle_until(imap, (2, b"FETCH"))
    second.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    second.ok("EXPUNGE")
    _idle_until(imap, (1, b"EXPUNGE"))
    imap.idle_done()
    assert len(imap.search()) == 3


def _idle_until(imap: IMAPClient, wanted: tuple[int, bytes]) -> None:
    """Take what comes during IDLE until the response that is wanted."""
    while True:
        came = imap.idle_check(timeout=10)
        assert came, f"{wanted} never came"
        if wanted in {tuple(response[:2]) for response in came}:
            return


def test_changes_since_are_asked_by_modseq(imap: IMAPClient, uids: list[int]) -> None:
    before = imap.folder_status("INBOX", ["HIGHESTMODSEQ"])[b"HIGHESTMODSEQ"]
    imap.add_flags(uids[1], [b"\\Flagged"])
    changed = imap.fetch(uids, ["FLAGS"], modifiers=[f"CHANGEDSINCE {before}"])
    assert list(changed) == [uids[1]]


def test_id_namespace_and_status(imap: IMAPClient, uids: list[int]) -> None:
    imap.id_({"name": "a test"})
    assert imap.namespace().personal[0] == ("", "/")
    assert imap.folder_status("INBOX", ["MESSAGES", "UNSEEN"]) == {b"MESSAGES": 3, b"UNSEEN": 3}


def test_a_wrong_password_and_a_missing_mailbox_are_errors(server: Service, account: Account) -> None:
    with IMAPClient("localhost", server.imap[1], ssl=False, timeout=15) as imap:
        imap.starttls(server.tls())
        with pytest.raises(LoginError):
            imap.login(account.user, "wrong")
        imap.plain_login(account.user, account.password)
        with pytest.raises(IMAPClientError, match="NONEXISTENT"):
            imap.select_folder("nowhere")


def test_mailboxes_are_shared(server: Service, imap: IMAPClient, account: Account, other_account: Account) -> None:
    imap.create_folder("Common")
    imap.setacl("Common", other_account.user, "lrs")
    assert (other_account.user.encode(), b"lrs") in imap.getacl("Common")
    with IMAPClient("localhost", server.imaps[1], ssl_context=server.tls(), timeout=15) as guest:
        guest.login(other_account.user, other_account.password)
        [(prefix, delimiter)] = guest.namespace().other
        name = f"{prefix}{account.user}{delimiter}Common"
        assert name in {found for *_, found in guest.list_folders()}
        assert guest.select_folder(name)[b"PERMANENTFLAGS"] == (b"\\Seen",)
    imap.delete_folder("Common")


def test_the_quota_is_asked_and_set(server: Service, fresh_account: Account) -> None:
    with IMAPClient("localhost", server.imaps[1], ssl_context=server.tls(), timeout=15) as imap:
        imap.login(fresh_account.user, fresh_account.password)
        imap.append("INBOX", letter("tin", "One message."))
        [root] = imap.get_quota_root("INBOX")[0].quota_roots
        imap.set_quota([Quota(root, "STORAGE", 0, 1000), Quota(root, "MESSAGE", 0, 1)])
        found = {quota.resource: (quota.usage, quota.limit) for quota in imap.get_quota("INBOX")}
        assert found == {"STORAGE": (1, 1000), "MESSAGE": (1, 1), "MAILBOX": (6, 10_000)}
        with pytest.raises(IMAPClientError, match="OVERQUOTA"):
            imap.append("INBOX", letter("lead", "One too many."))


def test_an_account_without_limits_has_a_quota_root_too(imap: IMAPClient, account: Account) -> None:
    mailbox, quotas = imap.get_quota_root("Sent")
    assert mailbox.mailbox == "Sent"
    assert mailbox.quota_roots == [f"#user/{account.user}"]
    assert [quota.resource for quota in quotas] == ["MAILBOX"]
