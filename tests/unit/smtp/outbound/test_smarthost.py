"""A smarthost: all mail by one host, with login."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import pytest
from tests.authority import Authority
from tests.smtp_peer import Said, smtp_peer
from tests.unit.smtp.outbound.sending import codes, courier, octets, run, to
from tests.zones import Zones

from mailkeep.smtp.courier import Smarthost
from mailkeep.smtp.outbound.login import Login, NotTheServer, scram_sha_256
from mailkeep.smtp.outbound.tls import Way

ANN = Login("ann", "secret")
NAME, WORD = "334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"
ZONES = Zones({"relay.example": {"A": ["127.0.0.1"], "MX": ["10 elsewhere.example."]}})


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "implicit"])
@pytest.mark.parametrize("fast", [False, True], ids=["asyncio", "uvloop"])
def test_all_mail_goes_to_the_smarthost_after_it_has_proven_its_name(
    authority: Authority, implicit: bool, fast: bool
) -> None:
    async def main() -> None:
        async with smtp_peer(
            tls=authority.context("relay.example"),
            implicit_tls=implicit,
            offers=("AUTH PLAIN",),
            answers={"AUTH PLAIN": "235 2.7.0 welcome"},
        ) as peer:
            smarthost = Smarthost(name="relay.example", port=peer.port, implicit_tls=implicit, login=ANN)
            async with courier(ZONES, 1, authorities=authority.file, smarthost=smarthost) as made:
                outcomes = await made.send("anywhere.example", to("bob@anywhere.example"), octets())
                assert codes(outcomes) == {"bob@anywhere.example": "2.0.0"}
                assert f"AUTH PLAIN {base64_of(chr(0) + 'ann' + chr(0) + 'secret')}" in peer.commands

    run(main, fast=fast)


@pytest.mark.parametrize(
    ("name", "greeting", "expected"),
    [("relay.example", "521 5.3.2 no mail here", "4.3.2"), ("typo.example", "220 hello", "4.4.4")],
)
def test_what_may_be_a_fault_of_our_configuration_returns_no_mail(name: str, greeting: str, expected: str) -> None:
    async def main() -> None:
        async with smtp_peer(answers={"GREETING": greeting}) as peer:
            smarthost = Smarthost(name=name, port=peer.port, ways=(Way.CLEAR,))
            async with courier(ZONES, 1, smarthost=smarthost) as made:
                outcomes = await made.send("anywhere.example", to("bob@anywhere.example"), octets())
                assert codes(outcomes) == {"bob@anywhere.example": expected}

    run(main)


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "implicit"])
def test_a_smarthost_that_cannot_prove_its_name_learns_no_password(authority: Authority, implicit: bool) -> None:
    async def main() -> None:
        async with smtp_peer(
            tls=authority.context("evil.example"), implicit_tls=implicit, offers=("AUTH PLAIN",)
        ) as peer:
            smarthost = Smarthost(name="relay.example", port=peer.port, implicit_tls=implicit, login=ANN)
            async with courier(ZONES, 1, authorities=authority.file, smarthost=smarthost) as made:
                outcomes = await made.send("anywhere.example", to("bob@anywhere.example"), octets())
                assert codes(outcomes) == {"bob@anywhere.example": "4.7.5"}
                assert "AUTH" not in peer.verbs()

    run(main)


@pytest.mark.parametrize(
    ("offers", "answers", "expected", "verbs"),
    [
        ((), {"AUTH PLAIN": "235 2.7.0 welcome"}, "4.7.8", []),
        (("AUTH CRAM-MD5",), {}, "4.7.8", []),
        (("AUTH PLAIN LOGIN",), {"AUTH": "535 5.7.8 no"}, "4.7.8", ["AUTH PLAIN"]),
        (("AUTH=LOGIN",), {"AUTH LOGIN": NAME, "YW5u": WORD, "c2VjcmV0": "235 ok"}, "2.0.0", ["AUTH LOGIN"]),
        (("AUTH SCRAM-SHA-256 PLAIN",), {"AUTH SCRAM": "235 ok"}, "4.7.8", ["AUTH SCRAM-SHA-256"]),
        (("AUTH SCRAM-SHA-256",), {"AUTH SCRAM": "334 eA=="}, "4.7.8", ["AUTH SCRAM-SHA-256"]),
        (("AUTH SCRAM-SHA-256",), {"AUTH SCRAM": "334 ?"}, "4.7.8", ["AUTH SCRAM-SHA-256"]),
        (("AUTH LOGIN",), {"AUTH LOGIN": NAME, "YW5u": "535 no"}, "4.7.8", ["AUTH LOGIN"]),
    ],
)  # fmt: skip
def test_a_login_that_fails_is_tried_later_and_never_returns_mail(
    offers: Sequence[str], answers: dict[str, Said | list[Said]], expected: str, verbs: list[str]
) -> None:
    async def main() -> None:
        async with smtp_peer(offers=offers, answers=answers) as peer:
            smarthost = Smarthost(name="127.0.0.1", port=peer.port, ways=(Way.CLEAR,), login=ANN)
            async with courier(Zones({}), 1, smarthost=smarthost) as made:
                outcomes = await made.send("anywhere.example", to("bob@anywhere.example"), octets())
                assert codes(outcomes) == {"bob@anywhere.example": expected}
                said = [" ".join(line.split(" ")[:2]) for line in peer.commands if line.startswith("AUTH")]
                assert said == verbs

    run(main)


def test_a_smarthost_has_a_connection_for_all_domains() -> None:
    async def main() -> None:
        async with smtp_peer() as peer:
            smarthost = Smarthost(name="localhost", port=peer.port, ways=(Way.ENCRYPTED, Way.CLEAR))
            async with courier(Zones({}), 1, smarthost=smarthost) as made:
                for domain in ("one.example", "two.example"):
                    await made.send(domain, to(f"bob@{domain}"), octets())
                assert peer.connections == 1

    run(main)


# ---- SCRAM-SHA-256 -----------------------------------------------------------------------------------------------

RFC = Login("user", "pencil")
NONCE = "rOprNGfwEbeRWgbNEkqO"
FIRST = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"


@pytest.mark.rfc("7677", "3")
def test_scram_sha_256_says_what_the_rfc_says() -> None:
    exchange = scram_sha_256(RFC, NONCE)
    assert next(exchange) == b"n,,n=user,r=" + NONCE.encode()
    assert exchange.send(FIRST) == (
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )
    assert exchange.send(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=") == b""


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"\xff",
        b"r=else,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        b"r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        FIRST.replace(b"4096", b"99999999999"),
        FIRST.replace(b"4096", b"0"),
        FIRST.replace(b"4096", b"many"),
        FIRST.replace(b"==", b"*"),
    ],
)
def test_a_server_that_does_not_follow_scram_is_left(first: bytes) -> None:
    exchange = scram_sha_256(RFC, NONCE)
    next(exchange)
    with pytest.raises(NotTheServer):
        exchange.send(first)


def test_a_server_that_does_not_know_the_password_is_found_out() -> None:
    exchange = scram_sha_256(RFC, NONCE)
    next(exchange)
    exchange.send(FIRST)
    with pytest.raises(NotTheServer):
        exchange.send(b"v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")


def test_a_password_is_in_no_text_of_a_login() -> None:
    assert "secret" not in repr(ANN)
