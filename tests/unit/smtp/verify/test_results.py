"""The header fields that tell what was found, and those that only pretend to."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.smtp.verify.arc import ArcResult
from mailkeep.smtp.verify.dkim import DkimResult
from mailkeep.smtp.verify.dmarc import Policy, Verdict
from mailkeep.smtp.verify.results import (
    authentication_results,
    found_pass,
    no_results,
    received_spf,
    rename_forged,
)
from mailkeep.smtp.verify.spf import SpfResult

HOST = "mx.example.net"
PASS = SpfResult(result="pass", identity="mailfrom", domain="example.org", mechanism="ip4:192.0.2.0/24")
TEXTS = st.text(max_size=80)


@pytest.mark.rfc("8601", "2.2")
def test_all_that_was_found_is_told() -> None:
    field = authentication_results(
        HOST,
        spf=[PASS, SpfResult(result="none", identity="helo", domain="client.example.org")],
        dkim=[
            DkimResult(result="pass", domain="example.org", selector="s1", algorithm="rsa-sha256", start="AbC+/9=="),
            DkimResult(result="neutral", reason="the signature is too long"),
        ],
        dmarc=[Verdict(author="example.org", result="pass", policy=Policy.REJECT)],
        arc=ArcResult("pass", ("list.example", "relay.example")),
    )
    assert field.decode().split("\r\n\t") == [
        "Authentication-Results: mx.example.net;",
        'dkim=pass header.d=example.org header.s=s1 header.a=rsa-sha256 header.b="AbC+/9==";',
        'dkim=neutral reason="the signature is too long";',
        "spf=pass smtp.mailfrom=example.org;",
        "spf=none smtp.helo=client.example.org;",
        "dmarc=pass (p=reject) header.from=example.org;",
        "arc=pass (set 2 is sealed by relay.example)\r\n",
    ]


def test_nothing_found_is_told_too() -> None:
    field = authentication_results(HOST, spf=[PASS], dkim=[], dmarc=[], arc=ArcResult("none"))
    assert b"dkim=none;" in field
    assert b"dmarc=permerror" in field
    assert no_results(HOST) == b"Authentication-Results: mx.example.net; none\r\n"


@pytest.mark.rfc("7208", "9.1")
def test_received_spf_lets_the_result_be_verified() -> None:
    field = received_spf(PASS, host=HOST, peer="2001:db8::1", helo="client.example.org", reverse_path="ann@example.org")
    assert field.decode().split("\r\n\t") == [
        "Received-SPF: pass (mx.example.net: the policy permits 2001:db8::1, for domain example.org)",
        "receiver=mx.example.net;",
        "identity=mailfrom;",
        'client-ip="2001:db8::1";',
        "helo=client.example.org;",
        'envelope-from="ann@example.org";',
        'mechanism="ip4:192.0.2.0/24"\r\n',
    ]


@given(TEXTS, TEXTS, TEXTS)
def test_no_text_of_strangers_gets_out_of_its_place(one: str, two: str, three: str) -> None:
    spf = SpfResult(result="permerror", identity="helo", domain=one, mechanism=two, problem=three)
    dkim = DkimResult(result="fail", domain=one, selector=two, algorithm=three, start=one, reason=two)
    field = authentication_results(
        HOST, spf=[spf], dkim=[dkim], dmarc=[Verdict(author=three, result="fail")], arc=ArcResult("fail", (one,))
    )
    field += received_spf(spf, host=HOST, peer=one, helo=two, reverse_path=three)
    field.decode("ascii")
    lines = field.split(b"\r\n")
    assert b"\r" not in b"".join(lines)
    assert b"\n" not in b"".join(lines)
    assert [line[:1] for line in lines if line[:1] not in {b"\t", b""}] == [b"A", b"R"]
    assert max(map(len, lines)) < 998
    outside = re.sub(rb'"(?:[^"\\]|\\.)*"', b"", field)
    assert outside.count(b'"') == 0
    assert outside.count(b"spf=") == outside.count(b"dkim=") == outside.count(b"dmarc=") == 1


FORGED = [
    b"Authentication-Results: mx.example.net; spf=pass smtp.mailfrom=bank.example\r\n",
    b"authentication-results:MX.Example.NET; spf=pass\r\n",
    b"Authentication-Results : mx.example.net. ; none\r\n",
    b"Authentication-Results: (a; (nested) comment)\r\n mx.example.net 1; dkim=pass\r\n",
    b'Authentication-Results: "mx.example.net"; dkim=pass\r\n',
    b'Authentication-Results: "mx\\.example.net" ; dkim=pass\r\n',
    b"Authentication-Results:\r\n\tmx.example.net;\r\n\tdkim=pass\r\n",
    b"Authentication-Results: mx.example.net\r\n",
    b"Authentication-Results: mx.other.example 2; dkim=pass\r\n",  # a version that nobody knows
    b"Authentication-Results: (never closed mx.other.example; dkim=pass\r\n",
    b"Authentication-Results: mx.other.example and more; dkim=pass\r\n",
    b"Authentication-Results: ; dkim=pass\r\n",
    b"Authentication-Results:\r\n",
    b"Authentication-Results: " + b" " * 5000 + b"mx.example.net; dkim=pass\r\n",
]
FOREIGN = [
    b"Authentication-Results: mx.other.example; spf=pass\r\n",
    b"Authentication-Results: mx.other.example 1; spf=pass reason=mx.example.net\r\n",
    b"Authentication-Results: mx.other.example (mx.example.net); none\r\n",
    b"ARC-Authentication-Results: i=1; mx.example.net; spf=pass\r\n",
    b"X-Authentication-Results: mx.example.net; spf=pass\r\n",
    b"Subject: Authentication-Results: mx.example.net; spf=pass\r\n",
    b"Subject: x\r\n Authentication-Results: mx.example.net; spf=pass\r\n",
]


@pytest.mark.rfc("8601", "5")
@pytest.mark.parametrize("field", FORGED)
def test_results_that_claim_to_be_ours_get_another_name(field: bytes) -> None:
    header = b"From: a@b.example\r\n" + field + b"Subject: x\r\n\r\n"
    cleaned = rename_forged(header, HOST)
    value = field.partition(b":")[2]
    assert cleaned == b"From: a@b.example\r\nX-Not-Ours-Authentication-Results:" + value + b"Subject: x\r\n\r\n"


@pytest.mark.parametrize("field", FOREIGN)
def test_results_of_others_stay_as_they_are(field: bytes) -> None:
    header = b"From: a@b.example\r\n" + field + b"Subject: x\r\n\r\n"
    assert rename_forged(header, HOST) == header


def test_forged_results_are_found_even_behind_a_copy_of_their_text() -> None:
    forged = FORGED[0]
    header = b"X-A: " + forged + forged + forged + b"\r\n"
    assert rename_forged(header, HOST) == b"X-A: " + forged + (b"X-Not-Ours-" + forged) * 2 + b"\r\n"


def test_a_name_in_unicode_is_the_same_name() -> None:
    assert b"X-Not-Ours" in rename_forged(
        "Authentication-Results: mx.bücher.example; none\r\n".encode(), "mx.xn--bcher-kva.example"
    )


@given(
    st.lists(
        st.sampled_from(
            ["Authentication-Results:", "mx.example.net", ";", '"', "(", ")", "\\", " ", "\r\n ", "1", "\r\n", "x"]
        )
    )
)
def test_no_header_breaks_the_reader_and_the_rest_stays(parts: list[str]) -> None:
    header = "".join(parts).encode()
    cleaned = rename_forged(header, HOST)
    assert cleaned.replace(b"X-Not-Ours-Authentication-Results:", b"Authentication-Results:") == header.replace(
        b"X-Not-Ours-Authentication-Results:", b"Authentication-Results:"
    )
    assert rename_forged(cleaned, HOST) == cleaned


def test_a_hostile_header_takes_little_time() -> None:
    start = time.process_time()
    rename_forged(b"Authentication-Results:" + b"(" * 500_000, HOST)
    rename_forged((b"Authentication-Results:" + b'"\\' * 900 + b"\r\n") * 250, HOST)
    found_pass(b";dmarc=pass" * 10_000 + b";" + b"dmarc " * 1000, "example.org")
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b" i=1; mx.list.example; dmarc=pass header.from=example.org", True),
        (b" i=1; mx.list.example;\r\n\tspf=fail; dmarc = pass (p=reject) header.from=Example.ORG; dkim=pass", True),
        (b" i=1; mx.list.example; dmarc=pass header.from=other.example", False),
        (b" i=1; mx.list.example; dmarc=fail header.from=example.org", False),
        (b" i=1; mx.list.example; dmarc=fail (; dmarc=pass header.from=example.org)", False),
        (b" i=1; mx.list.example; dmarc=pass", False),
        (b' i=1; mx.list.example; dmarc=pass header.from="example.org"', True),
        (b' i=1; mx.list.example; spf=pass smtp.mailfrom="; dmarc=pass header.from=example.org "@bad.example', False),
        (b' i=1; mx.list.example; spf=pass smtp.mailfrom="; dmarc=pass header.from=example.org ', False),
    ],
)
def test_what_a_sealer_found_is_read(text: bytes, expected: bool) -> None:
    assert found_pass(text, "example.org") is expected
