"""rspamd as its protocol describes it, played by a small HTTP server that can be told what to say."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.net.lane import Lane
from mailkeep.service.spool import Octets
from mailkeep.smtp.filters.fault import FilterFault, Tally, Terms
from mailkeep.smtp.filters.rspamd import MAX_ANSWER, Rspamd, read_answer
from mailkeep.smtp.judging import Action, Arriving, Opinion
from mailkeep.smtp.wire.reply import Reply

MESSAGE = b"Subject: x\r\n\r\nbody\r\n"


def arriving(message: bytes = MESSAGE, **changes: Any) -> Arriving:
    octets = Octets(len(message), hashlib.sha256(message).digest(), message, None)
    values: dict[str, Any] = {
        "peer": "192.0.2.7",
        "peer_name": "mx.example.com",
        "helo": "mx",
        "tls": True,
        "user": "",
        "reverse_path": "joe@example.com",
        "recipients": ("ann@example.org", "jörg@example.org"),
        "octets": octets,
        "fields": b"Received-SPF: pass\r\n",
        **changes,
    }
    return Arriving(**values)


class Server:
    """Answers every request with `answer`; the requests are in `seen`."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, list[tuple[str, str]], bytes]] = []
        self.status = 200
        self.answer = b""
        self.encoding = "identity"
        self.silent = threading.Event()
        self.silent.set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.seen.append((self.path, list(self.headers.items()), body))
                outer.silent.wait(10)
                with contextlib.suppress(OSError):
                    self.send_response(outer.status)
                    self.send_header("Content-Length", str(len(outer.answer)))
                    self.send_header("Content-Encoding", outer.encoding)
                    self.end_headers()
                    self.wfile.write(outer.answer)

            def log_message(self, *_: object) -> None: ...

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def says(self, **answer: Any) -> None:
        self.answer = json.dumps({"score": 4.1, "required_score": 15.0, **answer}).encode()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.silent.set()
    server.http.shutdown()
    thread.join()
    server.http.server_close()


def judged(
    url: str, *, patience_s: float = 5.0, defer: bool = True, tally: Tally | None = None, **changes: Any
) -> Opinion:
    async def main() -> Opinion:
        async with asyncio.TaskGroup() as group:
            lane = Lane(group.create_task)
            terms = Terms(patience_s=patience_s, defer=defer, lane=lane, tally=tally or Tally())
            return await Rspamd(url, terms).judge(arriving(**changes))

    return asyncio.run(main())


STATUS = "X-Spam-Status: {}, score=4.10 required=15.00\r\n"
NO, YES = STATUS.format("No").encode(), STATUS.format("Yes").encode()


def test_it_is_told_the_envelope_and_the_message_with_what_is_known_of_it(server: Server) -> None:
    server.says(action="no action")
    assert judged(server.url) == Opinion(fields=NO)
    [(path, headers, body)] = server.seen
    assert path == "/checkv2"
    assert body == b"Received-SPF: pass\r\n" + MESSAGE
    told = [(name, value.encode("latin-1").decode()) for name, value in headers]
    for pair in (
        ("IP", "192.0.2.7"),
        ("Hostname", "mx.example.com"),
        ("Helo", "mx"),
        ("From", "joe@example.com"),
        ("Rcpt", "ann@example.org"),
        ("Rcpt", "jörg@example.org"),
    ):
        assert pair in told


def test_the_null_sender_is_told_as_such(server: Server) -> None:
    server.says(action="no action")
    judged(server.url, reverse_path="", peer="")
    [(_, headers, _)] = server.seen
    assert ("From", "<>") in headers
    assert "IP" not in dict(headers)


@pytest.mark.parametrize(
    ("answer", "opinion"),
    [
        ({"action": "greylist"}, Opinion(fields=NO)),
        ({"action": "add header"}, Opinion(Action.JUNK, fields=YES)),
        ({"action": "rewrite subject", "subject": "SPAM"}, Opinion(Action.JUNK, fields=YES)),
        ({"action": "discard"}, Opinion(Action.DISCARD, fields=YES)),
        ({"action": "soft reject"}, Opinion(Action.DEFER, Reply(451, "4.7.1", "Try again later"), YES)),
        ({"action": "reject"}, Opinion(Action.REJECT, Reply(550, "5.7.1", "This is taken for spam"), YES)),
        (
            {"action": "reject", "messages": {"smtp_message": "5.7.1 Not\r\n250 here"}},
            Opinion(Action.REJECT, Reply(550, "5.7.1", "Not 250 here"), YES),
        ),
        (
            {"action": "no action", "milter": {"add_headers": {"X-A": "1", "X-B": {"value": "2\n  3", "order": 0}}}},
            Opinion(fields=NO + b"X-A: 1\r\nX-B: 2\r\n\t3\r\n"),
        ),
        (
            {"action": "no action", "milter": {"add_headers": {"X-A": ["1", {"value": "2"}], "B:c": "3", "D": "\0"}}},
            Opinion(fields=NO + b"X-A: 1\r\nX-A: 2\r\n"),
        ),
        ({"action": "no action", "milter": {"add_headers": {"X-A": "\r\n\r\n", "X-B": 7}}}, Opinion(fields=NO)),
    ],
    ids=repr,
)
def test_an_answer_has_a_meaning(answer: dict[str, Any], opinion: Opinion) -> None:
    assert read_answer(json.dumps({"score": 4.1, "required_score": 15, **answer}).encode()) == opinion


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"{}",
        b"[]",
        b"<html>",
        b'{"action":"no action"}',
        b'{"action":"dance","score":1,"required_score":1}',
        b"\xff",
    ],
    ids=repr,
)
def test_what_is_no_answer_is_a_fault(answer: bytes) -> None:
    with pytest.raises(FilterFault):
        read_answer(answer)


def with_headers(value: object) -> bytes:
    return json.dumps({"action": "reject", "score": 1, "required_score": 2, "milter": {"add_headers": value}}).encode()


ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.text(max_size=9), st.integers()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=9), inner, max_size=4)),
    max_leaves=12,
)


@given(st.one_of(st.binary(max_size=50), ANYTHING.map(with_headers)))
def test_whatever_is_answered_the_lines_to_add_are_whole_fields(answer: bytes) -> None:
    try:
        opinion = read_answer(answer)
    except FilterFault:
        return
    assert opinion.fields.endswith(b"\r\n")
    assert b"\r\n\r\n" not in opinion.fields
    assert b"\n" not in opinion.fields.replace(b"\r\n", b"")


DEFERRED = Opinion(Action.DEFER, Reply(451, "4.7.1", "The message cannot be checked now, try again later"))


def test_a_fault_defers_the_message_or_lets_it_pass_as_is_wished(server: Server) -> None:
    server.status = 500
    tally = Tally()
    assert judged(server.url, tally=tally) == DEFERRED
    assert judged(server.url, defer=False, tally=tally) == Opinion()
    assert tally.counts == {("rspamd", "fault"): 2}


def test_who_does_not_answer_in_time_is_at_fault(server: Server) -> None:
    server.says(action="no action")
    server.silent.clear()
    assert judged(server.url, patience_s=0.1) == DEFERRED


def test_a_compressed_answer_is_not_unpacked(server: Server) -> None:
    server.says(action="no action")
    server.answer, server.encoding = gzip.compress(server.answer), "gzip"
    assert judged(server.url) == DEFERRED
    [(_, headers, _)] = server.seen
    assert dict(headers)["Accept-Encoding"] == "identity"


def test_who_answers_without_an_end_is_at_fault(server: Server) -> None:
    server.answer = b" " * (MAX_ANSWER + 1)
    assert judged(server.url) == DEFERRED


def test_who_is_not_there_is_at_fault() -> None:
    assert judged("http://127.0.0.1:1") == DEFERRED
