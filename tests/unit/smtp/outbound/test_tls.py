"""TLS with other hosts: opportunistic, by MTA-STS, by DANE, by REQUIRETLS; and what is counted of it."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.authority import Authority
from tests.smtp_peer import DEAF, Peer, smtp_peer
from tests.unit.smtp.outbound.sending import codes, courier, figures, octets, run, to
from tests.zones import FAULT, Zones

from mailkeep.formats.mta_sts import Mode, Policy
from mailkeep.model.envelope import Envelope
from mailkeep.service.spool import Octets
from mailkeep.smtp.courier import Courier
from mailkeep.smtp.outbound.fault import Patience

HOST = {"example.com": {"MX": ["10 mx.example.com."]}, "mx.example.com": {"A": ["127.0.0.1"]}}
PLAIN = to("bob@example.com")
BOTH = pytest.mark.parametrize("fast", [False, True], ids=["asyncio", "uvloop"])


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def tls_results(made: Courier) -> dict[tuple[str, str], float]:
    return {(labels[0], labels[1]): value for name, labels, value in made.figures() if name == "outbound_tls_sessions"}


async def sent(
    peer: Peer,
    zones: Zones,
    authority: Authority,
    envelope: Envelope = PLAIN,
    policy: Policy | None = None,
    data: bytes | None = None,
) -> tuple[str, dict[tuple[str, str], float]]:
    policies = {} if policy is None else {"example.com": policy}
    async with courier(zones, peer.port, policies=policies, authorities=authority.file) as made:
        message = octets() if data is None else octets(data)
        outcomes = await made.send("example.com", envelope, message)
        return codes(outcomes)["bob@example.com"], tls_results(made)


# ---- opportunistic -----------------------------------------------------------------------------------------------


@BOTH
def test_tls_is_used_where_it_is_offered_whoever_it_is(authority: Authority, tmp_path: Path, fast: bool) -> None:
    stranger = Authority(tmp_path, "Somebody else").context("another.name", valid=False)

    async def main() -> None:
        async with smtp_peer(tls=stranger) as peer:
            outcome, results = await sent(peer, Zones(HOST), authority)
            assert outcome == "2.0.0"
            assert peer.sessions_in_tls == 1
            assert peer.names_asked == ["mx.example.com"]
            assert peer.verbs()[:4] == ["EHLO", "STARTTLS", "EHLO", "MAIL"]
            assert results == {("no-policy-found", "successful"): 1}

    run(main, fast=fast)


def test_a_key_too_short_to_be_trusted_still_encrypts(authority: Authority, tmp_path: Path) -> None:
    short = Authority(tmp_path, "Short", key=rsa.generate_private_key(65537, 1024))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.load_cert_chain(short.with_key())

    async def main() -> None:
        async with smtp_peer(tls=context) as peer:
            assert await sent(peer, Zones(HOST), authority) == ("2.0.0", {("no-policy-found", "successful"): 1})

    run(main)


@BOTH
def test_inside_tls_too_a_host_that_does_not_read_is_given_up(authority: Authority, tmp_path: Path, fast: bool) -> None:
    file = tmp_path / "message"
    file.write_bytes(b"a line\r\n" * 4_000_000)

    async def main() -> None:
        async with (
            smtp_peer(tls=authority.context("mx.example.com"), offers=("PIPELINING",), answers={"DATA": DEAF}) as peer,
            courier(Zones(HOST), peer.port, patience=Patience(block_s=0.2)) as made,
        ):
            outcomes = await made.send("example.com", PLAIN, Octets(file.stat().st_size, b"", None, file))
            assert "does not read" in outcomes["bob@example.com"].text

    run(main, fast=fast)


def test_without_tls_a_message_goes_in_the_clear_and_that_is_counted(authority: Authority) -> None:
    async def main() -> None:
        async with smtp_peer() as peer:
            outcome, results = await sent(peer, Zones(HOST), authority)
            assert outcome == "2.0.0"
            assert results == {("no-policy-found", "starttls-not-supported"): 1}

    run(main)


@pytest.mark.parametrize("answer", ["454 4.7.0 not now", "501 5.5.4 no", "220 go ahead"])
@BOTH
def test_a_host_whose_tls_does_not_work_gets_the_message_in_the_clear(
    authority: Authority, answer: str, fast: bool
) -> None:
    async def main() -> None:
        # With 220 it goes on in the clear, which no handshake survives.
        async with smtp_peer(offers=("STARTTLS",), answers={"STARTTLS": answer}) as peer:
            outcome, _ = await sent(peer, Zones(HOST), authority)
            assert outcome == "2.0.0"
            assert len(peer.messages) == 1

    run(main, fast=fast)


@pytest.mark.rfc("3207", "4.2")
def test_what_is_said_before_tls_begins_is_not_taken_for_said_inside(authority: Authority) -> None:
    async def main() -> None:
        injected = b"220 go ahead\r\n250 mx.example.com\r\n"
        async with smtp_peer(offers=("STARTTLS",), answers={"STARTTLS": injected}) as peer:
            outcome, _ = await sent(peer, Zones(HOST), authority, policy=ENFORCE)
            assert outcome in ("4.4.2", "4.7.5")
            assert peer.messages == []

    run(main)


# ---- MTA-STS -----------------------------------------------------------------------------------------------------

ENFORCE = Policy(Mode.ENFORCE, ("mx.example.com",), 86400)
TESTING = Policy(Mode.TESTING, ("mx.example.com",), 86400)
ELSEWHERE = Policy(Mode.ENFORCE, ("mail.example.com",), 86400)

Make = Callable[[Authority, Path], ssl.SSLContext | None]


def good(authority: Authority, _: Path) -> ssl.SSLContext:
    return authority.context("mx.example.com")


def wild(authority: Authority, _: Path) -> ssl.SSLContext:
    return authority.context("*.example.com")


def other_name(authority: Authority, _: Path) -> ssl.SSLContext:
    return authority.context("mail.example.com")


def expired(authority: Authority, _: Path) -> ssl.SSLContext:
    return authority.context("mx.example.com", valid=False)


def untrusted(_: Authority, directory: Path) -> ssl.SSLContext:
    return Authority(directory, "Somebody else").context("mx.example.com")


def none(_: Authority, __: Path) -> None:
    return None


@pytest.mark.rfc("8461", "5")
@pytest.mark.rfc("8460", "4.3")
@BOTH
@pytest.mark.parametrize(
    ("policy", "make", "outcome", "result"),
    [
        (ENFORCE, good, "2.0.0", "successful"),
        (ENFORCE, wild, "2.0.0", "successful"),
        (ENFORCE, other_name, "4.7.5", "certificate-host-mismatch"),
        (ENFORCE, expired, "4.7.5", "certificate-expired"),
        (ENFORCE, untrusted, "4.7.5", "certificate-not-trusted"),
        (ENFORCE, none, "4.7.5", "starttls-not-supported"),
        (ELSEWHERE, good, "4.7.5", "validation-failure"),
        (TESTING, good, "2.0.0", "successful"),
        (TESTING, untrusted, "2.0.0", "certificate-not-trusted"),
        (TESTING, none, "2.0.0", "starttls-not-supported"),
    ],
)
def test_an_mta_sts_policy_is_followed_and_what_came_of_it_counted(
    authority: Authority, tmp_path: Path, policy: Policy, make: Make, outcome: str, result: str, fast: bool
) -> None:
    async def main() -> None:
        async with smtp_peer(tls=make(authority, tmp_path)) as peer:
            got, results = await sent(peer, Zones(HOST), authority, policy=policy)
            assert got == outcome
            assert results == {("sts", result): 1}
            assert len(peer.messages) == (outcome == "2.0.0")

    run(main, fast=fast)


def test_with_an_mta_sts_policy_the_next_host_is_tried_when_one_fails(authority: Authority) -> None:
    zones = Zones(
        {
            "example.com": {"MX": ["10 one.example.com.", "20 mx.example.com."]},
            "one.example.com": {"A": ["127.0.0.1"]},
            "mx.example.com": {"A": ["127.0.0.2"]},
        }
    )

    async def main() -> None:
        async with (
            smtp_peer() as evil,
            smtp_peer(tls=authority.context("mx.example.com"), host="127.0.0.2", port=evil.port) as peer,
        ):
            outcome, _ = await sent(peer, zones, authority, policy=ENFORCE)
            assert outcome == "2.0.0"
            assert evil.connections == 0

    run(main)


# ---- DANE --------------------------------------------------------------------------------------------------------


def tlsa(certificate: x509.Certificate, usage: int, selector: int, matching: int) -> str:
    if selector:
        data = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        data = certificate.public_bytes(Encoding.DER)
    if matching:
        data = hashlib.new("sha256" if matching == 1 else "sha512", data).digest()
    return f"{usage} {selector} {matching} {data.hex()}"


def zones_with(port: int, records: list[str] | str, authentic: bool = True) -> Zones:
    return Zones({**HOST, f"_{port}._tcp.mx.example.com": {"TLSA": records}}, authentic)


@pytest.mark.rfc("7672", "3.1.1")
@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("matching", [0, 1, 2])
@BOTH
def test_dane_ee_takes_the_key_that_dns_names_whatever_else_is_wrong(
    authority: Authority, tmp_path: Path, selector: int, matching: int, fast: bool
) -> None:
    context = Authority(tmp_path, "Somebody else").context("another.name", valid=False)
    record = tlsa(context.certificate, 3, selector, matching)  # type: ignore[attr-defined]

    async def main() -> None:
        async with smtp_peer(tls=context) as peer:
            outcome, results = await sent(peer, zones_with(peer.port, [record]), authority)
            assert outcome == "2.0.0"
            assert results == {("tlsa", "successful"): 1}

    run(main, fast=fast)


@pytest.mark.rfc("7672", "3.1.2")
@pytest.mark.parametrize(
    ("names", "valid", "chain", "outcome", "result"),
    [
        (("mx.example.com",), True, True, "2.0.0", "successful"),
        (("*.example.com",), True, True, "2.0.0", "successful"),
        (("example.com",), True, True, "2.0.0", "successful"),
        (("another.name",), True, True, "4.7.5", "certificate-host-mismatch"),
        (("mx.example.com",), False, True, "4.7.5", "certificate-expired"),
        (("mx.example.com",), True, False, "4.7.5", "validation-failure"),
    ],
)
@BOTH
def test_dane_ta_takes_what_the_authority_has_signed_that_dns_names(
    authority: Authority,
    tmp_path: Path,
    names: tuple[str, ...],
    valid: bool,
    chain: bool,
    outcome: str,
    result: str,
    fast: bool,
) -> None:
    own = Authority(tmp_path, "Own authority")
    record = tlsa(own.certificate, 2, 0, 1)

    async def main() -> None:
        async with smtp_peer(tls=own.context(*names, valid=valid, chain=chain)) as peer:
            got, results = await sent(peer, zones_with(peer.port, [record]), authority)
            assert (got, results) == (outcome, {("tlsa", result): 1})

    run(main, fast=fast)


def test_dane_ta_is_not_satisfied_by_an_anchor_that_has_not_signed(authority: Authority, tmp_path: Path) -> None:
    own, evil = Authority(tmp_path, "Own authority"), Authority(tmp_path, "Own authority ")
    evil.subject = own.subject
    _, file = evil.issue("mx.example.com", chain=False)
    file.write_bytes(file.read_bytes() + own.certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    record = tlsa(own.certificate, 2, 1, 1)

    async def main() -> None:
        async with smtp_peer(tls=context) as peer:
            outcome, _ = await sent(peer, zones_with(peer.port, [record]), authority)
            assert outcome == "4.7.5"
            assert peer.messages == []

    run(main)


@pytest.mark.rfc("7672", "2.2")
@pytest.mark.parametrize(
    ("records", "authentic", "with_tls", "outcome"),
    [
        (["3 1 1 " + "00" * 32], True, True, "4.7.5"),  # another key
        (["3 1 1 " + "00" * 32], True, False, "4.7.5"),  # DANE means that there is TLS
        (["3 1 1 " + "00" * 32], False, True, "2.0.0"),  # not validated: anybody may have written it
        (["1 1 1 " + "00" * 32], True, True, "2.0.0"),  # not usable: TLS with whoever it is
        (["1 1 1 " + "00" * 32], True, False, "4.7.5"),
        (["3 9 1 " + "00" * 32], True, True, "2.0.0"),  # no such selector
        (FAULT, True, True, "4.4.3"),  # somebody may be hiding the records
        ([], True, False, "2.0.0"),
    ],
)
def test_dane_counts_if_dnssec_proves_it_and_then_it_must_hold(
    authority: Authority, records: list[str] | str, authentic: bool, with_tls: bool, outcome: str
) -> None:
    async def main() -> None:
        async with smtp_peer(tls=authority.context("mx.example.com") if with_tls else None) as peer:
            got, _ = await sent(peer, zones_with(peer.port, records, authentic), authority)
            assert got == outcome

    run(main)


@pytest.mark.parametrize("insecure", ["example.com", "mx.example.com"])
def test_dane_is_not_asked_for_where_the_way_to_the_host_is_not_proven(authority: Authority, insecure: str) -> None:
    async def main() -> None:
        async with smtp_peer() as peer:
            tlsa_name = f"_{peer.port}._tcp.mx.example.com"
            names = {"example.com", "mx.example.com", tlsa_name} - {insecure}
            zones = Zones({**HOST, tlsa_name: {"TLSA": ["3 1 1 " + "00" * 32]}}, sorted(names))
            outcome, _ = await sent(peer, zones, authority)
            assert outcome == "2.0.0"
            assert "TLSA" not in {kind for _, kind in zones.asked}

    run(main)


@pytest.mark.rfc("7672", "2.2.2")
def test_dane_looks_under_the_name_after_aliases_first(authority: Authority) -> None:
    context = authority.context("real.example.net")
    record = tlsa(context.certificate, 3, 1, 1)  # type: ignore[attr-defined]

    async def main() -> None:
        async with smtp_peer(tls=context) as peer:
            zones = Zones(
                {
                    "example.com": {"MX": ["10 mx.example.com."]},
                    "mx.example.com": {"CNAME": "real.example.net"},
                    "real.example.net": {"A": ["127.0.0.1"]},
                    f"_{peer.port}._tcp.real.example.net": {"TLSA": [record]},
                },
                authentic=True,
            )
            outcome, results = await sent(peer, zones, authority)
            assert (outcome, results) == ("2.0.0", {("tlsa", "successful"): 1})

    run(main)


def test_dane_comes_before_mta_sts(authority: Authority, tmp_path: Path) -> None:
    context = Authority(tmp_path, "Somebody else").context("another.name")
    record = tlsa(context.certificate, 3, 1, 1)  # type: ignore[attr-defined]

    async def main() -> None:
        async with smtp_peer(tls=context) as peer:
            outcome, _ = await sent(peer, zones_with(peer.port, [record]), authority, policy=ELSEWHERE)
            assert outcome == "2.0.0"

    run(main)


# ---- REQUIRETLS --------------------------------------------------------------------------------------------------

REQUIRED = to("bob@example.com", require_tls=True)
OFFERED = ("REQUIRETLS", "PIPELINING")


@pytest.mark.rfc("8689", "4.2.1")
@pytest.mark.parametrize(
    ("make", "policy", "authentic", "offers", "outcome"),
    [
        (good, ENFORCE, False, OFFERED, "2.0.0"),
        (good, TESTING, False, OFFERED, "2.0.0"),
        (good, None, True, OFFERED, "2.0.0"),
        (good, None, False, OFFERED, "5.7.10"),  # anybody may have said that this is the host
        (good, ELSEWHERE, False, OFFERED, "5.7.10"),
        (good, ENFORCE, False, (), "5.7.30"),
        (untrusted, ENFORCE, False, OFFERED, "5.7.10"),
        (untrusted, None, True, OFFERED, "5.7.10"),
        (none, TESTING, False, OFFERED, "5.7.10"),
    ],
)
def test_a_message_that_requires_tls_goes_only_to_a_host_that_is_proven_and_knows_it(
    authority: Authority,
    tmp_path: Path,
    make: Make,
    policy: Policy | None,
    authentic: bool,
    offers: tuple[str, ...],
    outcome: str,
) -> None:
    async def main() -> None:
        async with smtp_peer(tls=make(authority, tmp_path), offers_in_tls=offers) as peer:
            got, _ = await sent(peer, Zones(HOST, authentic), authority, REQUIRED, policy)
            assert got == outcome
            assert len(peer.messages) == (outcome == "2.0.0")
            if outcome == "2.0.0":
                assert "MAIL FROM:<ann@example.org> REQUIRETLS" in peer.commands

    run(main)


def test_a_dns_fault_is_never_a_reason_to_return_a_message_that_requires_tls(authority: Authority) -> None:
    async def main() -> None:
        async with smtp_peer(tls=authority.context("mx.example.com"), offers_in_tls=OFFERED) as peer:
            outcome, _ = await sent(peer, zones_with(peer.port, FAULT), authority, REQUIRED)
            assert outcome == "4.4.3"

    run(main)


@pytest.mark.parametrize(
    ("records", "policy", "expected"),
    [
        (FAULT, None, "4.4.3"),
        (['"v=STSv1; id=1;"'], None, "4.7.0"),  # and could not be fetched
        (['"v=STSv1; id=1;"'], Policy(Mode.NONE, (), 60), "5.7.10"),
        ([], None, "5.7.10"),
    ],
)
def test_a_policy_that_cannot_be_had_now_is_no_reason_either(
    authority: Authority, records: str | list[str], policy: Policy | None, expected: str
) -> None:
    async def main() -> None:
        async with smtp_peer(tls=authority.context("mx.example.com"), offers_in_tls=OFFERED) as peer:
            zones = Zones({**HOST, "_mta-sts.example.com": {"TXT": records}})
            outcome, _ = await sent(peer, zones, authority, REQUIRED, policy)
            assert outcome == expected

    run(main)


@pytest.mark.rfc("8689", "5")
def test_a_report_is_not_lost_for_want_of_tls(authority: Authority) -> None:
    async def main() -> None:
        async with smtp_peer() as peer:
            envelope = to("bob@example.com", sender="", require_tls=True)
            outcome, _ = await sent(peer, Zones(HOST), authority, envelope)
            assert outcome == "2.0.0"

    run(main)


@pytest.mark.rfc("8689", "4.2.2")
@pytest.mark.parametrize("make", [good, untrusted, none])
def test_a_message_that_says_tls_is_not_required_goes_in_any_case(
    authority: Authority, tmp_path: Path, make: Make
) -> None:
    data = b"Subject: x\r\nTLS-Required: No\r\n\r\nx\r\n"

    async def main() -> None:
        async with smtp_peer(tls=make(authority, tmp_path)) as peer:
            outcome, _ = await sent(peer, Zones(HOST), authority, policy=ENFORCE, data=data)
            assert outcome == "2.0.0"
            assert (peer.sessions_in_tls > 0) is (make is not none)

    run(main)


def test_connections_made_with_less_tls_are_not_used_for_messages_that_need_more(authority: Authority) -> None:
    async def main() -> None:
        async with smtp_peer(tls=authority.context("mx.example.com"), offers=OFFERED) as peer:
            policies = {"example.com": TESTING}
            zones = Zones({**HOST, "other.com": HOST["example.com"]})
            async with courier(zones, peer.port, policies=policies, authorities=authority.file) as made:
                await made.send("other.com", to("bob@other.com"), octets())
                await made.send("example.com", REQUIRED, octets())
                assert peer.connections == 2
                await made.send("other.com", to("eve@other.com"), octets())
                assert peer.connections == 2
                assert figures(made)["outbound_connections", "reused"] == 1

    run(main)
