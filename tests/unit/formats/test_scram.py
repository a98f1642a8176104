"""SCRAM-SHA-256, server side."""

from __future__ import annotations

from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.scram_client import ScramClient

from mailkeep.formats.sasl import SaslError
from mailkeep.formats.scram import (
    Named,
    Scram,
    Verifier,
    decode_verifier,
    make_verifier,
    prepare,
    pretend_verifier,
)

SALT = b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
NONCE = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
FIRST = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
FINAL = b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="


@pytest.mark.rfc("7677", "3")
def test_the_example_of_the_rfc() -> None:
    exchange = Scram(NONCE)
    assert exchange.begin(FIRST) == Named("user")
    challenge = exchange.challenge(make_verifier("pencil", SALT, 4096))
    assert challenge.octets == f"r=rOprNGfwEbeRWgbNEkqO{NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096".encode()
    proof = exchange.prove(FINAL)
    assert proof.verifier is not None
    assert proof.signature.octets == b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


@pytest.mark.parametrize("password", ["Pencil", "", "pencil "])
def test_another_password_is_wrong(password: str) -> None:
    exchange, client = Scram(), ScramClient("user", password)
    exchange.begin(client.first)
    challenge = exchange.challenge(make_verifier("pencil", SALT, 4096)).octets
    assert exchange.prove(client.final(challenge)).verifier is None


def test_no_password_fits_a_pretended_verifier() -> None:
    one = pretend_verifier(SALT)
    assert one.salt == SALT
    assert one.rounds == make_verifier("x", SALT).rounds
    exchange, client = Scram(), ScramClient("user", "pencil")
    exchange.begin(client.first)
    assert exchange.prove(client.final(exchange.challenge(one).octets)).verifier is None


@pytest.mark.rfc("5802", "5.1")
@pytest.mark.parametrize(
    ("first", "user"),
    [
        (b"n,,n=user,r=x", "user"),
        (b"y,,n=user,r=x", "user"),
        (b"n,a=user,n=user,r=x", "user"),
        (b"n,,n=a=2Cb=3Dc,r=x", "a,b=c"),
        ("n,,n=jörg@bücher.example,r=x".encode(), "jörg@bücher.example"),
        (b"n,,n=user,r=x,e=later", "user"),
    ],
    ids=repr,
)
def test_a_first_message_names_the_user(first: bytes, user: str) -> None:
    assert Scram().begin(first) == Named(user)


@pytest.mark.parametrize(
    "first",
    [
        b"", b"n=user,r=x", b"n,,r=x,n=user", b"p=tls-unique,,n=user,r=x", b"n,a=root,n=user,r=x", b"n,,n=,r=x",
        b"n,,n=us=er,r=x", b"n,,n=user,r=", b"n,,m=must,n=user,r=x", b"n,,n=\xff,r=x", b"n,,n=a\0b,r=x",
        b"n,,n=user,r=" + b"x" * 9000,
    ],
    ids=lambda first: repr(first[:30]),
)  # fmt: skip
def test_a_first_message_that_is_none_is_refused(first: bytes) -> None:
    with pytest.raises(SaslError):
        Scram().begin(first)


@pytest.mark.parametrize(
    "final",
    [
        b"", b"c=biws,r=other,p=AAAA", FINAL.replace(b"biws", b"eSws"), FINAL.replace(b"dHzb", b"d=zb"),
        FINAL.partition(b",p=")[0], FINAL + b",x=y",
    ],
    ids=repr,
)  # fmt: skip
def test_a_last_message_that_is_none_or_belongs_to_another_exchange_is_refused(final: bytes) -> None:
    exchange = Scram(NONCE)
    exchange.begin(FIRST)
    exchange.challenge(make_verifier("pencil", SALT, 1))
    with pytest.raises(SaslError):
        exchange.prove(final)


def test_a_proof_of_another_length_is_wrong() -> None:
    exchange = Scram(NONCE)
    exchange.begin(FIRST)
    exchange.challenge(make_verifier("pencil", SALT, 4096))
    assert exchange.prove(FINAL.partition(b",p=")[0] + b",p=dHzb").verifier is None


@pytest.mark.rfc("5803", "2")
def test_a_verifier_is_kept_as_text() -> None:
    verifier = make_verifier("pencil", SALT, 4096)
    assert verifier.encode().startswith("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$")
    assert decode_verifier(verifier.encode()) == verifier


@given(st.integers(1, 10_000_000), st.binary(min_size=1), st.binary(min_size=1), st.binary(min_size=1))
def test_any_verifier_is_read_back(rounds: int, salt: bytes, stored: bytes, server: bytes) -> None:
    verifier = Verifier(rounds, salt, stored, server)
    assert decode_verifier(verifier.encode()) == verifier


@pytest.mark.parametrize("text", ["", "SCRAM-SHA-1$1:eA==$eA==:eA==", "SCRAM-SHA-256$0:eA==$eA==:eA==", "x"])
def test_what_is_no_verifier_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="verifier"):
        decode_verifier(text)


@pytest.mark.rfc("4013", "3")
@pytest.mark.parametrize(
    ("typed", "prepared"),
    [("I\u00adX", "IX"), ("user", "user"), ("\u00aa", "a"), ("\u2168", "IX"), ("a\u00a0b", "a b")],
)
def test_passwords_are_prepared_as_clients_do(typed: str, prepared: str) -> None:
    assert prepare(typed) == prepared


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_no_octets_break_an_exchange(first: bytes, final: bytes) -> None:
    for prefix in (b"", b"n,,n=user,r=x"):
        exchange = Scram()
        try:
            exchange.begin(prefix + first)
            exchange.challenge(Verifier(1, b"s", b"k" * 32, b"v"))
            exchange.prove(final)
        except SaslError:
            continue


BINDING = b"what binds the channel"


def bound(flag: str, *, plus: bool = True, bindings: dict[str, bytes] | None = None, shown: bytes = BINDING) -> bool:
    """Whether a client that knows the password gets in."""
    exchange = Scram(bindings={"tls-server-end-point": BINDING} if bindings is None else bindings, plus=plus)
    client = ScramClient("user", "pencil", flag=flag, binding=shown)
    exchange.begin(client.first)
    challenge = exchange.challenge(make_verifier("pencil", SALT, 4096)).octets
    return exchange.prove(client.final(challenge)).verifier is not None


@pytest.mark.rfc("5802", "6")
def test_a_client_that_is_bound_to_the_channel_gets_in() -> None:
    assert bound("p=tls-server-end-point")
    assert bound("n", plus=False, shown=b"")  # one that knows of no binding
    assert bound("y", plus=False, shown=b"", bindings={})  # one that has not been offered any


@pytest.mark.rfc("5802", "6")
@pytest.mark.parametrize(
    ("flag", "plus", "shown"),
    [
        ("p=tls-server-end-point", True, b"of another channel"),
        ("p=tls-server-end-point", True, b""),
        ("p=tls-unique", True, BINDING),
        ("p=tls-server-end-point", False, BINDING),
        ("n", True, b""),
        ("y", True, b""),
        ("y", False, b""),  # somebody in between has hidden what was offered
    ],
)
def test_one_that_is_bound_to_another_or_led_to_believe_that_there_is_no_binding_does_not(
    flag: str, plus: bool, shown: bytes
) -> None:
    with pytest.raises(SaslError):
        bound(flag, plus=plus, shown=shown)
