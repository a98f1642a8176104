"""DMARC by RFC 9989: records, the walk up the tree of names, alignment, and what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.dns_server import dns_server

from mailkeep.net.resolver import CachingResolver
from mailkeep.smtp.verify.dmarc import (
    Applied,
    Identifiers,
    Policy,
    Record,
    Verdict,
    discover,
    evaluate,
    organizational_domain,
    parse_record,
    walk,
)

NONE, QUARANTINE, REJECT = Policy.NONE, Policy.QUARANTINE, Policy.REJECT


# --- records


@pytest.mark.rfc("9989", "4.7")
@pytest.mark.parametrize(
    ("text", "record"),
    [
        ("v=DMARC1; p=none", Record(policy=NONE)),
        ("v=DMARC1;p=reject;", Record(policy=REJECT)),
        ("v = DMARC1 ; p = Quarantine", Record(policy=QUARANTINE)),
        ("v=DMARC1; p=reject; sp=none; np=quarantine", Record(policy=REJECT, subdomains=NONE, nonexistent=QUARANTINE)),
        ("v=DMARC1; p=reject; adkim=s; aspf=s", Record(policy=REJECT, strict_dkim=True, strict_spf=True)),
        ("v=DMARC1; p=reject; adkim=x; aspf=", Record(policy=REJECT)),
        ("v=DMARC1; p=reject; psd=y", Record(policy=REJECT, public_suffix="y")),
        ("v=DMARC1; p=reject; psd=n", Record(policy=REJECT, public_suffix="n")),
        ("v=DMARC1; p=reject; psd=maybe", Record(policy=REJECT)),
        ("v=DMARC1; p=reject; t=y", Record(policy=REJECT, testing=True)),
        ("v=DMARC1; p=reject; pct=50; fo=1; unknown=x; ; junk; =", Record(policy=REJECT)),
        ("v=DMARC1; p=reject; p=none", Record(policy=REJECT)),
        ("v=DMARC1; rua=mailto:a@example.org", Record(policy=NONE)),
        ("v=DMARC1; p=bad; rua=mailto:a@example.org!10m, https://x.example", Record(policy=NONE)),
        ("v=DMARC1; p=reject; sp=bad; rua=mailto:a@example.org", Record(policy=NONE)),
        ("v=DMARC1; p=reject; np=bad", Record(policy=None)),
        ("v=DMARC1; p=bad; rua=nonsense", Record(policy=None)),
        ("v=DMARC1", Record(policy=None)),
        ("v=DMARC1; psd=y", Record(policy=None, public_suffix="y")),
    ],
)
def test_a_record_is_read(text: str, record: Record) -> None:
    assert parse_record(text.encode()) == record


@pytest.mark.parametrize(
    "text",
    ["", "v=DMARC2; p=none", "v=dmarc1; p=none", "p=none; v=DMARC1", "v=DMARC1x", "v=spf1 -all", " v=DMARC1; p=none"],
)
def test_what_does_not_begin_with_the_version_is_no_record(text: str) -> None:
    assert parse_record(text.encode()) is None


@given(st.binary(max_size=200))
def test_no_text_breaks_the_reader(text: bytes) -> None:
    parse_record(text)
    parse_record(b"v=DMARC1;" + text)


# --- the tree


def ask(zone: str, coroutine: Any, *arguments: object, faults: dict[str, str] | None = None) -> Any:
    async def main(resolver: CachingResolver) -> Any:
        work: Coroutine[Any, Any, Any] = coroutine(resolver, *arguments)
        return await work

    with dns_server(zone, faults=faults) as server:
        found = asyncio.run(main(CachingResolver([(server.host, server.port)])))
        ask.asked = [name for name, _ in server.asked]  # type: ignore[attr-defined]
    return found


def zone(**records: str) -> str:
    """Lines of a zone; ``__`` stands for a dot, and for the top there is `com`."""
    return "\n".join(f'_dmarc.{name.replace("__", ".")}. TXT "v=DMARC1; {text}"' for name, text in records.items())


@pytest.mark.rfc("9989", "4.10")
def test_a_walk_asks_at_most_eight_questions() -> None:
    assert ask("", walk, "a.b.c.d.e.f.g.h.i.j.mail.example.com") == ()
    assert ask.asked == [  # type: ignore[attr-defined]
        "_dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com",
        "_dmarc.g.h.i.j.mail.example.com",
        "_dmarc.h.i.j.mail.example.com",
        "_dmarc.i.j.mail.example.com",
        "_dmarc.j.mail.example.com",
        "_dmarc.mail.example.com",
        "_dmarc.example.com",
        "_dmarc.com",
    ]


@pytest.mark.parametrize("count", range(1, 12))
def test_a_walk_goes_to_the_top_whatever_the_number_of_labels(count: int) -> None:
    name = ".".join(f"l{number}" for number in range(count))
    ask("", walk, name)
    assert ask.asked[0] == f"_dmarc.{name}"  # type: ignore[attr-defined]
    assert ask.asked[-1] == f"_dmarc.l{count - 1}"  # type: ignore[attr-defined]
    assert len(ask.asked) == min(count, 8)  # type: ignore[attr-defined]


@pytest.mark.rfc("9989", "4.10.2")
@pytest.mark.parametrize(
    ("records", "domain", "expected"),
    [
        ({"mail__example__com": "p=none", "example__com": "p=none"}, "a.mail.example.com", "example.com"),
        ({"mail__example__com": "p=none; psd=n", "example__com": "p=none"}, "a.mail.example.com", "mail.example.com"),
        ({"com": "p=none; psd=y"}, "a.mail.example.com", "example.com"),
        ({"example__com": "p=none; psd=y"}, "mail.example.com", "mail.example.com"),
        ({"example__com": "p=none; psd=y"}, "example.com", "example.com"),
        ({"a__mail__example__com": "p=none; psd=n"}, "a.mail.example.com", "a.mail.example.com"),
        ({}, "a.mail.example.com", "a.mail.example.com"),
    ],
)
def test_the_organizational_domain_is_that_of_the_rfc(records: dict[str, str], domain: str, expected: str) -> None:
    assert organizational_domain(domain, ask(zone(**records), walk, domain)) == expected


def test_several_records_of_one_name_are_as_none() -> None:
    two = '_dmarc.example.com. TXT "v=DMARC1; p=reject"\n_dmarc.example.com. TXT "v=DMARC1; p=none"'
    assert ask(two, discover, "example.com") is None
    other = '_dmarc.example.com. TXT "v=DMARC1; " "p=reject"\n_dmarc.example.com. TXT "something else"'
    assert ask(other, discover, "example.com").policy == REJECT


@pytest.mark.rfc("9989", "4.10.1")
@pytest.mark.parametrize(
    ("records", "author", "expected"),
    [
        ({"example__com": "p=reject"}, "example.com", ("example.com", REJECT)),
        ({"example__com": "p=reject; sp=none"}, "example.com", ("example.com", REJECT)),
        ({"example__com": "p=reject"}, "there.example.com", ("example.com", REJECT)),
        ({"example__com": "p=reject; sp=quarantine"}, "there.example.com", ("example.com", QUARANTINE)),
        ({"example__com": "p=none; np=reject"}, "there.example.com", ("example.com", NONE)),
        ({"example__com": "p=none; np=reject"}, "nowhere.example.com", ("example.com", REJECT)),
        ({"example__com": "p=none; sp=quarantine; np=reject"}, "no.example.com", ("example.com", REJECT)),
        ({"example__com": "p=reject; sp=quarantine"}, "nowhere.example.com", ("example.com", QUARANTINE)),
        (
            {"there__example__com": "p=none", "example__com": "p=reject"},
            "there.example.com",
            ("there.example.com", NONE),
        ),
        ({"mail__example__com": "p=none", "example__com": "p=reject"}, "a.mail.example.com", ("example.com", REJECT)),
        ({"com": "p=reject; psd=y"}, "a.example.com", ("com", REJECT)),
        ({"com": "p=none; np=reject; psd=y"}, "no.example.com", ("com", REJECT)),
        ({"com": "p=reject"}, "a.example.com", ("com", REJECT)),
        ({"example__com": "p=reject; t=y"}, "example.com", ("example.com", QUARANTINE)),
        ({"example__com": "p=quarantine; t=y"}, "example.com", ("example.com", NONE)),
        ({"example__com": "p=none; t=y"}, "example.com", ("example.com", NONE)),
        ({"example__com": "p=bad"}, "example.com", None),
        ({}, "example.com", None),
    ],
)
def test_the_policy_that_applies_is_found(
    records: dict[str, str], author: str, expected: tuple[str, Policy] | None
) -> None:
    found: Applied | None = ask(zone(**records) + "\nthere.example.com. A 192.0.2.1", discover, author)
    assert (found and (found.domain, found.policy)) == expected


# --- verdicts


def verdict(records: str, author: str, faults: dict[str, str] | None = None, **names: Any) -> Verdict:
    found: Verdict = ask(records, evaluate, author, Identifiers(**names), faults=faults)
    return found


@pytest.mark.rfc("9989", "4.4")
@pytest.mark.parametrize(
    ("text", "author", "names", "result"),
    [
        ("p=reject", "example.com", {"spf": ("example.com",)}, "pass"),
        ("p=reject", "example.com", {"dkim": ("example.com",)}, "pass"),
        ("p=reject", "example.com", {"dkim": ("other.net", "mail.example.com")}, "pass"),
        ("p=reject", "news.example.com", {"spf": ("foo.example.com",)}, "pass"),
        ("p=reject", "news.example.com", {"spf": ("foo.example.net",)}, "fail"),
        ("p=reject", "example.com", {"spf": ("notexample.com",)}, "fail"),
        ("p=reject", "example.com", {}, "fail"),
        ("p=reject; aspf=s", "example.com", {"spf": ("mail.example.com",)}, "fail"),
        ("p=reject; aspf=s", "example.com", {"dkim": ("mail.example.com",)}, "pass"),
        ("p=reject; adkim=s", "example.com", {"dkim": ("mail.example.com",)}, "fail"),
        ("p=reject; adkim=s", "example.com", {"dkim": ("example.com",)}, "pass"),
    ],
)
def test_a_message_passes_if_something_is_aligned(text: str, author: str, names: dict[str, Any], result: str) -> None:
    assert verdict(zone(example__com=text), author, **names).result == result


def test_a_part_that_is_an_organization_of_its_own_is_not_aligned_with_the_whole() -> None:
    records = zone(example__com="p=reject", own__example__com="p=none; psd=n")
    assert verdict(records, "example.com", dkim=("a.own.example.com",)).result == "fail"
    assert verdict(records, "own.example.com", dkim=("a.own.example.com",)).result == "pass"


def test_customers_of_a_public_suffix_are_not_aligned_with_each_other() -> None:
    records = zone(host__com="p=reject; psd=y")
    assert verdict(records, "a.host.com", dkim=("b.host.com",)).result == "fail"
    assert verdict(records, "a.host.com", dkim=("x.a.host.com",)).result == "pass"


def test_nobody_is_judged_without_a_record() -> None:
    assert verdict("", "example.com", spf=("example.com",)) == Verdict(author="example.com", result="none")
    assert verdict("", "[192.0.2.1]").result == "none"


@pytest.mark.rfc("9989", "5.3.6")
def test_a_fault_of_dns_is_neither_pass_nor_fail() -> None:
    records = zone(example__com="p=reject")
    fault = {"_dmarc.example.com": "SERVFAIL"}
    assert verdict(records, "example.com", fault, spf=("example.com",)).result == "temperror"
    assert verdict(records, "example.com", open_spf=("example.com",)).result == "temperror"
    assert verdict(records, "example.com", open_dkim=("mail.example.com",)).result == "temperror"
    assert verdict(records, "example.com", {"_dmarc.a.example.com": "SERVFAIL"}, dkim=("a.example.com",)) == Verdict(
        author="example.com", result="temperror", policy=REJECT, reason="a name server does not answer"
    )


def test_a_fault_that_could_change_nothing_does_not_count() -> None:
    records = zone(example__com="p=reject")
    assert verdict(records, "example.com", open_spf=("other.net",)).result == "fail"
    assert verdict(records, "example.com", spf=("example.com",), open_dkim=("example.com",)).result == "pass"
    assert verdict(zone(example__com="p=reject; adkim=s"), "example.com", open_dkim=("a.example.com",)).result == "fail"
