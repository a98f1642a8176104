"""What a restart must not change (trap 1), and how the server stops."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conformance.imap.messages import simple_message
from tests.live import Account, Demo

ANN = Account("ann@example.org", "one-password")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def demo(data: Path) -> Iterator[Demo]:
    demo = Demo(data, [ANN])
    yield demo
    if demo.process.poll() is None:
        demo.stop()


def again(demo: Demo) -> Demo:
    """The same data, served by a new process."""
    if demo.process.poll() is None:
        demo.stop()
    return Demo(demo.data, [ANN])


def test_mail_flags_uids_and_validity_stay(demo: Demo) -> None:
    """trap 1"""
    client = demo.service.connect(ANN)
    client.ok("CREATE box")
    for number in range(5):
        client.append("box", simple_message(number), "(\\Seen $Kept)", '"17-Jul-1996 02:44:25 -0700"')
    client.append("INBOX", simple_message(9, size=200_000))
    client.ok("SELECT box")
    items = "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY.PEEK[] MODSEQ EMAILID)"
    client.ok("FETCH 1:* FLAGS")
    client.ok("UNSELECT")
    client.ok("SELECT box")
    before = client.ok(f"FETCH 1:* {items}").fetched
    status = "(MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ UNSEEN)"
    statuses = [client.ok(f"STATUS {name} {status}").one("STATUS") for name in ("box", "INBOX")]
    for row in before.values():
        row["FLAGS"] = set(row["FLAGS"]) - {"\\Recent"}

    new = again(demo)
    client = new.service.connect(ANN)
    assert [client.ok(f"STATUS {name} {status}").one("STATUS") for name in ("box", "INBOX")] == statuses
    client.ok("SELECT box")
    after = client.ok(f"FETCH 1:* {items}").fetched
    for row in after.values():
        row["FLAGS"] = set(row["FLAGS"]) - {"\\Recent"}
    client.ok("SELECT INBOX")
    assert client.ok("FETCH 1 BODY.PEEK[]").fetched[1]["BODY[]"] == simple_message(9, size=200_000)
    new.stop()
    assert {n: {k: v for k, v in row.items() if k != "FLAGS"} for n, row in before.items()} == {
        n: {k: v for k, v in row.items() if k != "FLAGS"} for n, row in after.items()
    }
    assert [{f for f in row["FLAGS"] if f != "\\Recent"} for row in before.values()] == [
        {f for f in row["FLAGS"] if f != "\\Recent"} for row in after.values()
    ]


def test_the_highest_uid_is_not_used_again_after_it_was_expunged(demo: Demo) -> None:
    """trap 1"""
    client = demo.service.connect(ANN)
    uid = client.append("INBOX", simple_message(1), "(\\Deleted)")
    client.ok("SELECT INBOX")
    client.ok("EXPUNGE")
    new = again(demo)
    assert new.service.connect(ANN).append("INBOX", simple_message(2)) > uid
    new.stop()


def test_a_mailbox_recreated_after_a_restart_has_a_greater_uidvalidity(demo: Demo) -> None:
    """trap 1"""
    client = demo.service.connect(ANN)
    client.ok("CREATE box")
    before = client.ok("STATUS box (UIDVALIDITY)").one("STATUS")[1]["UIDVALIDITY"]
    client.ok("DELETE box")
    new = again(demo)
    client = new.service.connect(ANN)
    client.ok("CREATE box")
    assert client.ok("STATUS box (UIDVALIDITY)").one("STATUS")[1]["UIDVALIDITY"] > before
    new.stop()


def test_qresync_works_over_a_restart(demo: Demo) -> None:
    client = demo.service.connect(ANN)
    uids = [client.append("INBOX", simple_message(n)) for n in range(4)]
    client.ok("ENABLE QRESYNC")
    known = client.ok("SELECT INBOX").codes()
    client.ok(f"UID STORE {uids[1]} +FLAGS.SILENT (\\Deleted)")
    client.ok("EXPUNGE")
    client.ok(f"UID STORE {uids[2]} +FLAGS.SILENT (\\Seen)")
    new = again(demo)
    client = new.service.connect(ANN)
    client.ok("ENABLE QRESYNC")
    reply = client.ok(f"SELECT INBOX (QRESYNC ({known['UIDVALIDITY']} {known['HIGHESTMODSEQ']}))")
    new.stop()
    assert reply.one("VANISHED") == (True, [uids[1]])
    assert list(reply.by_uid) == [uids[2]]


def test_sessions_get_bye_when_it_stops(demo: Demo) -> None:
    clients = [demo.service.connect(ANN) for _ in range(3)]
    clients[0].ok("SELECT INBOX")
    clients[0].idle()
    demo.process.terminate()
    for client in clients:
        assert client.read().kind == "BYE"
        assert client.ended()
    demo.stop()


def test_what_was_delivered_is_there_after_a_kill(demo: Demo) -> None:
    demo.service.deliver(ANN.user, simple_message(1))
    demo.kill()
    new = again(demo)
    client = new.service.connect(ANN)
    assert client.ok("SELECT INBOX").one("EXISTS") == 1
    new.stop()
