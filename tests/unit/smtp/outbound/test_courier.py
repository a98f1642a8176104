"""The courier: which hosts are asked, and what becomes of recipients."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.smtp_peer import CUT, DEAF, SILENT, closed_port, smtp_peer
from tests.unit.smtp.outbound.sending import MESSAGE, codes, courier, figures, octets, run, to
from tests.zones import FAULT, Zones

from mailkeep.model.envelope import Body, Notify, Recipient, Return
from mailkeep.service.spool import Octets
from mailkeep.smtp.courier import Courier
from mailkeep.smtp.outbound.fault import Patience

ONE_HOST = {"example.com": {"MX": ["10 mx.example.com."]}, "mx.example.com": {"A": ["127.0.0.1"]}}


@pytest.mark.parametrize("fast", [False, True], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("offers", [(), ("PIPELINING",)], ids=["in turn", "pipelined"])
def test_a_message_is_taken_as_it_is_for_all_its_recipients(offers: tuple[str, ...], fast: bool) -> None:
    async def main() -> None:
        async with smtp_peer(offers=offers) as peer, courier(Zones(ONE_HOST), peer.port) as made:
            outcomes = await made.send("example.com", to("bob@example.com", "eve@example.com"), octets())
            assert codes(outcomes) == {"bob@example.com": "2.0.0", "eve@example.com": "2.0.0"}
            assert outcomes["bob@example.com"].host == "mx.example.com[127.0.0.1]"
            [taken] = peer.messages
            assert taken.sender == "ann@example.org"
            assert taken.recipients == ("bob@example.com", "eve@example.com")
            assert taken.octets == MESSAGE
            assert peer.commands[0] == "EHLO mail.example.org"

    run(main, fast=fast)


def test_a_large_message_in_a_file_goes_out_in_pieces(tmp_path: Path) -> None:
    data = b"Subject: large\r\n\r\n" + b"a line of some length, and a dot\r\n.\r\n" * 100_000
    file = tmp_path / "message"
    file.write_bytes(data)

    async def main() -> None:
        async with smtp_peer(offers=("PIPELINING", "SIZE")) as peer, courier(Zones(ONE_HOST), peer.port) as made:
            outcomes = await made.send("example.com", to("bob@example.com"), Octets(len(data), b"", None, file))
            assert codes(outcomes) == {"bob@example.com": "2.0.0"}
            assert peer.messages[0].octets == data

    run(main)


@pytest.mark.parametrize("offers", [(), ("PIPELINING",)], ids=["in turn", "pipelined"])
def test_each_recipient_has_the_outcome_that_the_host_says(offers: tuple[str, ...]) -> None:
    answers = {
        "RCPT TO:<no@": "550 5.1.1 no such user",
        "RCPT TO:<full@": "452 4.2.2 mailbox is full",
        "RCPT TO:<old@": "551 no code of its own",
    }

    async def main() -> None:
        async with smtp_peer(offers=offers, answers=answers) as peer, courier(Zones(ONE_HOST), peer.port) as made:
            envelope = to("no@example.com", "full@example.com", "bob@example.com", "old@example.com")
            outcomes = await made.send("example.com", envelope, octets())
            assert codes(outcomes) == {
                "no@example.com": "5.1.1",
                "full@example.com": "4.2.2",
                "bob@example.com": "2.0.0",
                "old@example.com": "5.0.0",
            }
            assert (outcomes["no@example.com"].code, outcomes["no@example.com"].text) == (550, "no such user")
            assert [taken.recipients for taken in peer.messages] == [("bob@example.com",)]
            assert figures(made)["outbound_recipients", "taken"] == 1

    run(main)


@pytest.mark.parametrize("offers", [(), ("PIPELINING",)], ids=["in turn", "pipelined"])
@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"MAIL": "550 5.7.1 not from you"}, "5.7.1"),
        ({"MAIL": "451 4.3.0 later"}, "4.3.0"),
        ({"MAIL": "503 5.5.1 say EHLO first"}, "4.5.1"),
        ({"MAIL": "552 too large"}, "5.0.0"),
        ({"RCPT": "550 5.1.1 nobody"}, "5.1.1"),
        ({"DATA": "451 4.3.0 no disk"}, "4.3.0"),
        ({"DATA": "554 5.5.1 no"}, "5.5.1"),
        ({"DATA": "250 2.0.0 taken"}, "4.4.2"),
        ({"END": "554 5.7.1 spam"}, "5.7.1"),
        ({"END": "452 4.3.1 full"}, "4.3.1"),
        ({"MAIL": "421 4.3.2 leaving"}, "4.3.2"),
        ({"END": "421 4.3.2 leaving"}, "4.3.2"),
        ({"GREETING": "554 5.7.1 not you"}, "4.3.2"),
        ({"GREETING": "521 no mail here"}, "5.3.2"),
        ({"EHLO": "421 4.7.0 busy"}, "4.3.2"),
        ({"MAIL": CUT}, "4.4.2"),
        ({"END": CUT}, "4.4.2"),
        ({"MAIL": b"nonsense\r\n"}, "4.4.2"),
        ({"MAIL": b"354 what?\r\n"}, "4.5.0"),
        ({"GREETING": b"220 " + b"x" * 100_000}, "4.4.2"),
        ({"EHLO": b"250-more\r\n" * 10_000}, "4.4.2"),
        ({"EHLO": b"250 x\r\n" * 3_000}, "4.4.2"),
    ],
)
def test_what_a_host_answers_is_an_outcome_and_never_an_error(
    answers: dict[str, str | bytes], expected: str, offers: tuple[str, ...]
) -> None:
    async def main() -> None:
        async with smtp_peer(offers=offers, answers=answers) as peer, courier(Zones(ONE_HOST), peer.port) as made:
            outcomes = await made.send("example.com", to("bob@example.com"), octets())
            assert codes(outcomes) == {"bob@example.com": expected}
            assert peer.messages == []

    run(main)


ANSWERS = st.binary(max_size=60) | st.sampled_from(
    [
        b"250 ok\r\n",
        b"354 go\r\n",
        b"220 go\r\n",
        b"550 5.1.1 no\r\n",
        b"452 4.5.3 many\r\n",
        b"421 bye\r\n",
        b"250-x\r\n",
        CUT,
    ]
)


@settings(max_examples=80, deadline=None)
@given(
    offers=st.sampled_from([(), ("PIPELINING",), ("PIPELINING", "STARTTLS", "DSN", "SIZE", "LIMITS RCPTMAX=1")]),
    answers=st.dictionaries(
        st.sampled_from(["GREETING", "EHLO", "HELO", "STARTTLS", "MAIL", "RCPT", "DATA", "END", "RSET"]),
        ANSWERS | st.lists(ANSWERS, max_size=3),
        max_size=4,
    ),
)
def test_whatever_a_host_says_everybody_has_an_outcome(
    offers: tuple[str, ...], answers: dict[str, str | bytes | list[str | bytes]]
) -> None:
    short = Patience(connect_s=1, handshake_s=0.05, greeting_s=0.05, command_s=0.05, data_s=0.05, end_s=0.05)

    async def main() -> None:
        async with (
            smtp_peer(offers=offers, answers=answers) as peer,
            courier(Zones(ONE_HOST), peer.port, patience=short) as made,
        ):
            outcomes = await made.send("example.com", to("bob@example.com", "eve@example.com"), octets())
            assert set(outcomes) == {"bob@example.com", "eve@example.com"}
            for address, outcome in outcomes.items():
                assert outcome.enhanced[0] in "245"
                if outcome.is_delivered and "END" not in answers:
                    assert any(address in taken.recipients for taken in peer.messages)

    run(main)


@pytest.mark.rfc("5321", "4.5.3.2")
@pytest.mark.parametrize("silent", ["GREETING", "EHLO", "MAIL", "DATA", "END"])
def test_a_silent_host_is_given_up(silent: str) -> None:
    short = Patience(connect_s=1, greeting_s=0.1, command_s=0.1, data_s=0.1, block_s=0.1, end_s=0.1)

    async def main() -> None:
        async with (
            smtp_peer(answers={silent: SILENT}) as peer,
            courier(Zones(ONE_HOST), peer.port, patience=short) as made,
        ):
            outcomes = await made.send("example.com", to("bob@example.com"), octets())
            assert codes(outcomes) == {"bob@example.com": "4.4.2"}
            assert "does not answer" in outcomes["bob@example.com"].text

    run(main)


def test_a_host_that_does_not_read_the_message_is_given_up(tmp_path: Path) -> None:
    file = tmp_path / "message"
    file.write_bytes(b"x" * 70 + b"\r\n" + b"a line\r\n" * 4_000_000)
    short = Patience(block_s=0.2, data_s=1)

    async def main() -> None:
        async with (
            smtp_peer(offers=("PIPELINING",), answers={"DATA": DEAF}) as peer,
            courier(Zones(ONE_HOST), peer.port, patience=short) as made,
        ):
            outcomes = await made.send(
                "example.com", to("bob@example.com"), Octets(file.stat().st_size, b"", None, file)
            )
            assert "does not read" in outcomes["bob@example.com"].text

    run(main)


@pytest.mark.rfc("5321", "5.1")
def test_hosts_are_tried_in_order_until_one_takes_the_message() -> None:
    zones = Zones(
        {
            "example.com": {"MX": ["30 three.example.com.", "10 one.example.com.", "20 two.example.com."]},
            "one.example.com": {"A": ["127.0.0.77"]},  # nobody there
            "two.example.com": {"A": ["127.0.0.1"]},
            "three.example.com": {"A": ["127.0.0.1"]},
        }
    )

    async def main() -> None:
        async with smtp_peer() as peer, courier(zones, peer.port) as made:
            outcomes = await made.send("example.com", to("bob@example.com"), octets())
            assert outcomes["bob@example.com"].host == "two.example.com[127.0.0.1]"
            assert peer.connections == 1
            assert figures(made)["outbound_connections", "failed"] == 1

    run(main)


def test_recipients_refused_for_now_are_tried_at_the_next_host_and_others_are_not() -> None:
    zones = Zones(
        {
            "example.com": {"MX": ["10 one.example.com.", "20 two.example.com."]},
            "one.example.com": {"A": ["127.0.0.1"]},
            "two.example.com": {"A": ["127.0.0.2"]},
        }
    )
    answers = {"RCPT TO:<later@": "450 4.2.0 later", "RCPT TO:<no@": "550 5.1.1 nobody"}

    async def main() -> None:
        async with (
            smtp_peer(answers=answers) as one,
            smtp_peer(host="127.0.0.2", port=one.port) as two,
            courier(zones, one.port) as made,
        ):
            envelope = to("bob@example.com", "later@example.com", "no@example.com")
            outcomes = await made.send("example.com", envelope, octets())
            assert codes(outcomes) == {
                "bob@example.com": "2.0.0",
                "later@example.com": "2.0.0",
                "no@example.com": "5.1.1",
            }
            assert [taken.recipients for taken in one.messages] == [("bob@example.com",)]
            assert [taken.recipients for taken in two.messages] == [("later@example.com",)]

    run(main)


def test_recipients_put_off_by_two_hosts_are_not_taken_to_a_third() -> None:
    zones = Zones({"example.com": {"A": ["127.0.0.1"] * 4}})

    async def main() -> None:
        async with smtp_peer(answers={"RCPT": "450 4.2.0 greylisted"}) as peer, courier(zones, peer.port) as made:
            outcomes = await made.send("example.com", to("bob@example.com"), octets())
            assert codes(outcomes) == {"bob@example.com": "4.2.0"}
            assert peer.verbs().count("MAIL") == 2

    run(main)


def test_an_address_where_nothing_answers_is_not_waited_for_again() -> None:
    zones = Zones({"example.com": {"A": ["127.0.0.1"]}})
    patience = Patience(connect_s=0.2)

    async def main() -> None:
        full = socket.socket()  # a host that lets nobody in: its queue of connections is full
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        others = []
        for _ in range(3):
            other = socket.socket()
            other.setblocking(False)
            other.connect_ex(full.getsockname())
            others.append(other)
        async with courier(zones, full.getsockname()[1], patience=patience) as made:
            texts = set()
            for _ in range(3):
                outcomes = await made.send("example.com", to("bob@example.com"), octets())
                assert codes(outcomes) == {"bob@example.com": "4.4.1"}
                texts.add(outcomes["bob@example.com"].text)
            assert figures(made)["outbound_connections", "failed"] == 1
            assert texts == {"example.com[127.0.0.1]: no connection within 0.2 s"}
        for other in (*others, full):
            other.close()

    run(main)


def test_a_message_that_may_have_been_taken_is_not_given_to_another_host() -> None:
    zones = Zones(
        {
            "example.com": {"MX": ["10 one.example.com.", "20 two.example.com."]},
            "one.example.com": {"A": ["127.0.0.1"]},
            "two.example.com": {"A": ["127.0.0.2"]},
        }
    )

    async def main() -> None:
        async with (
            smtp_peer(answers={"END": CUT}) as one,
            smtp_peer(host="127.0.0.2", port=one.port) as two,
            courier(zones, one.port) as made,
        ):
            outcomes = await made.send("example.com", to("bob@example.com"), octets())
            assert codes(outcomes) == {"bob@example.com": "4.4.2"}
            assert two.connections == 0

    run(main)


def test_a_connection_is_used_for_the_next_message() -> None:
    async def main() -> None:
        async with smtp_peer() as peer, courier(Zones(ONE_HOST), peer.port) as made:
            for number in range(3):
                await made.send("example.com", to(f"bob{number}@example.com"), octets())
            assert peer.connections == 1
            assert len(peer.messages) == 3
            assert figures(made)["outbound_connections", "reused"] == 2

    run(main)


@pytest.mark.parametrize("offers", [(), ("PIPELINING",)], ids=["in turn", "pipelined"])
@pytest.mark.parametrize("answers", [{"RCPT TO:<no@": "550 5.1.1 nobody"}, {"DATA": ["554 5.5.1 no"]}])
def test_after_a_transaction_in_which_nobody_was_taken_the_connection_is_as_new(
    offers: tuple[str, ...], answers: dict[str, str | bytes | list[str | bytes]]
) -> None:
    async def main() -> None:
        async with (
            smtp_peer(offers=offers, answers=answers) as peer,
            courier(Zones(ONE_HOST), peer.port) as made,
        ):
            await made.send("example.com", to("no@example.com"), octets())
            outcomes = await made.send("example.com", to("bob@example.com"), octets())
            assert codes(outcomes) == {"bob@example.com": "2.0.0"}
            assert peer.connections == 1

    run(main)


@pytest.mark.parametrize("answer", [CUT, "421 4.4.2 idle for too long", "503 5.5.1 nested MAIL"])
def test_a_kept_connection_that_the_host_has_given_up_is_replaced(answer: str) -> None:
    async def main() -> None:
        async with (
            smtp_peer(answers={"MAIL": ["250 ok", answer, "250 ok"]}) as peer,
            courier(Zones(ONE_HOST), peer.port) as made,
        ):
            await made.send("example.com", to("bob@example.com"), octets())
            outcomes = await made.send("example.com", to("eve@example.com"), octets())
            assert codes(outcomes) == {"eve@example.com": "2.0.0"}
            assert peer.connections == 2
            assert len(peer.messages) == 2

    run(main)


def test_a_destination_gets_no_more_connections_at_once_than_allowed() -> None:
    async def main() -> None:
        async with smtp_peer() as peer, courier(Zones(ONE_HOST), peer.port, concurrency=2) as made:
            async with asyncio.TaskGroup() as group:
                for number in range(20):
                    group.create_task(made.send("example.com", to(f"bob{number}@example.com"), octets()))
            assert len(peer.messages) == 20
            assert peer.connections <= 2
            assert made._places._places == {}

    run(main)


def test_whoever_finds_all_connections_taken_for_too_long_is_tried_later() -> None:
    patience = Patience(place_s=0.1, command_s=1)

    async def main() -> None:
        async with (
            smtp_peer(answers={"MAIL": SILENT}) as peer,
            courier(Zones(ONE_HOST), peer.port, patience=patience, concurrency=1) as made,
            asyncio.TaskGroup() as group,
        ):
            tasks = [group.create_task(made.send("example.com", to("bob@example.com"), octets())) for _ in range(2)]
            assert [codes(await task)["bob@example.com"] for task in tasks] == ["4.4.2", "4.4.5"]

    run(main)


@pytest.mark.rfc("5321", "4.5.3.1.10")
@pytest.mark.parametrize("offers", [(), ("PIPELINING",)], ids=["in turn", "pipelined"])
def test_recipients_too_many_for_one_transaction_go_in_the_next(offers: tuple[str, ...]) -> None:
    too_many = "452 4.5.3 too many recipients"
    answers = {"RCPT": ["250 ok", "250 ok", too_many, too_many, "250 ok", "250 ok"]}

    async def main() -> None:
        async with smtp_peer(offers=offers, answers=answers) as peer, courier(Zones(ONE_HOST), peer.port) as made:
            envelope = to(*(f"{name}@example.com" for name in "abcd"))
            outcomes = await made.send("example.com", envelope, octets())
            assert set(codes(outcomes).values()) == {"2.0.0"}
            assert [len(taken.recipients) for taken in peer.messages] == [2, 2]

    run(main)


@pytest.mark.rfc("9422", "4")
def test_limits_that_the_host_tells_are_kept() -> None:
    async def main() -> None:
        async with (
            smtp_peer(offers=("PIPELINING", "LIMITS MAILMAX=5 RCPTMAX=3")) as peer,
            courier(Zones(ONE_HOST), peer.port) as made,
        ):
            await made.send("example.com", to(*(f"{n}@example.com" for n in range(7))), octets())
            assert [len(taken.recipients) for taken in peer.messages] == [3, 3, 1]

    run(main)


# ---- what DNS says -----------------------------------------------------------------------------------------------


async def _outcome(zones: Zones, domain: str, port: int, hostname: str = "mail.example.org") -> str:
    async with courier(zones, port, hostname=hostname) as made:
        return codes(await made.send(domain, to(f"bob@{domain}"), octets()))[f"bob@{domain}"]


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ({}, "5.1.2"),
        ({"example.com": {"MX": ["0 ."]}}, "5.1.10"),
        ({"example.com": {"TXT": ['"nothing else"']}}, "5.4.4"),
        ({"example.com": {"MX": ["10 a\\032b.example.com.", "10 *.example.com."]}}, "5.4.4"),
        ({"example.com": {"MX": FAULT}}, "4.4.3"),
        ({"example.com": {"A": FAULT}}, "4.4.3"),
        ({"example.com": {"A": ["127.0.0.1"], "AAAA": FAULT}}, "2.0.0"),
        ({"example.com": {"MX": ["10 mx.example.com."]}, "mx.example.com": {"A": FAULT}}, "4.4.3"),
        ({"example.com": {"MX": ["10 mx.example.com."]}}, "5.4.4"),
        ({"example.com": {"MX": ["10 mail.example.org.", "20 mx.example.com."]}}, "5.4.6"),
        ({"example.com": {"A": ["127.0.0.1"]}}, "2.0.0"),
        ({"example.com": {"CNAME": "other.example"}, "other.example": {"A": ["127.0.0.1"]}}, "2.0.0"),
        ({"example.com": {"MX": ["0 .", "10 mx.example.com."]}, "mx.example.com": {"A": ["127.0.0.1"]}}, "2.0.0"),
        (
            {
                "example.com": {"MX": ["10 mx.example.com.", "20 mail.example.org."]},
                "mx.example.com": {"A": ["127.0.0.1"]},
            },
            "2.0.0",
        ),
        # A host that DNS is silent about may have been the one that takes it: later, whatever the others say.
        (
            {
                "example.com": {"MX": ["10 none.example.com.", "20 mx.example.com."]},
                "mx.example.com": {"A": FAULT},
            },
            "4.4.3",
        ),
    ],
)
def test_what_dns_says_of_a_domain_decides(zone: dict[str, dict[str, list[str] | str]], expected: str) -> None:
    async def main() -> None:
        async with smtp_peer() as peer:
            assert await _outcome(Zones(zone), "example.com", peer.port) == expected

    run(main)


@pytest.mark.parametrize(
    ("domain", "expected"),
    [("[127.0.0.1]", "2.0.0"), ("[300.1.1.1]", "5.1.2"), ("[IPv6:nonsense]", "5.1.2"), ("[nonsense]", "5.1.2")],
)
def test_an_address_literal_is_where_it_says(domain: str, expected: str) -> None:
    async def main() -> None:
        async with smtp_peer() as peer:
            assert await _outcome(Zones({}), domain, peer.port) == expected

    run(main)


def test_ipv6_comes_first_and_ipv4_when_that_fails() -> None:
    zones = Zones({"example.com": {"AAAA": ["::1"], "A": ["127.0.0.1"]}})

    async def main() -> None:
        async with smtp_peer(host="127.0.0.1") as old, courier(zones, old.port) as made:
            outcomes = await made.send("example.com", to("bob@example.com"), octets())
            assert outcomes["bob@example.com"].host == "example.com[127.0.0.1]"
        async with smtp_peer(host="::1") as new, courier(zones, new.port) as made:
            outcomes = await made.send("example.com", to("bob@example.com"), octets())
            assert outcomes["bob@example.com"].host == "example.com[::1]"

    run(main)


def test_a_domain_of_letters_beyond_ascii_is_looked_up_by_its_a_label() -> None:
    zones = Zones({"xn--bcher-kva.example": {"A": ["127.0.0.1"]}})

    async def main() -> None:
        async with smtp_peer() as peer, courier(zones, peer.port) as made:
            outcomes = await made.send("bücher.example", to("bob@bücher.example"), octets())
            assert codes(outcomes) == {"bob@bücher.example": "2.0.0"}
            assert peer.messages[0].recipients == ("bob@xn--bcher-kva.example",)

    run(main)


def test_where_nobody_listens_it_is_tried_later() -> None:
    async def main() -> None:
        with closed_port() as port:
            assert await _outcome(Zones(ONE_HOST), "example.com", port) == "4.4.1"

    run(main)


def test_an_attempt_ends_after_some_time_whatever_happens() -> None:
    patience = Patience(whole_s=0.2)

    async def main() -> None:
        async with (
            smtp_peer(answers={"MAIL": SILENT}) as peer,
            courier(Zones(ONE_HOST), peer.port, patience=patience) as made,
        ):
            outcomes = await made.send("example.com", to("bob@example.com"), octets())
            assert codes(outcomes) == {"bob@example.com": "4.4.7"}
            assert made._places._places == {}

    run(main)


# ---- extensions --------------------------------------------------------------------------------------------------


async def _sent(
    offers: tuple[str, ...], data: bytes, *recipients: str | Recipient, **more: object
) -> tuple[str, list[str]]:
    async with smtp_peer(offers=offers) as peer, courier(Zones(ONE_HOST), peer.port) as made:
        envelope = to(*(recipients or ("bob@example.com",)), **more)
        outcomes = await made.send("example.com", envelope, octets(data))
        lines = [line for line in peer.commands if line.split(" ")[0] in ("MAIL", "RCPT", "BDAT")]
        return outcomes[envelope.recipients[0].address].enhanced, lines


ASCII = b"Subject: plain\r\n\r\nplain\r\n"
EIGHT = b"Subject: plain\r\n\r\nb\xc3\xbccher\r\n"
GLOBAL = b"Subject: b\xc3\xbccher\r\n\r\nplain\r\n"


@pytest.mark.parametrize(
    ("offers", "data", "more", "expected", "mail"),
    [
        ((), ASCII, {"body": Body.EIGHT_BIT}, "2.0.0", "MAIL FROM:<ann@example.org>"),
        (("8BITMIME",), ASCII, {"body": Body.EIGHT_BIT}, "2.0.0", "MAIL FROM:<ann@example.org>"),
        (("8BITMIME",), EIGHT, {"body": Body.EIGHT_BIT}, "2.0.0", "MAIL FROM:<ann@example.org> BODY=8BITMIME"),
        (("8BITMIME",), EIGHT, {}, "2.0.0", "MAIL FROM:<ann@example.org> BODY=8BITMIME"),
        ((), EIGHT, {"body": Body.EIGHT_BIT}, "5.6.3", None),
        ((), ASCII, {"smtputf8": True}, "2.0.0", "MAIL FROM:<ann@example.org>"),
        (("SMTPUTF8",), ASCII, {"smtputf8": True}, "2.0.0", "MAIL FROM:<ann@example.org>"),
        (
            ("SMTPUTF8", "8BITMIME"),
            GLOBAL,
            {"smtputf8": True},
            "2.0.0",
            "MAIL FROM:<ann@example.org> BODY=8BITMIME SMTPUTF8",
        ),
        (("8BITMIME",), GLOBAL, {"smtputf8": True}, "5.6.7", None),
        (("8BITMIME",), ASCII, {"sender": "änn@example.org", "smtputf8": True}, "5.6.7", None),
        ((), ASCII, {"sender": ""}, "2.0.0", "MAIL FROM:<>"),
        (("SIZE 100",), ASCII, {}, "2.0.0", f"MAIL FROM:<ann@example.org> SIZE={len(ASCII)}"),
        (("SIZE",), ASCII, {}, "2.0.0", f"MAIL FROM:<ann@example.org> SIZE={len(ASCII)}"),
        (("SIZE 10",), ASCII, {}, "5.3.4", None),
        (("8BITMIME",), ASCII, {"body": Body.BINARY}, "2.0.0", "MAIL FROM:<ann@example.org>"),
        (("8BITMIME",), EIGHT, {"body": Body.BINARY}, "2.0.0", "MAIL FROM:<ann@example.org> BODY=8BITMIME"),
        (("8BITMIME",), ASCII + b"x" * 999, {"body": Body.BINARY}, "5.6.3", None),
        (("8BITMIME",), ASCII + b"\0", {"body": Body.BINARY}, "5.6.3", None),
        (("8BITMIME",), ASCII + b"a\nb", {"body": Body.BINARY}, "5.6.3", None),
        (
            ("BINARYMIME", "CHUNKING"),
            b"\0\n\r.\r\n",
            {"body": Body.BINARY},
            "2.0.0",
            "MAIL FROM:<ann@example.org> BODY=BINARYMIME",
        ),
        (
            ("DSN",),
            ASCII,
            {"returns": Return.HDRS, "envelope_id": "a b+c"},
            "2.0.0",
            "MAIL FROM:<ann@example.org> RET=HDRS ENVID=a+20b+2Bc",
        ),
        ((), ASCII, {"returns": Return.HDRS, "envelope_id": "x"}, "2.0.0", "MAIL FROM:<ann@example.org>"),
        ((), ASCII, {"sender": "a>\r\nRCPT TO:<x@y"}, "5.1.3", None),
    ],
)
def test_a_message_is_given_in_the_form_that_the_host_can_take(
    offers: tuple[str, ...], data: bytes, more: dict[str, object], expected: str, mail: str | None
) -> None:
    async def main() -> None:
        outcome, lines = await _sent(offers, data, **more)
        assert outcome == expected
        assert (lines[0] if lines else None) == mail

    run(main)


def test_a_binary_message_goes_as_one_chunk_unchanged() -> None:
    data = b"Subject: binary\r\n\r\n\0\n\r.\r\n.\r\nx"

    async def main() -> None:
        async with (
            smtp_peer(offers=("BINARYMIME", "CHUNKING", "PIPELINING")) as peer,
            courier(Zones(ONE_HOST), peer.port) as made,
        ):
            await made.send("example.com", to("bob@example.com", body=Body.BINARY), octets(data))
            assert peer.messages[0].octets == data
            assert f"BDAT {len(data)} LAST" in peer.commands

    run(main)


@pytest.mark.rfc("3461", "5.2.1")
@pytest.mark.rfc("3461", "5.2.2")
@pytest.mark.parametrize(
    ("recipient", "line"),
    [
        (Recipient("b@example.com"), "RCPT TO:<b@example.com>"),
        (Recipient("b@example.com", Notify.NEVER), "RCPT TO:<b@example.com> NOTIFY=NEVER"),
        (
            Recipient("b@example.com", Notify.SUCCESS | Notify.DELAY, "rfc822;B+c@example.com"),
            "RCPT TO:<b@example.com> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;B+2Bc@example.com",
        ),
    ],
)
def test_what_is_to_be_reported_is_passed_on_to_hosts_that_know_it(recipient: Recipient, line: str) -> None:
    async def main() -> None:
        for offers, expected in ((("DSN",), line), ((), line.split(" NOTIFY")[0])):
            _, lines = await _sent(offers, ASCII, recipient)
            assert lines[1] == expected

    run(main)


@pytest.mark.rfc("6533", "3")
@pytest.mark.parametrize(
    ("offers", "data", "original"),
    [
        (("DSN", "8BITMIME"), ASCII, r"utf-8;b\x{FC}+@example.com"),
        (("DSN", "8BITMIME", "SMTPUTF8"), GLOBAL, "utf-8;bü@example.com"),
    ],
)
def test_an_original_recipient_beyond_ascii_has_an_encoding_of_its_own(
    offers: tuple[str, ...], data: bytes, original: str
) -> None:
    async def main() -> None:
        typed = original.replace(r"\x{FC}", "ü")
        _, lines = await _sent(offers, data, Recipient("b@example.com", original=typed))
        assert lines[1] == f"RCPT TO:<b@example.com> ORCPT={original.replace('+', chr(92) + 'x{2B}')}"

    run(main)


@pytest.mark.parametrize(("offers", "promised"), [(("DSN",), True), ((), False)])
def test_a_report_of_success_is_promised_only_by_hosts_that_know_how(offers: tuple[str, ...], promised: bool) -> None:
    async def main() -> None:
        async with smtp_peer(offers=offers) as peer, courier(Zones(ONE_HOST), peer.port) as made:
            outcomes = await made.send("example.com", to(Recipient("b@example.com", Notify.SUCCESS)), octets())
            assert outcomes["b@example.com"].reports is promised

    run(main)


def test_bare_line_ends_leave_as_line_ends_so_that_nothing_can_be_smuggled() -> None:
    data = b"Subject: x\r\n\r\none\n.\nMAIL FROM:<evil@example.org>\r.\r\n\n"

    async def main() -> None:
        async with smtp_peer() as peer, courier(Zones(ONE_HOST), peer.port) as made:
            await made.send("example.com", to("bob@example.com"), octets(data))
            expected = b"Subject: x\r\n\r\none\r\n.\r\nMAIL FROM:<evil@example.org>\r\n.\r\n\r\n"
            assert [taken.octets for taken in peer.messages] == [expected]

    run(main)


def test_a_host_that_knows_no_extensions_is_greeted_the_old_way() -> None:
    async def main() -> None:
        async with smtp_peer(answers={"EHLO": "502 5.5.1 what?"}) as peer, courier(Zones(ONE_HOST), peer.port) as made:
            outcomes = await made.send("example.com", to("bob@example.com"), octets())
            assert codes(outcomes) == {"bob@example.com": "2.0.0"}
            assert peer.verbs()[:2] == ["EHLO", "HELO"]

    run(main)


def test_connections_that_are_kept_say_goodbye_when_the_server_stops() -> None:
    async def main() -> None:
        async with smtp_peer() as peer:
            async with courier(Zones(ONE_HOST), peer.port) as made:
                await made.send("example.com", to("bob@example.com"), octets())
                assert isinstance(made, Courier)
            async with asyncio.timeout(5):
                while "QUIT" not in peer.verbs():
                    await asyncio.sleep(0)

    run(main)
