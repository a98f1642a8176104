"""The judge as a whole: a message, a zone, and what becomes of it."""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import socket
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dkim
import dns.rdata
import dns.resolver
import pytest
import spf
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dns_server import dns_server
from tests.signing import Owner, Set, sealed

from mailkeep.net.lane import Lane
from mailkeep.net.resolver import Answer, CachingResolver, DnsFault
from mailkeep.service.spool import Octets, Spool
from mailkeep.smtp.judging import Action, Arriving, Opinion
from mailkeep.smtp.verify import judge
from mailkeep.smtp.verify.judge import Mode, Rules, SenderJudge

ANN = Owner("example.org")
LIST = Owner("list.example")
FRIEND, STRANGER = "192.0.2.7", "198.51.100.66"
MESSAGE = (
    b"From: Ann <ann@example.org>\r\nTo: bob@example.net\r\nSubject: hello\r\n"
    b"Date: Tue, 24 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\nHello Bob\r\n"
)
ZONE = (
    f"""
example.org.          TXT "v=spf1 ip4:{FRIEND} -all"
_dmarc.example.org.   TXT "v=DMARC1; p=reject"
quarantined.example.  TXT "v=spf1 -all"
_dmarc.quarantined.example. TXT "v=DMARC1; p=quarantine"
told.example.         TXT "v=spf1 -all"
_dmarc.told.example.  TXT "v=DMARC1; p=none"
asks.example.         TXT "v=spf1 a mx ptr exists:%{{i}}.asks.example include:told.example exp=why.example ?all"
"""
    + ANN.zone
    + LIST.zone
)


def spooled(message: bytes) -> Octets:
    return Octets(len(message), hashlib.sha256(message).digest(), message, None)


def decide(
    message: bytes | Octets,
    peer: str = STRANGER,
    *,
    sender: str = "ann@example.org",
    faults: dict[str, str] | None = None,
    asked: list[tuple[str, str]] | None = None,
    timeout_s: float = 5.0,
    found: Counter[tuple[str, str]] | None = None,
    **rules: Any,
) -> Opinion:
    async def main(resolver: CachingResolver) -> Opinion:
        async with asyncio.TaskGroup() as tasks:
            counts: Counter[tuple[str, str]] = Counter() if found is None else found
            one = SenderJudge(resolver, Rules(hostname="mx.example.net", **rules), Lane(tasks.create_task), counts)
            return await one.judge(
                Arriving(
                    peer=peer,
                    peer_name="",
                    helo="client.example.org",
                    tls=True,
                    user="",
                    reverse_path=sender,
                    recipients=("bob@example.net",),
                    octets=spooled(message) if isinstance(message, bytes) else message,
                )
            )

    with dns_server(ZONE, faults=faults) as server:
        opinion = asyncio.run(main(CachingResolver([(server.host, server.port)], timeout_s=timeout_s)))
        if asked is not None:
            asked += server.asked
    return opinion


def code(opinion: Opinion) -> tuple[Action, int, str]:
    assert opinion.reply is not None
    return opinion.action, opinion.reply.code, opinion.reply.enhanced


def forged_from(domain: str) -> bytes:
    return MESSAGE.replace(b"ann@example.org", f"ann@{domain}".encode())


def test_mail_from_a_host_of_the_domain_is_let_in() -> None:
    opinion = decide(MESSAGE, FRIEND)
    assert opinion.action is Action.ACCEPT
    assert opinion.octets is None
    results, _, spf = opinion.fields.partition(b"Received-SPF: ")
    assert results.startswith(b"Authentication-Results: mx.example.net;\r\n\tdkim=none;\r\n\tspf=pass smtp.mailfrom=")
    assert b"dmarc=pass (p=reject) header.from=example.org;" in results
    assert spf.startswith(b"pass (")


def test_signed_mail_is_let_in_from_anywhere() -> None:
    opinion = decide(ANN.sign(MESSAGE), sender="bounces@other.example")
    assert opinion.action is Action.ACCEPT
    assert b"dkim=pass header.d=example.org header.s=s1 header.a=rsa-sha256" in opinion.fields
    assert b"dmarc=pass" in opinion.fields


def test_a_long_header_is_read_apart_with_the_same_result() -> None:
    long = b"Authentication-Results: mx.example.net; dmarc=pass\r\n" + b"X: y\r\n" * (judge.QUICK // 5)
    opinion = decide(long + MESSAGE, FRIEND)
    assert opinion.action is Action.ACCEPT
    assert opinion.octets is not None
    assert opinion.octets.head(30).startswith(b"X-Not-Ours-")
    assert code(decide(long + MESSAGE)) == (Action.REJECT, 550, "5.7.1")


@pytest.mark.rfc("5322", "2.2")
@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\r\n", b"\n\n"])
def test_a_cr_or_lf_alone_in_the_header_hides_no_field(end: bytes) -> None:
    hidden = b"From: eve@silent.example\r\nX: y" + end + b"From: ceo@bank.example\r\n\r\nHello\r\n"
    for peer in (STRANGER, "127.0.0.1"):
        assert code(decide(hidden, peer)) == (Action.REJECT, 550, "5.6.0")
    assert decide(b"From: eve@silent.example\r\n\r\n\r").action is Action.ACCEPT


@pytest.mark.rfc("5322", "2.2.3")
@pytest.mark.parametrize("space", [b" ", b"\t"])
def test_a_message_cannot_continue_a_line_of_ours(space: bytes) -> None:
    for peer in (FRIEND, "127.0.0.1"):
        assert code(decide(space + b"; dmarc=pass\r\n" + MESSAGE, peer)) == (Action.REJECT, 550, "5.6.0")


@pytest.mark.rfc("9989", "7.2")
def test_mail_that_is_not_from_where_it_says_is_refused_if_its_domain_asks_for_that() -> None:
    opinion = decide(MESSAGE)
    assert code(opinion) == (Action.REJECT, 550, "5.7.1")
    assert opinion.reply is not None
    assert "DMARC" in opinion.reply.text


def test_mail_goes_to_junk_if_its_domain_asks_for_that() -> None:
    opinion = decide(forged_from("quarantined.example"))
    assert opinion.action is Action.JUNK
    assert b"dmarc=fail (p=quarantine) header.from=quarantined.example" in opinion.fields


def test_mail_is_let_in_if_its_domain_only_wants_to_know_or_says_nothing() -> None:
    opinion = decide(forged_from("told.example"))
    assert opinion.action is Action.ACCEPT
    assert b"dmarc=fail (p=none)" in opinion.fields
    opinion = decide(forged_from("silent.example"))
    assert opinion.action is Action.ACCEPT
    assert b"dmarc=none header.from=silent.example" in opinion.fields


def test_a_changed_message_is_no_longer_signed() -> None:
    assert code(decide(ANN.sign(MESSAGE).replace(b"Bob\r\n", b"Rob\r\n")))[1] == 550


@pytest.mark.rfc("9989", "5.3.6")
@pytest.mark.parametrize(
    "faults",
    [
        {"_dmarc.example.org": "SERVFAIL"},
        {"example.org TXT": "SERVFAIL"},
        {ANN.name: "REFUSED"},
    ],
)
def test_a_fault_of_dns_on_which_it_depends_is_a_temporary_answer(faults: dict[str, str]) -> None:
    opinion = decide(ANN.sign(MESSAGE).replace(b"Bob\r\n", b"Bob!\r\n") if "TXT" in str(faults) else ANN.sign(MESSAGE),
                     faults=faults)  # fmt: skip
    assert code(opinion) == (Action.DEFER, 451, "4.4.3")


def test_a_fault_of_dns_on_which_nothing_depends_changes_nothing() -> None:
    assert decide(ANN.sign(MESSAGE), faults={"example.org TXT": "SERVFAIL"}).action is Action.ACCEPT
    assert decide(MESSAGE, FRIEND, faults={ANN.name: "SERVFAIL"}).action is Action.ACCEPT
    told = decide(forged_from("told.example"), sender="a@told.example", faults={"told.example": "SERVFAIL"})
    assert told.action is Action.ACCEPT
    assert b"spf=temperror" in told.fields


def test_a_name_server_that_says_nothing_is_a_temporary_answer_in_time() -> None:
    opinion = decide(MESSAGE, faults=dict.fromkeys(("example.org", "_dmarc.example.org"), "TIMEOUT"), timeout_s=0.2)
    assert code(opinion)[0] is Action.DEFER


def test_all_questions_about_one_message_have_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "DEADLINE_S", 0.2)
    opinion = decide(MESSAGE, faults={"_dmarc.example.org": "TIMEOUT"}, timeout_s=60.0)
    assert code(opinion)[0] is Action.DEFER


def test_one_message_asks_only_a_few_questions_at_a_time() -> None:
    """It may be signed in the name of fifty domains whose servers never answer, and others have questions too."""
    waiting: list[asyncio.Event] = []

    class Silent:
        async def look_up(self, name: str, kind: str) -> Answer:
            waiting.append(asyncio.Event())
            await waiting[-1].wait()
            return Answer((), exists=False, authentic=False, name=name)

    async def main() -> None:
        asking = judge._Questions(Silent())
        async with asyncio.TaskGroup() as tasks:
            for number in range(20):
                tasks.create_task(asking.look_up(f"{number}.example", "TXT"))
            for answered in range(20):
                while len(waiting) <= answered:
                    await asyncio.sleep(0)
                assert len(waiting) <= answered + judge.AT_ONCE
                waiting[answered].set()

    asyncio.run(main())
    assert len(waiting) == 20


def test_only_telling_refuses_nobody() -> None:
    opinion = decide(MESSAGE, mode=Mode.TELL)
    assert opinion.action is Action.ACCEPT
    assert b"dmarc=fail (p=reject)" in opinion.fields
    assert decide(MESSAGE, mode=Mode.TELL, faults={"_dmarc.example.org": "SERVFAIL"}).action is Action.ACCEPT


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "10.1.2.3", "::ffff:10.1.2.3", ""])
def test_this_machine_and_networks_of_ones_own_are_not_checked(peer: str) -> None:
    asked: list[tuple[str, str]] = []
    opinion = decide(MESSAGE, peer, asked=asked, exempt=(ipaddress.ip_network("10.0.0.0/8"),))
    assert opinion == Opinion(fields=b"Authentication-Results: mx.example.net; none\r\n")
    assert asked == []


def test_the_libraries_never_ask_dns_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a library asks DNS")

    for library, name in ((spf, "DNSLookup"), (dkim, "get_txt"), (dns.resolver, "resolve"), (socket, "getaddrinfo")):
        monkeypatch.setattr(library, name, never)
    asking = sealed(LISTED, [LIST.seal(LISTED, [], FOUND)])
    assert decide(ANN.sign(asking), sender="a@asks.example").action is Action.ACCEPT


def test_what_was_found_is_counted() -> None:
    found: Counter[tuple[str, str]] = Counter()
    decide(ANN.sign(ANN.sign(MESSAGE)), found=found)
    decide(MESSAGE, found=found)
    assert found == {
        ("spf", "fail"): 2,
        ("arc", "none"): 2,
        ("dkim", "pass"): 2,
        ("dmarc", "pass"): 1,
        ("dmarc", "fail"): 1,
    }


# --- who it is from


def test_of_several_authors_the_strictest_policy_counts() -> None:
    two = MESSAGE.replace(b"From: Ann <ann@example.org>", b"From: a@told.example, b@quarantined.example")
    assert decide(two).action is Action.JUNK
    assert code(decide(b"From: a@silent.example\r\n" + MESSAGE))[1] == 550
    assert code(decide(MESSAGE.replace(b"From: ", b"From: x@quarantined.example, ")))[1] == 550


def test_mail_from_nobody_goes_to_junk() -> None:
    opinion = decide(MESSAGE.replace(b"From: ", b"X-From: "))
    assert opinion.action is Action.JUNK
    assert b"dmarc=permerror" in opinion.fields


def test_the_null_path_is_checked_by_the_name_of_the_client() -> None:
    fields = decide(forged_from("silent.example"), sender="").fields
    assert b"spf=none smtp.mailfrom=client.example.org;" in fields
    assert b"smtp.helo" not in fields


def test_a_header_that_is_too_large_is_refused() -> None:
    assert code(decide(b"X: y\r\n" * 100_000 + MESSAGE)) == (Action.REJECT, 552, "5.3.4")


# --- what came with it


def test_forged_results_are_renamed_after_signatures_were_checked() -> None:
    forged = b"Authentication-Results: mx.example.net; dmarc=pass header.from=bank.example\r\n"
    signed = ANN.sign(forged + MESSAGE, include_headers=[b"from", b"authentication-results"])
    opinion = decide(signed)
    assert opinion.action is Action.ACCEPT
    assert opinion.octets is not None
    cleaned = b"".join(opinion.octets.pieces())
    assert cleaned == signed.replace(forged, b"X-Not-Ours-" + forged)
    assert opinion.octets.sha256 == hashlib.sha256(cleaned).digest()


def test_forged_results_are_renamed_even_if_nothing_is_checked() -> None:
    forged = b"Authentication-Results: mx.example.net; dmarc=pass header.from=bank.example\r\n"
    for opinion in (decide(forged + MESSAGE, mode=Mode.OFF), decide(forged + MESSAGE, "127.0.0.1")):
        assert opinion.action is Action.ACCEPT
        assert opinion.octets is not None
        assert b"".join(opinion.octets.pieces()) == b"X-Not-Ours-" + forged + MESSAGE


def test_a_large_message_in_a_file_is_checked_and_cleaned_piece_by_piece(tmp_path: Path) -> None:
    whole = b"Authentication-Results: mx.example.net; none\r\n" + ANN.sign(MESSAGE + b"0123456789 abcdef\r\n" * 200_000)
    spool = Spool(tmp_path, 10_000_000)
    spool.write(whole)
    octets = spool.finish()
    assert octets.path is not None
    opinion = decide(octets)
    assert opinion.action is Action.ACCEPT
    assert opinion.octets is not None
    assert b"dkim=pass" in opinion.fields
    assert b"".join(opinion.octets.pieces()) == b"X-Not-Ours-" + whole


def test_a_message_whose_file_cannot_be_read_is_asked_for_again(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10_000_000)
    spool.write(ANN.sign(MESSAGE + b"x" * 2_000_000))
    octets = spool.finish()
    octets.discard()
    assert code(decide(octets)) == (Action.DEFER, 451, "4.3.0")


def test_a_message_whose_file_goes_while_it_is_checked_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path, 10_000_000)
    spool.write(ANN.sign(MESSAGE + b"x" * 2_000_000))
    octets = spool.finish()
    head = octets.head(10_000)
    octets.discard()
    monkeypatch.setattr(Octets, "head", lambda _self, _size: head)
    assert code(decide(octets)) == (Action.DEFER, 451, "4.3.0")


# --- ARC

LISTED = MESSAGE.replace(b"Subject: ", b"Subject: [list] ")


def passed_on(found: str, *more: Owner, sender: str = "list@list.example", **rules: Any) -> Opinion:
    sets: list[Set] = [LIST.seal(LISTED, [], found)]
    for owner in more:
        sets.append(owner.seal(LISTED, sets, "mx; arc=pass"))
    return decide(sealed(LISTED, sets), sender=sender, **rules)


FOUND = "mx.list.example; dmarc=pass header.from=example.org"


def test_a_chain_is_told_but_changes_nothing_by_itself() -> None:
    opinion = passed_on(FOUND)
    assert code(opinion)[1] == 550
    assert b"arc=pass (set 1 is sealed by list.example)" in passed_on(FOUND, mode=Mode.TELL).fields


@pytest.mark.rfc("8617", "7.2")
def test_the_word_of_a_trusted_sealer_counts() -> None:
    opinion = passed_on(FOUND, sealers=frozenset({"list.example"}))
    assert opinion.action is Action.ACCEPT
    assert b'dmarc=fail (p=none) reason="it passed before' in opinion.fields


@pytest.mark.parametrize(
    ("found", "more", "sealers"),
    [
        (FOUND, [], {"ist.example"}),
        (FOUND, [Owner("example.org")], {"list.example"}),
        (FOUND.replace("pass", "fail"), [], {"list.example"}),
        (FOUND.replace("example.org", "other.example"), [], {"list.example"}),
    ],
)
def test_no_other_word_counts(found: str, more: Sequence[Owner], sealers: set[str]) -> None:
    assert code(passed_on(found, *more, sealers=frozenset(sealers)))[1] == 550


def test_a_chain_that_is_broken_counts_for_nothing() -> None:
    sets = [LIST.seal(LISTED, [], FOUND)]
    broken = sealed(LISTED + b"more\r\n", sets)
    opinion = decide(broken, sender="list@list.example", sealers=frozenset({"list.example"}))
    assert code(opinion)[1] == 550


# --- whatever comes

PARTS = st.lists(
    st.sampled_from(
        [
            b"From: ",
            b"from:",
            b"DKIM-Signature: ",
            b"ARC-Seal: ",
            b"ARC-Message-Signature: i=1; ",
            b"Authentication-Results:",
            b"ARC-Authentication-Results: i=1; ",
            b"v=1; ",
            b"a=rsa-sha256; ",
            b"d=example.org; ",
            b"s=s1; ",
            b"h=from; ",
            b"cv=none; ",
            b"bh=AAAA; ",
            b"b=AAAA; ",
            b"i=1; ",
            b"\r\n",
            b"\r\n ",
            b"\r\n\r\n",
            b"ann@example.org",
            b", ",
            b"<",
            b">",
            b'"',
            b"(",
        ]
    )
    | st.binary(max_size=6),
    max_size=30,
).map(b"".join)


class Oracle:
    """A resolver that has one answer to everything."""

    def __init__(self, text: bytes | None) -> None:
        self.text = text

    async def look_up(self, name: str, kind: str) -> Answer:
        if self.text is None:
            raise DnsFault("none")
        if kind != "TXT":
            return Answer((), exists=False, authentic=False, name=name)
        octets = "".join(f"\\{octet:03d}" for octet in self.text[:250])
        return Answer((dns.rdata.from_text("IN", "TXT", f'"{octets}"'),), exists=True, authentic=False, name=name)


@settings(deadline=None)
@given(
    PARTS,
    st.text(max_size=30),
    st.text(max_size=30),
    st.sampled_from([None, b"", b"v=spf1 -all", b"v=DMARC1; p=reject", b"v=DKIM1; p=AAAA"]),
)
def test_no_message_and_no_envelope_makes_the_judge_raise(
    message: bytes, helo: str, sender: str, answer: bytes | None
) -> None:
    async def main() -> Opinion:
        async with asyncio.TaskGroup() as tasks:
            one = SenderJudge(Oracle(answer), Rules(hostname="mx.example.net"), Lane(tasks.create_task), Counter())
            return await one.judge(
                Arriving(
                    peer=STRANGER,
                    peer_name="",
                    helo=helo,
                    tls=False,
                    user="",
                    reverse_path=sender,
                    recipients=(),
                    octets=spooled(message),
                )
            )

    opinion = asyncio.run(main())
    opinion.fields.decode("ascii")
    assert (opinion.reply is not None) == (opinion.action in {Action.REJECT, Action.DEFER})
