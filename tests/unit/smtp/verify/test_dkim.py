"""DKIM: signatures by dkimpy, those of the RFCs, broken ones, and hostile ones."""

from __future__ import annotations

import base64
import re
import subprocess
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.mail_dkim import need_mail_dkim
from tests.signing import Owner

from mailkeep.net.resolver import DnsFault
from mailkeep.service.spool import Octets
from mailkeep.smtp.verify import dkim
from mailkeep.smtp.verify.dkim import DkimResult
from mailkeep.smtp.verify.header import parse_header, read_head
from mailkeep.smtp.verify.signatures import MAX_FIELDS, hash_bodies

ANN = Owner("example.org")
OLD = Owner("example.org", "old", bits=1024)
WEAK = Owner("example.org", "weak", bits=768)
NEW = Owner("example.org", "new", bits=0)
MESSAGE = (
    b"From: Ann <ann@example.org>\r\nTo: bob@example.net\r\nSubject: a  subject\r\n\tfolded\r\n"
    b"Date: Tue, 24 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\n"
    b"Hello  Bob, \r\n\r\n\tthis is it.\r\n\r\n\r\n"
)
FORMS = ("simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed")


def verify(message: bytes, keys: dict[str, object] | None = None) -> list[DkimResult]:
    octets = Octets(len(message), b"", message, None)
    header = parse_header(read_head(octets))
    signatures, unread = dkim.read_signatures(header)
    hashes = hash_bodies(octets.pieces(), header.size, {True, False})
    known = {owner.name: owner.record.encode() for owner in (ANN, OLD, WEAK, NEW)}
    return unread + dkim.verify(header, signatures, hashes, {**known, **(keys or {})})  # type: ignore[arg-type]


def result(message: bytes, keys: dict[str, object] | None = None) -> tuple[str, str]:
    [one] = verify(message, keys)
    return one.result, one.reason


def test_a_message_without_signature_has_no_result() -> None:
    assert verify(MESSAGE) == []


@pytest.mark.rfc("6376", "3.4")
@pytest.mark.parametrize("owner", [ANN, OLD, NEW], ids=["rsa 2048", "rsa 1024", "ed25519"])
@pytest.mark.parametrize("form", FORMS)
def test_a_signature_is_good_in_every_form(owner: Owner, form: str) -> None:
    [found] = verify(owner.sign(MESSAGE, form))
    assert (found.result, found.domain, found.selector) == ("pass", "example.org", owner.selector)
    assert found.algorithm == ("rsa-sha256" if owner.bits else "ed25519-sha256")
    assert len(found.start) == 8


@pytest.mark.parametrize("form", FORMS)
def test_trace_lines_and_blank_lines_do_not_break_a_signature(form: str) -> None:
    assert result(b"Received: from a by b\r\n" + ANN.sign(MESSAGE, form) + b"\r\n")[0] == "pass"


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"Bob", b"Rob"), (b"a  subject", b"a different subject"), (b"ann@", b"bad@"), (b"this is it", b"this isn't")],
)
@pytest.mark.parametrize("form", FORMS)
def test_a_change_breaks_a_signature(old: bytes, new: bytes, form: str) -> None:
    assert result(ANN.sign(MESSAGE, form).replace(old, new))[0] == "fail"


def test_white_space_breaks_only_the_simple_forms() -> None:
    changed = [(b"Hello  Bob, \r\n", b"Hello Bob,\r\n"), (b"a  subject\r\n\tfolded", b"a subject folded")]
    for old, new in changed:
        assert result(ANN.sign(MESSAGE, "relaxed/relaxed").replace(old, new))[0] == "pass"
        assert result(ANN.sign(MESSAGE, "simple/simple").replace(old, new))[0] == "fail"


@pytest.mark.rfc("6376", "5.4.2")
def test_a_second_from_field_breaks_a_signature() -> None:
    assert result(b"From: bad@example.com\r\n" + ANN.sign(MESSAGE))[0] == "fail"


@pytest.mark.rfc("6376", "6.1.1")
def test_from_must_be_signed() -> None:
    signed = ANN.sign(MESSAGE).replace(b"from :", b"x-from :", 1)
    assert result(signed) == ("permerror", "From is not signed")


@pytest.mark.rfc("8301", "3.1")
def test_sha1_is_no_signature() -> None:
    assert result(ANN.sign(MESSAGE, signature_algorithm=b"rsa-sha1"))[0] == "permerror"


@pytest.mark.rfc("8301", "3.2")
def test_a_key_below_1024_bits_is_none() -> None:
    assert result(WEAK.sign(MESSAGE))[0] == "permerror"


def test_a_key_that_is_enormous_is_none_and_takes_no_time() -> None:
    size = 20_000
    der = bytes([0x02, 0x82]) + (size // 8).to_bytes(2, "big") + b"\x7f" * (size // 8)
    sequence = bytes([0x30, 0x82]) + (2 * len(der)).to_bytes(2, "big") + der + der
    record = b"v=DKIM1; p=" + base64.b64encode(sequence)
    start = time.process_time()
    assert result(ANN.sign(MESSAGE), {ANN.name: record}) == ("permerror", "the key is too large")
    assert time.process_time() - start < 1


@pytest.mark.rfc("6376", "6.1.2")
@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (None, ("permerror", "there is no key")),
        (DnsFault("x"), ("temperror", "a name server does not answer")),
        (b"v=DKIM1; p=", ("permerror", "the key has been revoked")),
        (b"v=DKIM1; p=%%%", ("permerror", "the key cannot be read")),
        (b"garbage", ("permerror", "the key cannot be read")),
        (b"", ("permerror", "the key has been revoked")),
        (b"v=DKIM1; p=AAAA", ("permerror", "")),
        (b"v=DKIM1; k=ed25519; p=AAAA", ("permerror", "the key is for another algorithm")),
        (b"v=DKIM2; p=AAAA", ("permerror", "bad version")),
        (ANN.record.encode() + b"; h=sha1", ("permerror", "the key is for another algorithm")),
        (ANN.record.encode() + b"; h=sha1 : sha256", ("pass", "")),
        (ANN.record.encode() + b"; s=telephony", ("permerror", "the key is not for mail")),
        (ANN.record.encode() + b"; s=telephony:email; n=a note", ("pass", "")),
        (ANN.record.encode() + b"; t=y:s", ("pass", "")),
    ],
)
def test_what_the_key_says_is_kept(record: object, expected: tuple[str, str]) -> None:
    found = result(ANN.sign(MESSAGE), {ANN.name: record})
    assert found[0] == expected[0]
    if expected[1]:
        assert found == expected


@pytest.mark.rfc("6376", "3.6.1")
def test_a_strict_key_is_not_for_identities_below_its_domain() -> None:
    strict = {ANN.name: ANN.record.encode() + b"; t=s"}
    assert result(ANN.sign(MESSAGE, identity=b"ann@example.org"), strict)[0] == "pass"
    assert result(ANN.sign(MESSAGE, identity=b"ann@sub.example.org"), strict)[0] == "permerror"
    assert result(ANN.sign(MESSAGE, identity=b"ann@sub.example.org"))[0] == "pass"


@pytest.mark.rfc("6376", "8.2")
def test_a_signature_of_a_part_of_the_body_does_not_count() -> None:
    signed = ANN.sign(MESSAGE, length=True)
    assert result(signed)[0] == "pass"
    assert result(signed + b"buy this\r\n")[0] == "policy"
    assert result(signed.replace(b"\tthis is it.\r\n", b""))[0] == "fail"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (rb"v=1;", b"v=2;"),
        (rb"v=1;", b""),
        (rb" b=.*?;? *\r\n(?=From)", b" b=!\r\n"),
        (rb" d=example.org;", b" d=other.example;"),
        (rb" d=example.org;", b" d=localhost;"),
        (rb" s=s1;", b" s=a b;"),
        (rb" s=s1;", b" s=../../x;"),
        (rb" s=s1;", b" s=;"),
        (rb" t=\d+;", b" t=99999999999;"),
        (rb" t=\d+;", b" x=1000000000;"),
        (rb" t=\d+;", b" t=" + b"9" * 5000 + b";"),
        (rb" q=dns/txt;", b" q=dns/other;"),
        (rb" c=relaxed/relaxed;", b" c=loose/tight;"),
        (rb" h=", b" h"),
        (rb" a=rsa-sha256;", b" a=rsa-md5;"),
        (rb" a=rsa-sha256;", b" a=ed25519-sha256;"),
        (rb" i=@example.org;", b" i=@example.com;"),
        (rb" i=@example.org;", b" l=;"),
    ],
)
def test_a_signature_that_says_odd_things_is_not_good(old: bytes, new: bytes) -> None:
    signed, count = re.subn(old, new, ANN.sign(MESSAGE), count=1, flags=re.DOTALL)
    assert count == 1
    assert result(signed)[0] in {"permerror", "neutral", "fail"}


def test_each_signature_has_its_result_and_the_first_ten_are_looked_at() -> None:
    both = NEW.sign(ANN.sign(MESSAGE))
    assert [(one.selector, one.result) for one in verify(both)] == [("new", "pass"), ("s1", "pass")]
    many = MESSAGE
    for _ in range(12):
        many = NEW.sign(many)
    assert len(verify(many)) == 10


def test_a_header_with_too_many_fields_is_not_checked() -> None:
    assert result(b"X: y\r\n" * MAX_FIELDS + ANN.sign(MESSAGE))[0] == "permerror"


@pytest.mark.parametrize(
    "value",
    [
        b" a=rsa-sha256;" + b" " * 200_000 + b"\r\n",
        b" v=1; a=rsa-sha256; b=" + b"\r\n " * 5000 + b"!\r\n",
        b" v=1; a=rsa-sha256; d=a.b; s=c; bh=AAAA; b=AAAA; h=from" + b":x" * 7000 + b"\r\n",
        b" " + b"b" + b" " * 100 * 100 + b"=\r\n",
        b";" * 15_000 + b"\r\n",
    ],
)
def test_a_hostile_signature_takes_little_time(value: bytes) -> None:
    start = time.process_time()
    assert result(b"DKIM-Signature:" + value + b"X: y\r\n" * 900 + MESSAGE)[0] in {"neutral", "permerror", "fail"}
    assert time.process_time() - start < 0.5


TAGS = st.lists(st.sampled_from([b"v=1", b"a=rsa-sha256", b"d=example.org", b"s=s1", b"h=from", b"bh=AAAA", b"b=AAAA",
                                 b"c=relaxed", b"l=3", b"i=@example.org", b"t=1", b"x=2", b"q=dns/txt"])
                | st.binary(max_size=12))  # fmt: skip


@settings(deadline=None)
@given(TAGS, st.binary(max_size=60), st.booleans())
def test_no_signature_and_no_key_breaks_the_verifier(tags: list[bytes], key: bytes, prefixed: bool) -> None:
    field = b"DKIM-Signature: " + b"; ".join(tags).replace(b"\r", b"").replace(b"\n", b"") + b"\r\n"
    record = (b"v=DKIM1; p=" + base64.b64encode(key)) if prefixed else key
    for one in verify(field + MESSAGE, {ANN.name: record}):
        assert one.result in {"pass", "fail", "neutral", "permerror", "temperror", "policy"}


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(0, 400), st.integers(0, 40))
def test_a_message_damaged_anywhere_breaks_nothing(noise: bytes, at: int, gone: int) -> None:
    signed = ANN.sign(MESSAGE)
    verify(signed[:at] + noise + signed[at + gone :])


# --- RFC 8463 Appendix A: two signatures of one message

RFC8463 = b"""DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
""".replace(b"\n", b"\r\n")
RFC8463_RSA = (
    b"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91"
    b"y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
)
RFC8463_KEYS: dict[str, object] = {
    "brisbane._domainkey.football.example.com": b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    "test._domainkey.football.example.com": b"v=DKIM1; k=rsa; p=" + RFC8463_RSA,
}


@pytest.mark.rfc("8463", "A")
def test_both_signatures_of_the_rfc_are_good() -> None:
    assert [one.result for one in verify(RFC8463, RFC8463_KEYS)] == ["pass", "pass"]


# --- Mail::DKIM, a signer in Perl

PERL = """
use strict; use Mail::DKIM::Signer; use Mail::DKIM::PrivateKey;
my ($method, $key) = @ARGV;
my $signer = Mail::DKIM::Signer->new(Algorithm => "rsa-sha256", Method => $method, Domain => "example.org",
    Selector => "s1", Key => Mail::DKIM::PrivateKey->load(Data => $key));
binmode STDIN; local $/; $signer->PRINT(<STDIN>); $signer->CLOSE;
print $signer->signature->as_string;
"""


@pytest.mark.parametrize("method", ["simple", "relaxed", "simple/relaxed", "relaxed/simple"])
def test_signatures_of_mail_dkim_are_good(method: str) -> None:
    need_mail_dkim()
    from cryptography.hazmat.primitives import serialization
    from tests.signing import rsa_key

    der = rsa_key(2048).private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    run = subprocess.run(
        ["perl", "-e", PERL, method, base64.b64encode(der)], input=MESSAGE, capture_output=True, check=True
    )
    signed = run.stdout.strip() + b"\r\n" + MESSAGE
    assert result(signed) == ("pass", "")
    assert result(signed.replace(b"Bob", b"Rob"))[0] == "fail"
