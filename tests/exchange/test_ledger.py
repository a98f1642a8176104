"""The judge of the exchange sees what is wrong, and only that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.exchange.ledger import Copy, Hop, Lead, Sent, Verdict, judge, read
from tests.exchange.nodes import Found, MailkeepNode, Node, Place, PostfixNode

LEADS = {
    "u1@b.example": Lead("u1@b.example"),
    "nobody@b.example": Lead(""),
    "u1@p.example": Lead("u1@p.example"),
}
NOWHERE = Path("/nowhere")
LOG = """\
{"event": "queue.answered", "id": "1-7", "leg": 0, "recipient": "u1@b.example", "outcome": "delivered"}
{"event": "queue.settled", "id": "1-7", "leg": 0, "timestamp": "%s", "over": %d}
"""
HOPS = (Hop("by mx.a id 1", "mx.a.example", 100.0), Hop("by mx.b id 1", "mx.b.example", 101.0))
COPY = Copy("a-1", "u1@b.example", 101.0, HOPS, whole=True)
AGAIN = replace(COPY, arrived_at=107.0, hops=(HOPS[0], Hop("by mx.b id 2", "mx.b.example", 107.0)))
REPORT = Copy("a-1", "u1@a.example", 102.0, (Hop("by mx.a id 9", "mx.a.example", 102.0),), True, ("nobody@b.example",))


def node(kind: type[Node], domain: str, *kills: float) -> Node:
    made = kind.__new__(kind)
    made.place = Place(domain, "127.0.0.1")
    made.kills = list(kills)
    if kind is MailkeepNode:
        made.base = NOWHERE
    return made


def verdict(
    *copies: Copy, to: str = "u1@b.example", acknowledged: bool = True, kills: tuple[float, ...] = ()
) -> Verdict:
    sent = Sent("a-1", "a.example", "u1@a.example", b"", (to,), acknowledged)
    nodes = [node(MailkeepNode, "a.example", *kills), node(MailkeepNode, "b.example"), node(PostfixNode, "p.example")]
    return judge([sent], copies, nodes, LEADS)


def test_a_message_that_arrived_once_is_right() -> None:
    assert verdict(COPY).problems == []


def test_a_message_that_was_acknowledged_and_is_nowhere_is_lost() -> None:
    assert verdict().problems == ["LOST: a-1 from u1@a.example to u1@b.example"]


def test_a_message_without_an_answer_may_be_nowhere() -> None:
    assert verdict(acknowledged=False).problems == []


def test_a_message_to_nobody_must_come_back() -> None:
    assert verdict(REPORT, to="nobody@b.example").problems == []
    assert verdict(to="nobody@b.example").problems == ["LOST: a-1 from u1@a.example to nobody@b.example"]


def test_a_report_on_a_message_that_could_be_delivered_is_wrong() -> None:
    [problem] = verdict(COPY, replace(REPORT, failed=("u1@b.example",))).problems
    assert "reported as failed" in problem


def test_a_message_that_is_not_whole_or_with_somebody_else_is_wrong() -> None:
    assert "not whole" in verdict(replace(COPY, whole=False)).problems[0]
    assert "which was for" in verdict(COPY, replace(COPY, owner="u2@b.example")).problems[0]
    assert "nobody sent" in verdict(COPY, replace(COPY, name="a-2")).problems[0]


def test_a_duplicate_is_explained_by_a_kill_while_the_first_was_in_flight_and_by_no_other() -> None:
    explained = verdict(COPY, AGAIN, kills=(101.4,))
    assert (explained.problems, len(explained.explained)) == ([], 1)
    for kills in ((), (95.0,), (106.5,)):
        [problem] = verdict(COPY, AGAIN, kills=kills).problems
        assert problem.startswith("DOUBLE")


def test_no_kill_explains_that_a_mailbox_has_the_same_transfer_twice() -> None:
    assert verdict(COPY, COPY, kills=(101.1,)).problems[0].startswith("DOUBLE")


def test_no_kill_explains_two_reports_of_ours_on_one_message() -> None:
    again = replace(REPORT, hops=(Hop("by mx.a id 10", "mx.a.example", 104.0),), arrived_at=104.0)
    assert verdict(REPORT, again, to="nobody@b.example", kills=(102.1,)).problems[0].startswith("DOUBLE")


def test_two_reports_on_two_copies_are_explained_as_the_copies_are() -> None:
    first = replace(REPORT, returned=HOPS)
    second = replace(REPORT, returned=AGAIN.hops, hops=(Hop("by mx.a id 10", "mx.a.example", 108.0),))
    assert verdict(first, second, to="nobody@b.example", kills=(101.4,)).problems == []
    assert verdict(first, second, to="nobody@b.example").problems[0].startswith("DOUBLE")


def test_what_is_sent_after_the_commit_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = Sent("a-1", "a.example", "u1@a.example", b"", ("u1@b.example",), True, "1-7")
    nodes = [node(MailkeepNode, "a.example", 101.4), node(MailkeepNode, "b.example")]
    logs = {"a.example": LOG % ("1970-01-01T00:01:47.500Z", 0), "b.example": ""}
    monkeypatch.setattr(MailkeepNode, "log", lambda self: logs[self.place.domain])
    assert judge([sent], [COPY, AGAIN], nodes, LEADS).problems == []
    logs["a.example"] = LOG % ("1970-01-01T00:01:41.500Z", 0)
    [problem] = judge([sent], [COPY, AGAIN], nodes, LEADS).problems
    assert "again after" in problem
    logs["a.example"] = 2 * (LOG % ("1970-01-01T00:01:47.500Z", 0))
    [problem] = judge([sent], [COPY, AGAIN], nodes, LEADS).problems
    assert "2 times" in problem


def test_an_answer_that_was_not_written_down_before_a_kill_is_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    answered, settled = (LOG % ("1970-01-01T00:01:47.500Z", 0)).splitlines()
    lines = [answered, answered.replace("delivered", "deferred"), settled]
    monkeypatch.setattr(MailkeepNode, "log", lambda _: "\n".join(lines))
    assert node(MailkeepNode, "a.example").commits() == {}
    lines[1] = answered  # taken twice, and written down once
    assert list(node(MailkeepNode, "a.example").commits().values()) == [[107.5]]


def test_what_a_message_says_of_itself_is_read_from_its_headers() -> None:
    octets = (
        b"Received: from x\r\n\tby mx.b.example (mailkeep)\r\n\twith ESMTP; Tue, 24 Nov 2026 12:00:02 +0000\r\n"
        b"Received: by mx.a.example; Tue, 24 Nov 2026 12:00:01 +0000\r\n"
        b"X-Exchange: a-1\r\nSubject: x\r\n\r\nbody\r\n"
    )
    copy = read(Found(octets, 1.0), "u1@b.example", {"a-1": b"body\r\n"})
    assert (copy.name, copy.whole, [hop.host for hop in copy.hops]) == ("a-1", True, ["mx.a.example", "mx.b.example"])
    assert copy.hops[1].at - copy.hops[0].at == 1


def test_a_report_is_read_with_whom_it_is_about_and_what_came_back() -> None:
    octets = (
        b"Received: by mx.p.example; Tue, 24 Nov 2026 12:00:05 +0000\r\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        b"--b\r\n\r\nsorry\r\n"
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.p.example\r\n\r\n"
        b"Final-Recipient: rfc822; nobody@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        b"--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        b"Received: by mx.a.example; Tue, 24 Nov 2026 12:00:01 +0000\r\nX-Exchange: a-1\r\n\r\n--b--\r\n"
    )
    copy = read(Found(octets, 1.0), "u1@a.example", {})
    assert (copy.name, copy.failed) == ("a-1", ("nobody@b.example",))
    assert [hop.host for hop in copy.returned] == ["mx.a.example"]
