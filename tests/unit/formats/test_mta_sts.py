"""MTA-STS: the record in DNS, and the policy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.formats.mta_sts import MAX_AGE_S, MAX_POLICY, Mode, Policy, PolicyError, find_id, parse_policy

EXAMPLE = b"""version: STSv1\r
mode: enforce\r
mx: mail.example.com\r
mx: *.example.net\r
mx: backupmx.example.com\r
max_age: 604800\r
"""
PATTERNS = ("mail.example.com", "*.example.net", "backupmx.example.com")


@pytest.mark.rfc("8461", "3.1")
@pytest.mark.parametrize(
    ("records", "expected"),
    [
        (["v=STSv1; id=20160831085700Z;"], "20160831085700Z"),
        (["v=STSv1;id=1"], "1"),
        (["v=STSv1 ; other=x.y ; id=1 ; "], "1"),
        (["v=STSv1; id=1; id=2"], "1"),
        (["something else", "v=STSv1; id=1;"], "1"),
        (["v=STSv1; id=1;", "v=STSv1; id=2;"], None),
        (["v=STSv2; id=1;"], None),
        (["V=STSv1; id=1;"], None),
        (["v=STSv1; other=1;"], None),
        (["v=STSv1; id=" + "1" * 33], None),
        (["v=STSv1; id=a_b"], None),
        (["v=STSv1; id="], None),
        (["v=STSv1"], None),
        (["v=STSv1; id=1; nonsense"], None),
        ([], None),
    ],
)
def test_the_record_has_one_id_or_there_is_no_policy(records: list[str], expected: str | None) -> None:
    assert find_id(records) == expected


@given(st.lists(st.text(max_size=60) | st.just("v=STSv1; id=1"), max_size=4))
def test_any_records_have_an_id_or_none(records: list[str]) -> None:
    found = find_id(records)
    assert found is None or found.isalnum()


@pytest.mark.rfc("8461", "3.2")
def test_the_example_of_the_rfc_is_a_policy() -> None:
    policy = Policy(Mode.ENFORCE, PATTERNS, 604800)
    assert parse_policy(EXAMPLE) == policy
    assert parse_policy(EXAMPLE.replace(b"\r", b"")) == policy
    assert parse_policy(EXAMPLE + b"version: 2\r\nmode: none\r\nother: \xc3\xbc\r\n") == policy
    assert parse_policy(EXAMPLE.rstrip()) == policy


def test_a_policy_may_name_no_host_only_if_it_is_none() -> None:
    text = b"version: STSv1\nmode: none\nmax_age: 99999999999"[:-1]
    assert parse_policy(text) == Policy(Mode.NONE, (), MAX_AGE_S)
    with pytest.raises(PolicyError):
        parse_policy(text.replace(b"none", b"testing"))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        EXAMPLE.replace(b"STSv1", b"STSv2"),
        EXAMPLE.replace(b"enforce", b"Enforce"),
        EXAMPLE.replace(b"604800", b"-1"),
        EXAMPLE.replace(b"604800", b"1" * 11),
        EXAMPLE.replace(b"max_age", b"age"),
        EXAMPLE.replace(b"*.example.net", b"*"),
        EXAMPLE.replace(b"*.example.net", b"a.*.net"),
        EXAMPLE.replace(b"*.example.net", b"a b"),
        EXAMPLE + b"<html>\r\n",
        EXAMPLE + b"\xff: x\r\n",
        EXAMPLE + b"x" * MAX_POLICY,
        EXAMPLE + b"mx: a.example\r\n" * 2000,
    ],
)
def test_what_is_no_policy_is_refused(text: bytes) -> None:
    with pytest.raises(PolicyError):
        parse_policy(text)


@given(
    st.binary(max_size=200)
    | st.lists(st.sampled_from([*EXAMPLE.splitlines(keepends=True), b"\r", b": "])).map(b"".join)
)
def test_any_octets_are_a_policy_or_refused(octets: bytes) -> None:
    try:
        policy = parse_policy(octets)
    except PolicyError:
        return
    assert policy.patterns or policy.mode is Mode.NONE


@pytest.mark.rfc("8461", "4.1")
@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("mail.example.com", True),
        ("MAIL.example.com.", True),
        ("a.example.net", True),
        ("example.net", False),
        ("a.b.example.net", False),
        ("example.com", False),
        ("", False),
    ],
)
def test_a_pattern_stands_for_one_label(host: str, allowed: bool) -> None:
    assert Policy(Mode.ENFORCE, PATTERNS, 1).allows(host) is allowed
