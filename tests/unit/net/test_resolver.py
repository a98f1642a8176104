"""The resolver with a name server on loopback that answers, dawdles, cuts, forges and talks nonsense."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import dns.message
import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st
from tests.dns_server import DnsServer, dns_server

from mailkeep.net import dns_question
from mailkeep.net.dns_question import Question, Reply
from mailkeep.net.resolver import Answer, CachingResolver, DnsFault, system_nameservers

ZONES = """
$ORIGIN example.org.
@                 MX    10 mx
@                 MX    20 mx2
@                 TXT   "v=spf1 " "-all"
mx                A     127.0.0.2
mx                AAAA  ::2
www               CNAME mx
gone              CNAME nothing.example.net.
loop              CNAME loop2
loop2             CNAME loop
deep.er           TXT   "below"
*.wild            A     127.0.0.3
short       1     TXT   "one second"
long              TXT   "{long}"
""".format(long='" "'.join(["x" * 200] * 20))

RUNNERS = [asyncio.new_event_loop, uvloop.new_event_loop]


@pytest.fixture(params=RUNNERS, ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, Any]], Any]:
    def run(main: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=request.param) as runner:
            return runner.run(main)

    return run


Run = Callable[[Coroutine[Any, Any, Any]], Any]


def resolver(server: DnsServer, **options: Any) -> CachingResolver:
    return CachingResolver([(server.host, server.port)], **options)


async def ask(server: DnsServer, name: str, kind: str, **options: Any) -> Answer:
    return await resolver(server, **options).look_up(name, kind)


def test_records_of_a_name_are_found(run: Run) -> None:
    with dns_server(ZONES) as server:
        answer = run(ask(server, "Example.ORG.", "MX"))
    assert sorted((record.preference, str(record.exchange)) for record in answer.records) == [
        (10, "mx.example.org."),
        (20, "mx2.example.org."),
    ]
    assert answer.exists
    assert not answer.authentic
    assert answer.name == "example.org"


def test_aliases_are_followed_and_the_canonical_name_is_told(run: Run) -> None:
    with dns_server(ZONES) as server:
        answer = run(ask(server, "www.example.org", "A"))
    assert [record.address for record in answer.records] == ["127.0.0.2"]
    assert answer.name == "mx.example.org"


def test_what_is_missing_is_told_from_what_does_not_exist(run: Run) -> None:
    with dns_server(ZONES) as server:
        for name, exists in (
            ("mx.example.org", True),
            ("er.example.org", True),  # an empty non-terminal
            ("no.example.org", False),
            ("gone.example.org", False),
        ):
            answer = run(ask(server, name, "TXT"))
            assert (answer.records, answer.exists) == ((), exists), name


@pytest.mark.parametrize("name", ["", ".", "@", "a..b", "x" * 64 + ".org", "\\400.org", "a" * 250 + ".example.org"])
def test_a_name_that_cannot_be_one_does_not_exist(run: Run, name: str) -> None:
    with dns_server(ZONES) as server:
        assert not run(ask(server, name, "A")).exists
    assert server.asked == []


def test_names_in_unicode_are_asked_in_their_ascii_form(run: Run) -> None:
    with dns_server("xn--bcher-kva.example. A 127.0.0.9") as server:
        assert len(run(ask(server, "Bücher.example", "A")).records) == 1


@pytest.mark.parametrize("fault", ["SERVFAIL", "REFUSED", "FORMERR", "TIMEOUT"])
def test_a_server_that_fails_is_a_fault_and_not_a_no(run: Run, fault: str) -> None:
    with dns_server(ZONES, faults={"example.org": fault}) as server, pytest.raises(DnsFault):
        run(ask(server, "example.org", "MX", timeout_s=0.3))


def test_nobody_listening_is_a_fault_at_once(run: Run) -> None:
    with dns_server(ZONES) as server:
        pass
    with pytest.raises(DnsFault):
        run(ask(server, "example.org", "MX", timeout_s=30.0))


def test_an_alias_that_leads_to_itself_is_a_fault(run: Run) -> None:
    with dns_server(ZONES) as server, pytest.raises(DnsFault):
        run(ask(server, "loop.example.org", "A"))


def test_a_packet_that_is_lost_is_sent_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns_question, "FIRST_WAIT_S", 0.05)
    with dns_server(ZONES, faults={"example.org": "ONCE"}) as server:
        assert len(run(ask(server, "example.org", "MX")).records) == 2
    assert server.asked == [("example.org", "MX")] * 2


def test_the_next_server_is_asked_when_one_fails(run: Run) -> None:
    with dns_server(faults={"example.org": "SERVFAIL"}) as broken, dns_server(ZONES) as server:
        both = CachingResolver([(broken.host, broken.port), (server.host, server.port)])
        assert len(run(both.look_up("example.org", "MX")).records) == 2
    assert broken.asked == [("example.org", "MX")]


def test_a_forged_answer_is_passed_over(run: Run) -> None:
    with dns_server(ZONES, faults={"example.org": "FORGED"}) as server:
        assert len(run(ask(server, "example.org", "MX")).records) == 2


def test_garbage_is_no_answer(run: Run) -> None:
    with dns_server(ZONES, faults={"example.org": "GARBAGE"}) as server, pytest.raises(DnsFault):
        run(ask(server, "example.org", "MX", timeout_s=0.3))


@pytest.mark.parametrize("faults", [{}, {"long.example.org": "TRUNCATED"}])
def test_an_answer_that_was_cut_is_asked_for_again_over_tcp(run: Run, faults: dict[str, str]) -> None:
    with dns_server(ZONES, faults=faults) as server:
        [record] = run(ask(server, "long.example.org", "TXT")).records
    assert len(b"".join(record.strings)) == 4000
    assert server.over_tcp == 1


def test_an_answer_that_is_far_too_large_is_a_fault(run: Run) -> None:
    strings = " ".join(['"' + "x" * 250 + '"'] * 140)
    with dns_server(f"huge.example. TXT {strings}") as server, pytest.raises(DnsFault, match="larger"):
        run(ask(server, "huge.example", "TXT"))


def test_an_answer_of_very_many_records_is_read_apart(run: Run) -> None:
    zone = "".join(f"crowd.example. A 10.0.{n // 256}.{n % 256}\n" for n in range(1500))
    with dns_server(zone) as server:
        assert len(run(ask(server, "crowd.example", "A")).records) == 1500
        server.cut = lambda octets: [octets[:2] + bytes(len(octets) - 2)]
        with pytest.raises(DnsFault):
            run(ask(server, "crowd.example", "A", timeout_s=30.0))


def test_an_answer_over_tcp_may_come_octet_by_octet(run: Run) -> None:
    with dns_server(ZONES) as server:
        server.cut = lambda octets: [octets[at : at + 1] for at in range(len(octets))]
        assert len(run(ask(server, "long.example.org", "TXT")).records) == 1


@pytest.mark.parametrize(
    "cut",
    [
        lambda _: [],
        lambda octets: [octets[:1]],
        lambda octets: [octets[:-1]],
        lambda octets: [b"\0\0" + octets],
        lambda octets: [b"\0\5" + octets],
        lambda octets: [octets[:2] + bytes(len(octets) - 2)],
        lambda octets: [b"\xff\xff" + octets],
    ],
    ids=["nothing", "one octet", "almost all", "empty", "cut", "zeros", "too much"],
)
def test_an_answer_over_tcp_that_is_none_is_a_fault_at_once(run: Run, cut: Callable[[bytes], list[bytes]]) -> None:
    with dns_server(ZONES) as server:
        server.cut = cut
        with pytest.raises(DnsFault):
            run(ask(server, "long.example.org", "TXT", timeout_s=30.0))


def test_an_answer_is_kept_as_long_as_it_says(run: Run) -> None:
    now = [0.0]

    async def main(server: DnsServer) -> None:
        asking = resolver(server, clock=lambda: now[0])
        for _ in range(3):
            await asking.look_up("short.example.org", "TXT")
            await asking.look_up("no.example.org", "TXT")
        assert len(server.asked) == 2
        now[0] = 1.0
        await asking.look_up("SHORT.example.org.", "TXT")
        await asking.look_up("no.example.org", "TXT")
        assert len(server.asked) == 3

    with dns_server(ZONES) as server:
        run(main(server))


def test_a_fault_is_not_kept(run: Run) -> None:
    async def main(server: DnsServer) -> None:
        asking = resolver(server)
        with pytest.raises(DnsFault):
            await asking.look_up("example.org", "MX")
        server.faults = {}
        assert (await asking.look_up("example.org", "MX")).records

    with dns_server(ZONES, faults={"example.org": "SERVFAIL"}) as server:
        run(main(server))


def test_many_who_ask_the_same_share_one_question(run: Run) -> None:
    async def main(server: DnsServer) -> None:
        asking = resolver(server)
        answers = await asyncio.gather(*(asking.look_up("example.org", "MX") for _ in range(50)))
        assert all(answer is answers[0] for answer in answers)

    with dns_server(ZONES) as server:
        run(main(server))
    assert server.asked == [("example.org", "MX")]


def test_one_who_leaves_does_not_take_the_answer_from_the_others(run: Run) -> None:
    async def main(server: DnsServer) -> None:
        asking = resolver(server)
        async with asyncio.TaskGroup() as tasks:
            leaves = tasks.create_task(asking.look_up("example.org", "MX"))
            stays = tasks.create_task(asking.look_up("example.org", "MX"))
            await asyncio.sleep(0)
            leaves.cancel()
        assert stays.result().records

    with dns_server(ZONES) as server:
        run(main(server))


def test_a_thousand_questions_take_turns_and_are_all_answered(run: Run) -> None:
    async def main(server: DnsServer) -> None:
        asking = resolver(server, timeout_s=60.0)
        answers = await asyncio.gather(*(asking.look_up(f"n{number}.wild.example.org", "A") for number in range(1000)))
        assert all(answer.records for answer in answers)

    with dns_server(ZONES) as server:
        run(main(server))


def test_a_question_whose_turn_does_not_come_is_a_fault_in_time(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailkeep.net.resolver.AT_ONCE", 1)

    async def main(server: DnsServer) -> None:
        asking = resolver(server, timeout_s=0.3)
        questions = (asking.look_up(f"{number}.silent.example", "A") for number in range(20))
        outcomes = await asyncio.gather(*questions, return_exceptions=True)
        assert all(isinstance(outcome, DnsFault) for outcome in outcomes)

    start = time.monotonic()
    with dns_server(ZONES, faults={f"{number}.silent.example": "TIMEOUT" for number in range(20)}) as server:
        run(main(server))
    assert time.monotonic() - start < 3.0


def test_the_cache_lets_the_oldest_go(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailkeep.net.resolver.CACHE_ANSWERS", 2)

    async def main(server: DnsServer) -> None:
        asking = resolver(server)
        for name in ("a", "b", "a", "c", "a", "b"):
            await asking.look_up(f"{name}.wild.example.org", "A")

    with dns_server(ZONES) as server:
        run(main(server))
    assert [name[0] for name, _ in server.asked] == ["a", "b", "c", "b"]


def test_other_servers_are_asked_from_now_on(run: Run) -> None:
    async def main(old: DnsServer, new: DnsServer) -> None:
        asking = resolver(old)
        assert not (await asking.look_up("example.org", "MX")).records
        asking.configure([(new.host, new.port)], 5.0)
        assert (await asking.look_up("example.org", "TXT")).records
        assert asking.lookups == {"kept": 0, "answered": 2, "failed": 0}

    with dns_server() as old, dns_server(ZONES) as new:
        run(main(old, new))


def test_an_old_server_that_knows_no_edns_is_asked_without(run: Run) -> None:
    with dns_server(ZONES, faults={"example.org": "NO-EDNS"}) as server:
        assert len(run(ask(server, "example.org", "MX")).records) == 2
    assert len(server.asked) == 2


def test_a_question_that_nobody_waits_for_any_more_is_given_up(run: Run) -> None:
    async def main(server: DnsServer) -> None:
        asking = resolver(server)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await asyncio.gather(asking.look_up("a.example", "A"), asking.look_up("a.example", "A"))
        server.faults = {}
        assert not (await asking.look_up("a.example", "A")).exists

    with dns_server(ZONES, faults={"a.example": "TIMEOUT"}) as server:
        run(main(server))
        # and nothing is left open: a socket that is would be a warning, which is an error


def test_it_answers_a_coroutine_that_runs_without_a_task() -> None:
    async def main(server: DnsServer) -> Answer:
        done = asyncio.get_running_loop().create_future()
        step = resolver(server).look_up("example.org", "MX")

        def advance(_: object = None) -> None:
            try:
                waiting_for = step.send(None)
            except StopIteration as end:
                done.set_result(end.value)
                return
            waiting_for._asyncio_future_blocking = False
            waiting_for.add_done_callback(advance)

        asyncio.get_running_loop().call_soon(advance)
        answer: Answer = await done
        return answer

    with dns_server(ZONES) as server:
        assert asyncio.run(main(server)).records


@pytest.mark.parametrize("authentic", [True, ["example.org"]])
def test_an_answer_validated_by_a_server_on_loopback_is_authentic(run: Run, authentic: Any) -> None:
    with dns_server(ZONES, authentic=authentic) as server:
        assert run(ask(server, "example.org", "MX")).authentic
        assert run(ask(server, "mx.example.org", "A")).authentic is (authentic is True)


def test_the_word_of_a_server_elsewhere_is_not_trusted() -> None:
    async def main() -> Reply | DnsFault:
        done: asyncio.Future[Reply | DnsFault] = asyncio.get_running_loop().create_future()
        name = dns.name.from_text("example.org")
        question = Question(name, dns.rdatatype.MX, [("192.0.2.53", 53)], 1.0, done.set_result)
        question._server = ("192.0.2.53", 53)
        response = dns.message.make_response(question._query)
        response.flags |= dns.flags.AD
        assert isinstance(response, dns.message.QueryMessage)
        question._take(response, 40)
        return await done

    reply = asyncio.run(main())
    assert isinstance(reply, Reply)
    assert not reply.authentic


def test_the_servers_of_the_system_are_read(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text("# c\nsearch example.org\nnameserver 192.0.2.1\nnameserver bad\nnameserver ::1\noptions edns0\n")
    assert system_nameservers(file) == (("192.0.2.1", 53), ("::1", 53))
    assert system_nameservers(tmp_path / "none") == (("127.0.0.1", 53),)


@given(st.binary(max_size=300), st.booleans())
def test_no_packet_of_a_name_server_breaks_the_reader(noise: bytes, whole: bool) -> None:
    async def main() -> None:
        done: asyncio.Future[Reply | DnsFault] = asyncio.get_running_loop().create_future()
        question = Question(dns.name.from_text("a.b"), dns.rdatatype.TXT, [("127.0.0.1", 9)], 1.0, done.set_result)
        header = b"" if whole else question._query.to_wire()[:2] + b"\x84\x00\x00\x01\x00\x03\x00\x00\x00\x00"
        message = question._read(header + noise)
        if message is not None:
            question._take(message, len(noise))
        question.give_up()

    asyncio.run(main())
