"""IDLE (RFC 9051 §6.3.13)."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from tests.conformance.imap.messages import simple_message
from tests.imap_client import ImapClient
from tests.live import OWN, Account, Service

from mailkeep.config import Imap

pytestmark = pytest.mark.rfc("9051", "6.3.13")


def test_the_continuation_has_a_space(inbox: ImapClient) -> None:
    """trap 4"""
    inbox.send(b"a IDLE\r\n")
    assert inbox.read_raw().startswith(b"+ ")


def test_what_was_pending_is_told_at_once(inbox: ImapClient, second: ImapClient) -> None:
    """trap 5b"""
    second.append("INBOX", simple_message(1))
    inbox.send(b"a IDLE\r\n")
    kinds = set()
    while {"+", "EXISTS"} - kinds:
        kinds.add(inbox.read().kind)
    assert inbox.exists == 1


def test_an_append_elsewhere_is_pushed(inbox: ImapClient, second: ImapClient) -> None:
    """trap 5c"""
    tag = inbox.idle()
    begin = time.monotonic()
    second.append("INBOX", simple_message(1))
    inbox.until(lambda r: r.kind == "EXISTS")
    assert time.monotonic() - begin < 1
    inbox.done(tag)


def test_a_delivery_is_pushed(inbox: ImapClient, server: Service, account: Account) -> None:
    """trap 5c"""
    tag = inbox.idle()
    server.deliver(account.user, simple_message(1))
    inbox.until(lambda r: r.kind == "EXISTS")
    inbox.done(tag)


def test_flags_set_elsewhere_are_pushed(inbox: ImapClient, second: ImapClient) -> None:
    """trap 5c"""
    second.append("INBOX", simple_message(1))
    inbox.ok("NOOP")
    second.ok("SELECT INBOX")
    tag = inbox.idle()
    second.ok("STORE 1 +FLAGS (\\Flagged)")
    [*_, told] = inbox.until(lambda r: r.kind == "FETCH")
    assert "\\Flagged" in told.data["FLAGS"]
    inbox.done(tag)


def test_expunges_are_pushed(inbox: ImapClient, second: ImapClient) -> None:
    """trap 5c"""
    second.append("INBOX", simple_message(1), "(\\Deleted)")
    inbox.ok("NOOP")
    second.ok("SELECT INBOX")
    tag = inbox.idle()
    second.ok("EXPUNGE")
    inbox.until(lambda r: r.kind == "EXPUNGE")
    inbox.done(tag)


def test_a_move_elsewhere_is_pushed(inbox: ImapClient, second: ImapClient) -> None:
    """trap 5c"""
    second.append("INBOX", simple_message(1))
    inbox.ok("NOOP")
    second.ok("SELECT INBOX")
    second.ok("CREATE box")
    tag = inbox.idle()
    second.ok("MOVE 1 box")
    inbox.until(lambda r: r.kind == "EXPUNGE")
    inbox.done(tag)


def test_done_and_the_next_commands_may_come_in_one_segment(inbox: ImapClient) -> None:
    """trap 5a"""
    tag = inbox.idle()
    inbox.send(b"DONE\r\nb NOOP\r\nc IDLE\r\n")
    answers = []
    while len(answers) < 3:
        response = inbox.read()
        if response.tag != "*":
            answers.append(response.tag)
    assert answers == [tag, "b", "+"]
    inbox.send(b"DONE\r\n")
    assert inbox.finish("c").kind == "OK"


def test_idle_and_done_may_come_in_one_segment(inbox: ImapClient) -> None:
    """trap 5a"""
    inbox.send(b"a IDLE\r\nDONE\r\nb IDLE\r\nDONE\r\nc NOOP\r\n")
    tags = []
    while "c" not in tags:
        response = inbox.read()
        if response.tag not in ("*", "+"):
            assert response.kind == "OK"
            tags.append(response.tag)
    assert tags == ["a", "b", "c"]


@pytest.mark.parametrize("word", [b"DONE\r\n", b"done\r\n", b"Done\r\n"])
def test_done_folds_case(inbox: ImapClient, word: bytes) -> None:
    tag = inbox.idle()
    inbox.send(word)
    assert inbox.finish(tag).kind == "OK"


def test_done_may_come_octet_by_octet(inbox: ImapClient) -> None:
    tag = inbox.idle()
    for octet in b"DONE\r\n":
        inbox.send(bytes([octet]))
    assert inbox.finish(tag).kind == "OK"


def test_something_else_than_done_ends_it_with_bad(inbox: ImapClient, ours: None) -> None:
    tag = inbox.idle()
    inbox.send(b"x NOOP\r\n")
    assert inbox.finish(tag).kind == "BAD"
    inbox.ok("NOOP")


def test_it_works_without_a_mailbox(client: ImapClient) -> None:
    """trap 5f"""
    assert client.done(client.idle()).kind == "OK"


def test_it_needs_a_login(server: Service) -> None:
    server.connect().bad("IDLE")


def test_no_keep_alive_comes_soon(inbox: ImapClient) -> None:
    """trap 5d"""
    tag = inbox.idle()
    assert inbox.quiet(1.0)
    inbox.done(tag)


def test_several_deliveries_end_in_the_right_count(inbox: ImapClient, server: Service, account: Account) -> None:
    tag = inbox.idle()
    for number in range(20):
        server.deliver(account.user, simple_message(number))
    inbox.until(lambda r: r.kind == "EXISTS" and r.number == 20)
    inbox.done(tag)


def test_nothing_is_pushed_of_other_mailboxes(inbox: ImapClient, second: ImapClient) -> None:
    second.ok("CREATE box")
    tag = inbox.idle()
    second.append("box", simple_message(1))
    assert inbox.quiet(0.3)
    inbox.done(tag)


def test_it_is_pushed_within_tls(server: Service, account: Account, second: ImapClient) -> None:
    client = server.connect_tls(account)
    client.ok("SELECT INBOX")
    tag = client.idle()
    second.append("INBOX", simple_message(1))
    client.until(lambda r: r.kind == "EXISTS")
    client.done(tag)


def test_the_creator_of_a_change_that_idles_is_told_nothing_twice(inbox: ImapClient) -> None:
    inbox.append("INBOX", simple_message(1))
    inbox.ok("NOOP")
    tag = inbox.idle()
    assert inbox.quiet(0.3)
    inbox.done(tag)


def test_signs_of_life_come_at_the_interval_of_the_configuration(configured: Callable[..., Service]) -> None:
    """trap 5d: not with the words by which FairEmail recognises servers that keep it awake"""
    client = configured(imap=Imap(keep_alive=1)).connect(OWN)
    for begin in (client.ok, lambda _: client.compress()):
        begin("NOOP")
        tag = client.idle()
        began = time.monotonic()
        told = [client.read(), client.read()]
        assert 1.8 < time.monotonic() - began < 4
        assert {(one.kind, one.code) for one in told} == {("OK", None)}
        assert not any("still here" in one.text.lower() for one in told)
        client.done(tag)
