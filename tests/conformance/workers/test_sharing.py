"""Mailboxes are shared across workers and shards: rights, messages and news go everywhere."""

from __future__ import annotations

import pytest
from tests.conformance.imap.messages import simple_message
from tests.conformance.imap.sharing import Sharing
from tests.conformance.workers.conftest import ACCOUNTS, worker_of
from tests.imap_client import Literal
from tests.live import Service


@pytest.fixture(params=[0, 1], ids=["owner in one shard", "in the other"])
def apart(request: pytest.FixtureRequest, service: Service) -> Sharing:
    """Owner and guest in different shards, and with different workers."""
    owner, guest = ACCOUNTS[request.param], ACCOUNTS[1 - request.param]
    ann = service.connect(owner)
    first = worker_of(ann, service)
    while worker_of(bob := service.connect(guest), service) == first:
        pass
    ann.command("DELETE shared")
    ann.ok("CREATE shared")
    return Sharing(ann, bob, owner.user, guest.user)


def test_rights_count_everywhere_as_soon_as_they_are_given(apart: Sharing) -> None:
    apart.share("lr", "shared")
    assert apart.rights("shared") == "lr"
    apart.bob.ok(f"SELECT {apart.name('shared')}")
    apart.share("lrs", "shared")
    assert "\\Seen" in map(str, apart.bob.ok("NOOP").codes()["PERMANENTFLAGS"])
    apart.share("", "shared")
    apart.bob.no("SEARCH ALL")


def test_news_go_both_ways_to_sessions_that_idle(apart: Sharing) -> None:
    apart.open("lrswite", "shared")
    apart.ann.ok("SELECT shared")
    tag = apart.bob.idle()
    apart.ann.append("shared", simple_message(1))
    apart.bob.until(lambda response: response.kind == "EXISTS" and response.number == 1)
    apart.bob.done(tag)
    tag = apart.ann.idle()
    apart.bob.ok("STORE 1 +FLAGS (\\Flagged $Label)")
    apart.ann.until(lambda response: response.kind == "FETCH")
    apart.bob.ok("STORE 1 +FLAGS (\\Deleted)")
    apart.bob.ok("EXPUNGE")
    apart.ann.until(lambda response: response.kind == "EXPUNGE")
    apart.ann.done(tag)


def test_who_loses_the_right_to_read_is_sent_away_from_idle(apart: Sharing) -> None:
    apart.open("lr", "shared")
    apart.bob.idle()
    apart.ann.ok(f"DELETEACL shared {apart.guest}")
    apart.bob.until(lambda response: response.kind == "BYE")


def test_messages_go_from_shard_to_shard_and_stay_the_same(apart: Sharing) -> None:
    apart.open("lrite", "shared")
    large = b"Subject: large\r\n\r\n" + b"x" * 70 * 1024
    for message in (simple_message(1), large):
        apart.bob.ok(f"APPEND {apart.name('shared')}", Literal(message, plus=True))
    apart.bob.ok("NOOP")
    before = apart.bob.ok("FETCH 1:2 (EMAILID BODY.PEEK[])").fetched
    [*target] = apart.bob.ok("MOVE 1:2 Archive").codes()["COPYUID"][2]
    apart.bob.ok("SELECT Archive")
    after = apart.bob.ok(f"UID FETCH {target[0]}:{target[1]} (EMAILID BODY.PEEK[])").fetched.values()
    assert [(row["EMAILID"], row["BODY[]"]) for row in after] == [
        (row["EMAILID"], row["BODY[]"]) for row in before.values()
    ]
    assert apart.ann.ok("STATUS shared (MESSAGES)").one("STATUS")[1]["MESSAGES"] == 0


def test_the_tree_is_changed_from_afar(apart: Sharing) -> None:
    apart.share("lrkx", "shared")
    apart.bob.ok(f"CREATE {apart.name('shared/a')}")
    apart.bob.ok(f"RENAME {apart.name('shared/a')} {apart.name('shared/b')}")
    assert "shared/b" in apart.ann.ok('LIST "" "*"').listed()
    apart.bob.ok(f"DELETE {apart.name('shared/b')}")
