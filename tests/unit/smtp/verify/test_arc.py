"""ARC: chains as they should be, and every way in which they are not."""

from __future__ import annotations

import base64
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.mail_dkim import need_mail_dkim
from tests.signing import Owner, Set, rsa_key, sealed

from mailkeep.net.resolver import DnsFault
from mailkeep.service.spool import Octets
from mailkeep.smtp.verify import arc
from mailkeep.smtp.verify.arc import ArcResult, Chain
from mailkeep.smtp.verify.header import parse_header, read_head
from mailkeep.smtp.verify.signatures import Keys, hash_bodies

LIST = Owner("list.example")
RELAY = Owner("relay.example")
KEYS: Keys = {owner.name: owner.record.encode() for owner in (LIST, RELAY)}
FOUND = "mx.list.example; dmarc=pass header.from=example.org"
MESSAGE = (
    b"From: Ann <ann@example.org>\r\nTo: all@list.example\r\nSubject: [list] hello\r\n"
    b"Message-ID: <1@example.org>\r\n\r\nHello all,\r\n\r\nthis is it.\r\n"
)


def chain_of(length: int, message: bytes = MESSAGE) -> list[Set]:
    sets: list[Set] = []
    for number in range(length):
        owner = RELAY if number % 2 else LIST
        sets.append(owner.seal(message, sets, FOUND if not number else "mx.relay.example; arc=pass"))
    return sets


def verify(message: bytes, keys: Keys = KEYS) -> ArcResult:
    octets = Octets(len(message), b"", message, None)
    header = parse_header(read_head(octets))
    chain = arc.read_chain(header)
    if not isinstance(chain, Chain):
        return chain
    return arc.verify(header, chain, hash_bodies(octets.pieces(), header.size, {True, False}), keys)


def test_a_message_without_seals_has_no_chain() -> None:
    assert verify(MESSAGE) == ArcResult("none")


@pytest.mark.rfc("8617", "5.2")
@pytest.mark.parametrize("length", [1, 2, 3, 12, 50])
def test_a_whole_chain_passes_and_tells_who_sealed_it(length: int) -> None:
    found = verify(sealed(MESSAGE, chain_of(length)))
    assert (found.result, found.reason) == ("pass", "")
    assert found.sealers == tuple(["list.example", "relay.example"] * 25)[:length]
    assert b"dmarc=pass" in found.found


def test_the_order_of_fields_in_the_header_does_not_matter() -> None:
    sets = chain_of(2)
    fields = [field for one in sets for field in one]
    assert verify(b"".join(fields[::-1]) + MESSAGE).result == "pass"
    assert verify(b"".join(fields) + MESSAGE).result == "pass"


def test_trace_lines_above_a_chain_do_not_break_it() -> None:
    assert verify(b"Received: from a by b\r\n" + sealed(MESSAGE, chain_of(2))).result == "pass"


@pytest.mark.rfc("8617", "5.2")
def test_more_than_fifty_sets_are_no_chain() -> None:
    assert verify(sealed(MESSAGE, chain_of(51))).result == "fail"


def test_a_change_after_the_last_seal_breaks_the_chain() -> None:
    whole = sealed(MESSAGE, chain_of(2))
    assert verify(whole.replace(b"this is it", b"buy this")).reason == "the body has been changed"
    assert verify(whole.replace(b"[list] hello", b"[list] hullo")).result == "fail"


def test_a_change_that_the_last_one_made_and_signed_does_not_break_it() -> None:
    first = chain_of(1)
    changed = MESSAGE + b"-- \r\nfooter of the list\r\n"
    sets = [*first, RELAY.seal(changed, first, "mx.relay.example; arc=pass")]
    assert verify(sealed(changed, sets)).result == "pass"


def test_a_change_of_what_was_found_breaks_the_seals() -> None:
    sets = chain_of(2)
    forged = (sets[0][0].replace(b"dmarc=pass", b"dmarc=fail"), *sets[0][1:])
    assert verify(sealed(MESSAGE, [forged, sets[1]])).result == "fail"  # type: ignore[list-item]


@pytest.mark.parametrize("gone", range(6))
def test_a_field_that_is_missing_breaks_the_chain(gone: int) -> None:
    fields = [field for one in chain_of(2) for field in one]
    assert verify(b"".join(fields[:gone] + fields[gone + 1 :]) + MESSAGE).result == "fail"


@pytest.mark.parametrize("twice", range(6))
def test_a_field_that_comes_twice_breaks_the_chain(twice: int) -> None:
    fields = [field for one in chain_of(2) for field in one]
    assert verify(fields[twice] + b"".join(fields) + MESSAGE).result == "fail"


@pytest.mark.rfc("8617", "5.2")
@pytest.mark.parametrize(("number", "cv"), [(1, "pass"), (1, "fail"), (2, "none"), (2, "fail"), (2, "maybe")])
def test_a_seal_that_says_the_wrong_thing_of_the_chain_breaks_it(number: int, cv: str) -> None:
    sets: list[Set] = []
    for count in (1, 2):
        sets.append(LIST.seal(MESSAGE, sets, FOUND, cv if count == number else None))
    assert verify(sealed(MESSAGE, sets)).result == "fail"


@pytest.mark.rfc("8617", "5.2.1")
@pytest.mark.parametrize("record", [None, DnsFault("x"), b"", b"v=DKIM1; p="])
def test_every_failure_is_for_good_even_one_of_dns(record: bytes | DnsFault | None) -> None:
    assert verify(sealed(MESSAGE, chain_of(2)), {**KEYS, LIST.name: record}).result == "fail"


def test_a_seal_that_names_fields_is_none() -> None:
    results, signature, seal = LIST.seal(MESSAGE, [], FOUND)
    assert verify(sealed(MESSAGE, [(results, signature, seal.replace(b"cv=", b"h=from; cv="))])).result == "fail"


@pytest.mark.parametrize("number", [b"0", b"-1", b"99", b"1000000000000", b"x", b""])
def test_a_field_of_an_odd_set_breaks_the_chain(number: bytes) -> None:
    whole = sealed(MESSAGE, chain_of(1))
    assert verify(whole.replace(b"i=1;", b"i=" + number + b";")).result == "fail"
    assert verify(b"ARC-Authentication-Results: i=" + number + b"; x; none\r\n" + whole).result == "fail"


@settings(deadline=None)
@given(st.lists(st.sampled_from(["ARC-Seal", "ARC-Message-Signature", "ARC-Authentication-Results"]), max_size=6),
       st.lists(st.sampled_from(["i=1", "i=2", "cv=none", "a=rsa-sha256", "d=list.example", "s=s1", "b=AAAA", "bh=AAAA",
                                 "h=from", "=", "i=", "c=x"]) | st.text(max_size=8)))  # fmt: skip
def test_no_fields_break_the_reader(names: list[str], tags: list[str]) -> None:
    value = "; ".join(tags).replace("\n", "").replace("\r", "")
    verify("".join(f"{name}: {value}\r\n" for name in names).encode("utf-8", "replace") + MESSAGE)


# --- Mail::DKIM, a sealer in Perl

PERL = """
use strict; use Mail::DKIM::ARC::Signer; use Mail::DKIM::PrivateKey;
my ($chain, $key) = @ARGV;
my $signer = Mail::DKIM::ARC::Signer->new(Algorithm => "rsa-sha256", Chain => $chain, Domain => "list.example",
    SrvId => "mx.list.example", Selector => "s1", Key => Mail::DKIM::PrivateKey->load(Data => $key));
binmode STDIN; local $/; $signer->PRINT(<STDIN>); $signer->CLOSE;
die $signer->{details} unless $signer->result eq "sealed";
print join("\\015\\012", $signer->as_strings), "\\015\\012";
"""


def test_chains_of_mail_dkim_pass() -> None:
    need_mail_dkim()
    der = rsa_key(2048).private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    message = MESSAGE
    for chain in ("none", "pass", "pass"):
        message = f"Authentication-Results: mx.list.example; arc={chain}\r\n".encode() + message
        run = subprocess.run(
            ["perl", "-e", PERL, chain, base64.b64encode(der)], input=message, capture_output=True, check=True
        )
        message = run.stdout + message
        assert verify(message).result == "pass", verify(message)
    assert verify(message.replace(b"this is it", b"buy this")).result == "fail"
