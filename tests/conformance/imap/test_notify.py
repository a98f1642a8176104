"""NOTIFY (RFC 5465)."""

from __future__ import annotations

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient, Reply
from tests.imap_grammar import ListRow, Response
from tests.live import Account, Service

pytestmark = pytest.mark.rfc("5465", "3.1")
MESSAGES = "(MessageNew MessageExpunge)"
ALL = "(MessageNew MessageExpunge FlagChange)"


def told(client: ImapClient, kind: str) -> Response:
    """The next response that comes by itself must be of this kind."""
    response = client.read()
    assert (response.tag, response.kind) == ("*", kind), response.raw
    return response


def silent(client: ImapClient) -> bool:
    """Whether nothing comes by itself."""
    return client.quiet(0.4)


def status(response: Response | Reply) -> tuple[str, dict[str, int]]:
    name, items = response.data if isinstance(response, Response) else response.one("STATUS")
    return name, items


def row(response: Response) -> tuple[str, set[str]]:
    assert isinstance(response.data, ListRow)
    return response.data.name, {str(flag).lower() for flag in response.data.flags}


# ---- the selected mailbox


def test_without_it_nothing_comes_between_commands(inbox: ImapClient, second: ImapClient) -> None:
    second.append("INBOX", simple_message(1))
    assert silent(inbox)


def test_new_messages_come_between_commands(inbox: ImapClient, second: ImapClient) -> None:
    inbox.ok(f"NOTIFY SET (selected {MESSAGES})")
    second.append("INBOX", simple_message(1))
    assert told(inbox, "EXISTS").number == 1


@pytest.mark.rfc("5465", "5.2")
def test_new_messages_come_with_what_is_wanted_of_them(inbox: ImapClient, second: ImapClient) -> None:
    inbox.ok(
        "NOTIFY SET (selected (MessageNew (UID FLAGS BODY[HEADER.FIELDS (Subject)] BODY.PEEK[TEXT]) MessageExpunge))"
    )
    uid = second.append("INBOX", simple_message(1), "(\\Flagged)")
    told(inbox, "EXISTS")
    told(inbox, "RECENT")
    fetched = told(inbox, "FETCH")
    assert fetched.number == 1
    assert fetched.data["UID"] == uid
    assert "\\Flagged" in fetched.data["FLAGS"]
    [fields] = [value for key, value in fetched.data.items() if key.startswith("BODY[HEADER.FIELDS")]
    assert fields.startswith(b"Subject:")
    assert "BODY[TEXT]" in fetched.data
    assert status(second.ok("STATUS INBOX (UNSEEN)"))[1] == {"UNSEEN": 1}  # BODY[…] has not set \Seen


@pytest.mark.rfc("5465", "5.2")
def test_what_the_client_appends_itself_is_not_fetched_for_it(inbox: ImapClient) -> None:
    inbox.ok("NOTIFY SET (selected (MessageNew (UID) MessageExpunge))")
    reply = inbox.ok("APPEND INBOX {1+}\r\nx")
    assert [r.number for r in reply.all("EXISTS")] == [1]
    assert not reply.all("FETCH")


@pytest.mark.rfc("5465", "5.1")
def test_flags_come_with_the_uid_if_wanted(inbox: ImapClient, second: ImapClient) -> None:
    uid = second.append("INBOX", simple_message(1))
    second.ok("SELECT INBOX")
    inbox.ok(f"NOTIFY SET (selected {ALL})")
    second.ok("STORE 1 +FLAGS ($Junk)")
    for kind in ("FLAGS", "OK"):
        told(inbox, kind)
    fetched = told(inbox, "FETCH")
    assert fetched.data["UID"] == uid
    assert "$Junk" in fetched.data["FLAGS"]


def test_flags_do_not_come_unless_wanted(inbox: ImapClient, second: ImapClient) -> None:
    second.append("INBOX", simple_message(1))
    second.ok("SELECT INBOX")
    inbox.ok(f"NOTIFY SET (selected {MESSAGES})")
    second.ok("STORE 1 +FLAGS (\\Flagged)")
    assert silent(inbox)
    assert not inbox.ok("NOOP").untagged


@pytest.mark.rfc("5465", "5.3")
def test_expunges_come_between_commands(inbox: ImapClient, second: ImapClient) -> None:
    second.append("INBOX", simple_message(1), "(\\Deleted)")
    second.ok("SELECT INBOX")
    inbox.ok(f"NOTIFY SET (selected {MESSAGES})")
    second.ok("EXPUNGE")
    assert told(inbox, "EXPUNGE").number == 1


@pytest.mark.rfc("5465", "5.3")
def test_expunges_are_vanished_with_qresync(inbox: ImapClient, second: ImapClient) -> None:
    inbox.ok("ENABLE QRESYNC")
    uid = second.append("INBOX", simple_message(1), "(\\Deleted)")
    second.ok("SELECT INBOX")
    inbox.ok(f"NOTIFY SET (selected {MESSAGES})")
    second.ok("EXPUNGE")
    assert told(inbox, "VANISHED").data == (False, [uid])


@pytest.mark.rfc("5465", "6.1.2")
def test_delayed_expunges_wait_for_a_command_that_allows_them(inbox: ImapClient, second: ImapClient) -> None:
    for number in range(2):
        second.append("INBOX", simple_message(number), "(\\Deleted)" if number == 0 else "()")
    second.ok("SELECT INBOX")
    inbox.ok(f"NOTIFY SET (selected-delayed {MESSAGES})")
    second.ok("EXPUNGE")
    assert silent(inbox)
    assert not inbox.ok("FETCH 2 (UID)").expunged
    assert inbox.ok("NOOP").expunged == [1]


@pytest.mark.rfc("5465", "6.1.2")
def test_delayed_expunges_come_in_idle(inbox: ImapClient, second: ImapClient) -> None:
    second.append("INBOX", simple_message(1), "(\\Deleted)")
    second.ok("SELECT INBOX")
    inbox.ok(f"NOTIFY SET (selected-delayed {MESSAGES})")
    second.ok("EXPUNGE")
    tag = inbox.idle()
    inbox.until(lambda r: r.kind == "EXPUNGE") if inbox.exists else None
    inbox.done(tag)
    assert inbox.exists == 0


@pytest.mark.parametrize("wish", ["(selected NONE)", "(personal (MailboxName))"])
def test_nothing_of_the_selected_mailbox_is_told_unless_wanted(
    inbox: ImapClient, second: ImapClient, wish: str
) -> None:
    inbox.ok(f"NOTIFY SET {wish}")
    second.append("INBOX", simple_message(1))
    assert silent(inbox)
    assert not inbox.ok("NOOP").untagged


def test_nothing_at_all_is_told_after_none(inbox: ImapClient, second: ImapClient) -> None:
    inbox.ok(f"NOTIFY SET (selected {ALL}) (personal {ALL})")
    inbox.ok("NOTIFY NONE")
    second.append("INBOX", simple_message(1))
    second.append("Sent", simple_message(1))
    assert silent(inbox)
    assert not inbox.ok("NOOP").untagged


def test_what_a_command_itself_removes_is_told_always(inbox: ImapClient) -> None:
    for number in range(3):
        inbox.append("INBOX", simple_message(number))
    inbox.ok("NOOP")
    inbox.ok("NOTIFY SET (selected NONE)")
    inbox.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
    assert inbox.ok("EXPUNGE").expunged == [1]
    assert inbox.ok("MOVE 2 Sent").expunged == [2]


def test_what_has_piled_up_is_told_before_the_answer(inbox: ImapClient, second: ImapClient) -> None:
    """A successful NOTIFY SET implies a NOOP."""
    second.append("INBOX", simple_message(1))
    assert inbox.ok("NOTIFY SET (selected NONE)").all("EXISTS")


@pytest.mark.rfc("5465", "4")
def test_idle_tells_the_same(client: ImapClient, second: ImapClient) -> None:
    client.ok(f"NOTIFY SET (selected {MESSAGES}) (mailboxes Sent {MESSAGES})")
    client.ok("SELECT INBOX")
    tag = client.idle()
    second.append("INBOX", simple_message(1))
    client.until(lambda r: r.kind == "EXISTS")
    second.append("Sent", simple_message(1))
    [*_, last] = client.until(lambda r: r.kind == "STATUS")
    assert status(last)[0] == "Sent"
    second.append("Drafts", simple_message(1))
    assert silent(client)
    client.done(tag)


def test_it_is_told_while_compressed(inbox: ImapClient, second: ImapClient) -> None:
    inbox.compress()
    inbox.ok(f"NOTIFY SET (selected {MESSAGES})")
    second.append("INBOX", simple_message(1))
    told(inbox, "EXISTS")


# ---- other mailboxes


@pytest.mark.rfc("5465", "5.2")
def test_new_messages_elsewhere_are_told_by_status(client: ImapClient, second: ImapClient) -> None:
    client.ok(f"NOTIFY SET (personal {MESSAGES})")
    uid = second.append("Sent", simple_message(1))
    name, items = status(told(client, "STATUS"))
    assert name == "Sent"
    assert items.items() >= {"MESSAGES": 1, "UIDNEXT": uid + 1}.items()
    assert "HIGHESTMODSEQ" not in items


@pytest.mark.rfc("5465", "5.2")
def test_a_delivery_is_told(client: ImapClient, server: Service, account: Account) -> None:
    client.ok(f"NOTIFY SET (inboxes {MESSAGES})")
    server.deliver(account.user, simple_message(1))
    assert status(told(client, "STATUS"))[0] == "INBOX"


@pytest.mark.rfc("5465", "5.3")
def test_expunges_elsewhere_are_told_by_status(client: ImapClient, second: ImapClient) -> None:
    second.append("Sent", simple_message(1), "(\\Deleted)")
    client.ok("ENABLE CONDSTORE")
    client.ok(f"NOTIFY SET (personal {MESSAGES})")
    second.ok("SELECT Sent")
    second.ok("EXPUNGE")
    items = status(told(client, "STATUS"))[1]
    assert items["MESSAGES"] == 0
    assert "HIGHESTMODSEQ" in items


@pytest.mark.rfc("5465", "5.1")
def test_flags_elsewhere_are_told_by_status(client: ImapClient, second: ImapClient) -> None:
    second.append("Sent", simple_message(1))
    client.ok("ENABLE CONDSTORE")
    client.ok(f"NOTIFY SET (personal {ALL})")
    second.ok("SELECT Sent")
    second.ok("STORE 1 +FLAGS (\\Seen)")
    items = status(told(client, "STATUS"))[1]
    assert items["UNSEEN"] == 0
    assert {"HIGHESTMODSEQ", "UIDVALIDITY"} <= set(items)


def test_flags_elsewhere_are_not_told_unless_wanted(client: ImapClient, second: ImapClient) -> None:
    second.append("Sent", simple_message(1))
    client.ok(f"NOTIFY SET (personal {MESSAGES})")
    second.ok("SELECT Sent")
    second.ok("STORE 1 +FLAGS (\\Seen)")
    assert silent(client)


def test_the_status_of_what_is_watched_comes_first_if_wanted(inbox: ImapClient) -> None:
    inbox.ok("CREATE Lists/one")
    reply = inbox.ok(f"NOTIFY SET STATUS (selected {ALL}) (subtree Lists {ALL}) (mailboxes (INBOX Sent) {MESSAGES})")
    items = {r.data[0]: set(r.data[1]) for r in reply.all("STATUS")}
    assert set(items) == {"Lists", "Lists/one", "Sent"}  # not of the selected one
    assert {"MESSAGES", "UIDNEXT", "UIDVALIDITY", "HIGHESTMODSEQ"} <= items["Lists/one"]
    assert {"MESSAGES", "UIDNEXT", "UIDVALIDITY"} <= items["Sent"]
    assert not inbox.ok(f"NOTIFY SET (personal {ALL})").all("STATUS")


def test_it_does_not_switch_on_condstore(inbox: ImapClient) -> None:
    inbox.append("INBOX", simple_message(1))
    inbox.ok(f"NOTIFY SET STATUS (personal {ALL}) (selected {ALL})")
    assert "MODSEQ" not in inbox.ok("STORE 1 FLAGS (\\Seen)").fetched[1]


@pytest.mark.rfc("5465", "6")
@pytest.mark.parametrize(
    ("filter_", "meant"),
    [
        ("personal", {"INBOX", "a", "a/b", "a/b/c", "ab"}),
        ("inboxes", {"INBOX", "a", "a/b", "a/b/c", "ab"}),
        ("subscribed", {"INBOX", "a/b", "ab"}),
        ("subtree a", {"a", "a/b", "a/b/c"}),
        ("subtree (a/b ab)", {"a/b", "a/b/c", "ab"}),
        ("subtree-one a", {"a", "a/b"}),
        ("mailboxes (a ab nowhere)", {"a", "ab"}),
        ('mailboxes "*"', set()),
        ('mailboxes "a/%"', set()),
    ],
)
def test_each_kind_of_specifier(client: ImapClient, second: ImapClient, filter_: str, meant: set[str]) -> None:
    client.ok("CREATE a/b/c")
    client.ok("CREATE ab")
    client.ok("UNSUBSCRIBE a")
    client.ok("UNSUBSCRIBE a/b/c")
    client.ok(f"NOTIFY SET ({filter_} {MESSAGES})")
    names = set()
    for name in ("INBOX", "a", "a/b", "a/b/c", "ab"):
        second.append(name, simple_message(1))
        if name in meant:
            names.add(status(told(client, "STATUS"))[0])
    assert names == meant
    assert silent(client)


@pytest.mark.rfc("5465", "6.4")
def test_what_is_subscribed_to_later_is_watched_then(client: ImapClient, second: ImapClient) -> None:
    client.ok("CREATE box")
    client.ok("UNSUBSCRIBE box")
    client.ok(f"NOTIFY SET (subscribed {MESSAGES})")
    second.append("box", simple_message(1))
    assert silent(client)
    second.ok("SUBSCRIBE box")
    second.append("box", simple_message(1))
    assert status(told(client, "STATUS"))[0] == "box"


def test_the_mailbox_that_is_left_is_told_by_status_from_then_on(inbox: ImapClient, second: ImapClient) -> None:
    inbox.ok(f"NOTIFY SET (selected {MESSAGES}) (personal {MESSAGES})")
    second.append("INBOX", simple_message(1))
    told(inbox, "EXISTS")
    told(inbox, "RECENT")
    inbox.ok("UNSELECT")
    second.append("INBOX", simple_message(2))
    assert status(told(inbox, "STATUS"))[1]["MESSAGES"] == 2


def test_the_session_is_not_told_what_it_does_itself(client: ImapClient, second: ImapClient) -> None:
    client.ok("NOTIFY SET (personal (MessageNew MessageExpunge MailboxName SubscriptionChange))")
    client.append("Sent", simple_message(1))
    for command in ("CREATE box", "RENAME box bax", "SUBSCRIBE nowhere", "DELETE bax"):
        assert not client.ok(command).untagged
    second.append("Drafts", simple_message(1))
    assert status(told(client, "STATUS"))[0] == "Drafts"
    assert silent(client)


def test_names_are_in_utf8_for_those_who_want_it(client: ImapClient, second: ImapClient) -> None:
    client.ok("ENABLE IMAP4rev2")
    client.ok("NOTIFY SET (personal (MessageNew MessageExpunge MailboxName))")
    second.ok('CREATE "B&APw-cher"')
    assert row(told(client, "LIST"))[0] == "Bücher"


def test_many_changes_are_told_together(client: ImapClient, second: ImapClient) -> None:
    """trap 54"""
    client.ok(f"NOTIFY SET (personal {MESSAGES})")
    for number in range(200):
        second.append("Sent", simple_message(number))
    count, seen = 0, 0
    while seen < 200:
        seen = status(told(client, "STATUS"))[1]["MESSAGES"]
        count += 1
    assert count < 150


# ---- names


@pytest.mark.rfc("5465", "5.4")
def test_a_new_mailbox_is_told_with_the_one_above_it(client: ImapClient, second: ImapClient) -> None:
    second.ok("CREATE a")
    client.ok("NOTIFY SET (personal (MailboxName))")
    second.ok("CREATE a/b")
    rows = [row(told(client, "LIST")), row(told(client, "LIST"))]
    assert sorted(rows) == [
        ("a", {"\\haschildren", "\\subscribed"}),
        ("a/b", {"\\hasnochildren", "\\subscribed"}),
    ]
    assert silent(client)


@pytest.mark.rfc("5465", "5.4")
def test_a_deleted_mailbox_is_told_with_the_one_above_it(client: ImapClient, second: ImapClient) -> None:
    second.ok("CREATE a/b")
    second.ok("UNSUBSCRIBE a/b")
    client.ok("NOTIFY SET (personal (MailboxName))")
    second.ok("DELETE a/b")
    rows = [row(told(client, "LIST")), row(told(client, "LIST"))]
    assert sorted(rows) == [("a", {"\\hasnochildren", "\\subscribed"}), ("a/b", {"\\nonexistent"})]


@pytest.mark.rfc("5465", "5.4")
def test_a_renamed_mailbox_is_told_with_its_old_name(client: ImapClient, second: ImapClient) -> None:
    second.ok("CREATE a/b")
    client.ok("NOTIFY SET (personal (MailboxName))")
    second.ok("RENAME a c")
    listed = told(client, "LIST")
    assert row(listed)[0] == "c"
    assert listed.data.extended == {"OLDNAME": ["a"]}
    assert silent(client)  # nothing of its children


@pytest.mark.rfc("5465", "5.4")
def test_a_renamed_inbox_is_told_as_the_new_mailbox(client: ImapClient, second: ImapClient) -> None:
    client.ok("NOTIFY SET (personal (MailboxName))")
    second.ok("RENAME INBOX old")
    listed = told(client, "LIST")
    assert row(listed)[0] == "old"
    assert listed.data.extended == {"OLDNAME": ["INBOX"]}
    assert silent(client)


@pytest.mark.rfc("5465", "5.5")
def test_subscriptions_are_told(client: ImapClient, second: ImapClient) -> None:
    client.ok("NOTIFY SET (subscribed (SubscriptionChange))")
    second.ok("UNSUBSCRIBE Sent")
    name, attributes = row(told(client, "LIST"))
    assert (name, "\\subscribed" in attributes) == ("Sent", False)
    second.ok("SUBSCRIBE Sent")
    assert "\\subscribed" in row(told(client, "LIST"))[1]
    second.ok("SUBSCRIBE Sent")  # nothing changes
    assert silent(client)


def test_names_are_not_told_unless_wanted(client: ImapClient, second: ImapClient) -> None:
    client.ok("NOTIFY SET (mailboxes other (MailboxName)) (personal (SubscriptionChange))")
    second.ok("UNSUBSCRIBE Sent")
    told(client, "LIST")
    second.ok("DELETE Sent")
    assert silent(client)


# ---- metadata


@pytest.mark.rfc("5465", "5.6")
def test_metadata_of_mailboxes_is_told_by_name(client: ImapClient, second: ImapClient) -> None:
    client.ok("NOTIFY SET (mailboxes INBOX (MailboxMetadataChange))")
    second.ok('SETMETADATA Sent (/private/comment "x")')
    assert silent(client)
    second.ok('SETMETADATA INBOX (/private/comment "x")')
    assert told(client, "METADATA").raw == b"* METADATA INBOX /private/comment\r\n"


@pytest.mark.rfc("5465", "5.7")
def test_metadata_of_the_server_is_told_by_name(client: ImapClient, second: ImapClient) -> None:
    client.ok("NOTIFY SET (personal (ServerMetadataChange))")
    second.ok('SETMETADATA INBOX (/private/comment "x")')
    second.ok('SETMETADATA "" (/private/comment "x")')
    assert told(client, "METADATA").raw == b'* METADATA "" /private/comment\r\n'


# ---- mistakes


def test_an_unsupported_event_is_refused(client: ImapClient) -> None:
    reply = client.no("NOTIFY SET (personal (AnnotationChange))", code="BADEVENT")
    assert reply.code
    assert "MessageNew" in reply.code.args


def test_a_mistake_leaves_the_wishes_as_they_are(client: ImapClient, second: ImapClient) -> None:
    client.ok(f"NOTIFY SET (personal {MESSAGES})")
    client.bad("NOTIFY SET (personal (FlagChange))")
    second.append("Sent", simple_message(1))
    told(client, "STATUS")


def test_it_needs_a_login(server: Service) -> None:
    server.connect().bad("NOTIFY NONE")


def test_a_client_that_does_not_read_is_not_buried(client: ImapClient, second: ImapClient) -> None:
    client.ok(f"NOTIFY SET (personal {MESSAGES})")
    for number in range(50):
        second.append("Sent", simple_message(number))
        second.ok(f"CREATE box{number}")
    seen = 0
    while seen < 50:
        name, items = status(told(client, "STATUS"))
        seen = items["MESSAGES"] if name == "Sent" else seen
    client.ok("NOOP")


# ---- what comes into the results of a search


@pytest.mark.rfc("5465", "7")
def test_new_results_of_a_search_come_with_what_is_wanted_of_them(inbox: ImapClient, second: ImapClient) -> None:
    for number in range(2):
        second.append("INBOX", simple_message(number), "(\\Flagged)" if number else "()")
    inbox.ok("NOOP")
    tag = inbox.start("UID SEARCH RETURN (COUNT UPDATE (UID BODY[HEADER.FIELDS (SUBJECT)])) FLAGGED")
    assert inbox.finish(tag).one("ESEARCH")["COUNT"] == 1
    uid = second.append("INBOX", simple_message(2), "(\\Flagged)")
    second.append("INBOX", simple_message(3))
    second.ok("SELECT INBOX")
    second.ok("STORE 1 +FLAGS (\\Flagged)")
    kinds = [(r.kind, r.number) for r in inbox.ok("NOOP").untagged if r.kind in ("EXISTS", "FETCH", "ESEARCH")]
    assert kinds == [("EXISTS", 4), ("FETCH", 1), ("FETCH", 3), ("ESEARCH", None)]
    assert inbox.uids[2] == uid
    assert status(second.ok("STATUS INBOX (UNSEEN)"))[1] == {"UNSEEN": 4}


@pytest.mark.parametrize("returns", ["UPDATE ()", "UPDATE (NOTHING)", "UPDATE (UID", "COUNT (UID)", "UPDATE (FAST)"])
def test_wrong_items_of_update_are_refused(inbox: ImapClient, returns: str) -> None:
    inbox.bad(f"SEARCH RETURN ({returns}) ALL")
