"""DKIM signatures: canonical forms, what is covered, and what independent verifiers say."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
from functools import cache

import dkim
import pytest
from dkim.canonicalization import Relaxed
from hypothesis import example, given
from hypothesis import strategies as st
from tests.mail_dkim import need_mail_dkim

from mailkeep.formats.dkim import (
    ED25519_SHA256,
    MAX_HEADER,
    RSA_SHA256,
    Signer,
    Unsignable,
    load_key,
    make_key,
    public_record,
    relaxed_field,
    sign,
)
from mailkeep.formats.dkim_body import BodyHasher

NOW = 1_700_000_000
MESSAGE = (
    b"Received: from x by y; Tue, 14 Nov 2023 22:13:20 +0000\r\n"
    b"From: Joe SixPack <joe@football.example.com>\r\n"
    b"To: Suzie Q <suzie@shopping.example.net>\r\n"
    b"Subject: Is dinner\r\n\t ready?  \r\n"
    b"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
    b"Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
    b"\r\n"
    b"Hi.\r\n\r\nWe lost  the game.\tAre you hungry yet? \r\n\r\nJoe.\r\n\r\n \r\n"
)


@cache
def key(algorithm: str) -> bytes:
    return make_key(algorithm)


def signer(algorithm: str) -> Signer:
    return load_key("football.example.com", algorithm, algorithm, key(algorithm))


def records(name: bytes, timeout: int = 0) -> bytes:
    algorithm = name.decode().removesuffix("._domainkey.football.example.com.")
    return public_record(algorithm, key(algorithm)).encode()


def signed(message: bytes, *algorithms: str) -> bytes:
    return sign([message], [signer(each) for each in algorithms], NOW) + message


def verifies(message: bytes, index: int = 0) -> bool:
    try:
        return bool(dkim.DKIM(message).verify(index, dnsfunc=records))
    except dkim.DKIMException:
        return False


# --- canonical forms


@pytest.mark.rfc("6376", "3.4.2")
@pytest.mark.parametrize(
    ("field", "canonical"),
    [
        (b"A: X\r\n", b"a:X\r\n"),
        (b"B : Y\t\r\n\tZ  \r\n", b"b:Y Z\r\n"),
        (b"Subject:\r\n \r\n", b"subject:\r\n"),
        (b"SUBJect:AbC:d", b"subject:AbC:d\r\n"),
    ],
)
def test_a_field_in_relaxed_form_has_single_spaces_and_a_lower_case_name(field: bytes, canonical: bytes) -> None:
    assert relaxed_field(field) == canonical


def digest(canonical: bytes) -> bytes:
    return hashlib.sha256(canonical).digest()


def body_hash(*pieces: bytes) -> bytes:
    body = BodyHasher(relaxed=True)
    for piece in pieces:
        body.write(piece)
    return body.finish().digest


@pytest.mark.rfc("6376", "3.4.4")
@pytest.mark.parametrize(
    ("body", "canonical"),
    [
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n"),  # RFC 6376 §3.4.5
        (b"", b""),
        (b"\r\n\r\n", b""),
        (b" \t\r\n \r\n\t", b""),
        (b"no end of line", b"no end of line\r\n"),
        (b"trailing \t", b"trailing\r\n"),
        (b"a\r\n\r\n\r\nb", b"a\r\n\r\n\r\nb\r\n"),
        (b"bare\rCR and bare\nLF\n", b"bare\rCR and bare\nLF\n\r\n"),
    ],
)
def test_a_body_in_relaxed_form_loses_white_space_at_the_ends_of_lines_and_of_itself(
    body: bytes, canonical: bytes
) -> None:
    assert body_hash(body) == digest(canonical)
    assert body_hash(*(body[i : i + 1] for i in range(len(body)))) == digest(canonical)


@given(st.lists(st.text("\r\n \tab", max_size=12).map(str.encode), max_size=8))
@example([b"a \r", b"\n", b"\r\n \r", b"\n"])
def test_pieces_do_not_matter_and_the_hash_is_what_another_program_computes(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    assert body_hash(*pieces) == body_hash(whole)
    if not re.search(rb"\r(?!\n)|(?<!\r)\n", whole):  # of bare CR and LF programs think differently
        assert body_hash(whole) == digest(Relaxed.canonicalize_body(whole + b"\r\n"))  # as SMTP would end it


def test_many_blank_lines_are_hashed_in_little_room() -> None:
    assert body_hash(b"a", b"\r\n" * 100_000, b"b") == digest(b"a" + b"\r\n" * 100_000 + b"b\r\n")


# --- signatures


@pytest.mark.rfc("6376", "3.7")
@pytest.mark.rfc("8463", "3")
def test_two_signatures_are_made_and_another_program_finds_both_right() -> None:
    message = signed(MESSAGE, RSA_SHA256, ED25519_SHA256)
    assert message.count(b"DKIM-Signature:") == 2
    assert verifies(message, 0)
    assert verifies(message, 1)


@pytest.mark.rfc("6376", "3.5")
def test_the_field_says_algorithm_domain_selector_time_and_forms_in_lines_of_78() -> None:
    field = sign([MESSAGE], [signer(RSA_SHA256)], NOW)
    tags = dict(re.findall(rb"(\w+)=([^;]*)(?:;|$)", re.sub(rb"\r\n\s+", b"", field)))
    assert (tags[b"v"], tags[b"a"], tags[b"c"], tags[b"d"], tags[b"s"], tags[b"t"]) == (
        b"1", b"rsa-sha256", b"relaxed/relaxed", b"football.example.com", b"rsa-sha256", b"1700000000",
    )  # fmt: skip
    assert b"l" not in tags
    assert max(map(len, field.split(b"\r\n"))) <= 78
    assert field.endswith(b"\r\n")


@pytest.mark.parametrize("changed", [b"From: eve@example.com\r\n", b"Subject: another\r\n", b"To: x@example.com\r\n"])
@pytest.mark.rfc("6376", "8.15")
def test_no_second_field_of_those_that_matter_can_be_added(changed: bytes) -> None:
    fields = sign([MESSAGE], [signer(ED25519_SHA256)], NOW)
    assert not verifies(fields + changed + MESSAGE)
    assert not verifies(fields + MESSAGE.replace(b"\r\n\r\n", b"\r\n" + changed + b"\r\n", 1))


def test_trace_fields_and_other_white_space_may_come_and_go() -> None:
    message = signed(MESSAGE, ED25519_SHA256)
    assert verifies(b"Received: from a by b\r\n" + message)
    assert verifies(message.replace(b"Subject: Is", b"SUBJECT:   Is").rstrip() + b"\t \r\n\r\n\r\n")
    assert not verifies(message.replace(b"We lost", b"We won"))


def test_of_fields_that_come_twice_all_are_signed() -> None:
    message = signed(b"Cc: a@example.com\r\nCc: b@example.com\r\n" + MESSAGE, ED25519_SHA256)
    assert verifies(message)
    assert not verifies(message.replace(b"Cc: a@", b"Cc: z@"))
    assert not verifies(message.replace(b"Cc: b@", b"Cc: z@"))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Subject", "To", "X-Other", "References", "Content-Type", "cc", "LIST-ID"]),
            st.text("ab: \t=;é", max_size=20),
        ),
        max_size=6,
    ),
    st.lists(st.text(" \tab", max_size=4).map(lambda line: f"{line}\r\n"), max_size=6).map("".join),
)
def test_whatever_is_signed_verifies(fields: list[tuple[str, str]], body: str) -> None:
    header = "".join(f"{name}: {value}\r\n" for name, value in [*fields, ("From", "joe@football.example.com")])
    assert verifies(signed(f"{header}\r\n{body}".encode(), ED25519_SHA256))


def test_a_message_may_come_in_any_pieces() -> None:
    whole = sign([MESSAGE], [signer(ED25519_SHA256)], NOW)
    assert sign([b"", *(MESSAGE[i : i + 1] for i in range(len(MESSAGE)))], [signer(ED25519_SHA256)], NOW) == whole
    assert sign([MESSAGE[:100], MESSAGE[100:]], [signer(ED25519_SHA256)], NOW) == whole


@pytest.mark.parametrize(
    "message", [b"", b"\r\n", b"To: x\r\n\r\n", b"\r\nFrom: a@b\r\n\r\n", b"From: a\r\nFrom: b\r\n\r\n"]
)
def test_what_has_not_exactly_one_from_is_not_signed(message: bytes) -> None:
    with pytest.raises(Unsignable):
        sign([message], [signer(ED25519_SHA256)], NOW)


def test_a_header_without_end_is_given_up() -> None:
    with pytest.raises(Unsignable):
        sign([b"From: a@b\r\n", *[b"X" * 65536] * (MAX_HEADER // 65536 + 1)], [signer(ED25519_SHA256)], NOW)
    with pytest.raises(Unsignable):
        sign([b"From: a@b\r\nX: " + b"X" * MAX_HEADER + b"\r\n\r\n"], [signer(ED25519_SHA256)], NOW)


# --- keys


@pytest.mark.rfc("8463", "A.2")
def test_the_key_of_the_rfc_gives_the_record_of_the_rfc() -> None:
    seed = base64.b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    assert public_record(ED25519_SHA256, seed) == "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="


@pytest.mark.parametrize(
    ("algorithm", "private"), [(RSA_SHA256, b"no key"), (ED25519_SHA256, b"no key"), ("rsa-sha1", b"no key")]
)
def test_a_key_that_is_none_is_refused_without_telling_it(algorithm: str, private: bytes) -> None:
    with pytest.raises(Unsignable) as caught:
        load_key("a.example", "s", algorithm, private)
    assert "no key" not in str(caught.value)


def test_no_key_is_made_for_an_algorithm_that_nobody_checks() -> None:
    with pytest.raises(Unsignable):
        make_key("rsa-sha1")


# --- Mail::DKIM, a verifier in Perl

PERL = """
use strict; use Mail::DKIM::Verifier; use Mail::DKIM::PublicKey;
my $record = shift @ARGV;
no warnings 'redefine';
*Mail::DKIM::PublicKey::fetch_async = sub {
    my ($class, %p) = @_;
    my $key = $p{Callbacks}{Success}->($class->parse($record));
    return sub { $key };
};
my $v = Mail::DKIM::Verifier->new();
binmode STDIN; local $/; $v->PRINT(<STDIN>); $v->CLOSE;
print $v->result;
"""


@pytest.mark.parametrize(("message", "result"), [(MESSAGE, "pass"), (MESSAGE + b"more\r\n", "fail")])
def test_mail_dkim_agrees(message: bytes, result: str) -> None:
    need_mail_dkim()
    fields = sign([MESSAGE], [signer(RSA_SHA256)], NOW)
    run = subprocess.run(
        ["perl", "-e", PERL, public_record(RSA_SHA256, key(RSA_SHA256))],
        input=fields + message,
        capture_output=True,
        check=True,
    )
    assert run.stdout.decode() == result, run.stderr


HEADER = MESSAGE.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"


@pytest.mark.parametrize(
    "message",
    [
        HEADER,
        HEADER + b"\r\n\r\n \t\r\n",
        HEADER + b"\r\n\r\n  leading\r\n\r\n\r\nand  inner\t\tspace \t\r\n",
        HEADER + b"x" * 200_000 + b"\r\n",
        HEADER + "Grüße, 你好\r\n".encode(),
        b"Cc: a@example.com\r\nCc: b@example.com\r\nSubject:\r\n folded\r\n\t twice \r\n" + HEADER + b"x\r\n",
    ],
    ids=["no body", "blank lines", "white space", "a long line", "utf-8", "fields twice"],
)
def test_mail_dkim_agrees_on_unusual_messages(message: bytes) -> None:
    need_mail_dkim()
    fields = sign([message[:50], message[50:]], [signer(RSA_SHA256)], NOW)
    run = subprocess.run(
        ["perl", "-e", PERL, public_record(RSA_SHA256, key(RSA_SHA256))],
        input=fields + message,
        capture_output=True,
        check=True,
    )
    assert run.stdout.decode() == "pass", run.stderr
