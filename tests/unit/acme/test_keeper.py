"""What is asked of an authority, and what becomes of its answers."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import dns.rdata
import pytest
from cryptography import x509
from tests.unit.acme.ca import Ca, problem, running_ca

from mailkeep.acme.folder import HOST, Folder, Held
from mailkeep.acme.keeper import Keeper, Outcome
from mailkeep.acme.settings import Binding, Settings
from mailkeep.net.dns_question import DnsFault
from mailkeep.net.resolver import Answer

DAY = 86400.0
BEGIN = 1_700_000_000.0
HOSTNAME = "mail.example.org"


@dataclass
class Names:
    """A resolver that knows a few names."""

    addresses: dict[str, str] = field(
        default_factory=lambda: dict.fromkeys((HOSTNAME, "a.example.org", "b.example.org"), "192.0.2.1")
    )
    silent: set[str] = field(default_factory=set)

    async def look_up(self, name: str, kind: str) -> Answer:
        if name in self.silent:
            raise DnsFault("SERVFAIL")
        found = self.addresses.get(name) if kind == "A" else None
        records = (dns.rdata.from_text("IN", "A", found),) if found else ()
        return Answer(records, exists=bool(found), authentic=False, name=name)


@dataclass
class Bench:
    """A keeper with a clock that is turned, and its authority."""

    ca: Ca
    keeper: Keeper
    folder: Folder
    settings: Settings
    names: dict[str, list[str]]
    dns: Names
    now: float = BEGIN
    installed: int = 0
    pauses: list[float] = field(default_factory=list)

    async def look(self, *, anyway: bool = False) -> tuple[Outcome, ...]:
        self.ca.clock = self.now
        return await self.keeper.look(self.settings, anyway=anyway)

    def held(self, group: str = HOST) -> Held:
        held = self.folder.find(group)
        assert held is not None
        return held


def bench(directory: Path, act: Callable[[Bench], Awaitable[None]]) -> None:
    async def run() -> None:
        async with running_ca(directory) as ca:
            settings = Settings(
                directory=f"{ca.url}/directory", hostname=HOSTNAME, kinds=("http-01",), authorities=ca.signer.file
            )
            names = {HOST: [HOSTNAME]}
            dns = Names()
            made: Bench

            def install() -> None:
                made.installed += 1

            async def pause(seconds: float) -> None:
                made.pauses.append(seconds)

            keeper = Keeper(
                directory / "data", dns, candidates=lambda: names, install=install, clock=lambda: made.now, pause=pause
            )
            made = Bench(ca, keeper, Folder(directory / "data"), settings, names, dns)
            await act(made)

    asyncio.run(run())


Acting = Callable[[Callable[[Bench], Awaitable[None]]], None]


@pytest.fixture
def at(tmp_path: Path) -> Acting:
    return lambda act: bench(tmp_path, act)


@pytest.mark.rfc("8555", "7.1")
def test_a_certificate_is_asked_for_step_by_step(at: Acting) -> None:
    async def act(it: Bench) -> None:
        (outcome,) = await it.look()
        assert outcome == Outcome(HOST, (HOSTNAME,))
        assert it.ca.paths() == [
            "/directory", "/nonce", "/account", "/order", f"/authz/0/{HOSTNAME}", f"/challenge/0/{HOSTNAME}/http-01",
            f"/authz/0/{HOSTNAME}", "/finalize/0", "/certificate/0",
        ]  # fmt: skip
        assert it.ca.asked[2][2]["termsOfServiceAgreed"] is True
        assert it.installed == 1
        assert it.held().until == dt.datetime.fromtimestamp(BEGIN + 90 * DAY, dt.UTC)

    at(act)


@pytest.mark.rfc("8555", "6.5")
def test_each_nonce_is_used_once_and_another_one_taken_where_it_is_refused(at: Acting) -> None:
    async def act(it: Bench) -> None:
        it.ca.replies["/order"] = [problem("badNonce", status=400), problem("badNonce", status=400)]
        (outcome,) = await it.look()
        assert outcome.fault == ""
        nonces = [header["nonce"] for _, header, _ in it.ca.asked if header]
        assert len(nonces) == len(set(nonces))

    at(act)


def test_an_authority_that_knows_none_of_its_nonces_is_given_up(at: Acting) -> None:
    async def act(it: Bench) -> None:
        it.ca.replies["/order"] = [problem("badNonce", status=400)] * 50
        (outcome,) = await it.look()
        assert outcome.fault == "the authority knows none of its nonces"

    at(act)


def test_after_two_thirds_of_its_life_a_certificate_is_renewed_by_the_same_account(at: Acting) -> None:
    async def act(it: Bench) -> None:
        await it.look()
        it.now = BEGIN + 59 * DAY
        assert await it.look() == ()
        it.now = BEGIN + 61 * DAY
        (outcome,) = await it.look()
        assert outcome.fault == ""
        assert it.ca.paths().count("/account") == 1
        assert it.held().since.timestamp() == it.now
        assert it.installed == 2

    at(act)


@pytest.mark.rfc("9773", "4.2")
def test_a_certificate_is_renewed_when_the_authority_advises_and_says_which_one_it_replaces(at: Acting) -> None:
    async def act(it: Bench) -> None:
        it.ca.directory["renewalInfo"] = f"{it.ca.url}/advice"
        await it.look()
        old = it.held().id
        window = {"start": "2023-12-04T00:00:00Z", "end": "2023-12-05T00:00:00Z"}  # 20 days after BEGIN
        it.ca.replies[f"/advice/{old}"] = [it.ca.document({"suggestedWindow": window})] * 5
        assert await it.look() == ()
        it.now = BEGIN + 21 * DAY
        (outcome,) = await it.look()
        assert outcome.fault == ""
        assert [payload.get("replaces") for path, _, payload in it.ca.asked if path == "/order"] == [None, old]

    at(act)


@pytest.mark.parametrize(
    "advice", [{}, {"suggestedWindow": 5}, {"suggestedWindow": {"start": "x", "end": "y"}}, [],
               {"suggestedWindow": {"start": "2023-11-21T00:00:00Z", "end": "2023-11-20T00:00:00Z"}}],
)  # fmt: skip
def test_advice_that_is_none_changes_nothing(at: Acting, advice: object) -> None:
    async def act(it: Bench) -> None:
        it.ca.directory["renewalInfo"] = f"{it.ca.url}/advice"
        await it.look()
        it.ca.replies[f"/advice/{it.held().id}"] = [it.ca.document(advice)] * 5
        it.now = BEGIN + 59 * DAY
        assert await it.look() == ()
        it.now = BEGIN + 61 * DAY
        assert len(await it.look()) == 1

    at(act)


def test_an_order_is_made_without_what_it_replaces_where_the_authority_does_not_want_to_hear_of_it(at: Acting) -> None:
    async def act(it: Bench) -> None:
        it.ca.directory["renewalInfo"] = f"{it.ca.url}/advice"
        await it.look()
        it.now = BEGIN + 61 * DAY
        it.ca.replies["/order"] = [problem("alreadyReplaced", status=409)]
        (outcome,) = await it.look()
        assert outcome.fault == ""
        assert it.held().since.timestamp() == it.now

    at(act)


def test_names_that_lead_elsewhere_are_left_out_and_told(at: Acting) -> None:
    async def act(it: Bench) -> None:
        it.names[HOST] = [HOSTNAME, "a.example.org", "else.example.org", "none.example.org"]
        it.dns.addresses["else.example.org"] = "192.0.2.7"
        (outcome,) = await it.look()
        assert outcome.names == (HOSTNAME, "a.example.org")
        assert it.folder.notes(HOST).elsewhere == {
            "else.example.org": f"leads to 192.0.2.7, and {HOSTNAME} does not",
            "none.example.org": "has no address",
        }

    at(act)


def test_a_name_of_which_dns_says_nothing_is_left_out_told_and_taken_in_when_it_does(at: Acting) -> None:
    async def act(it: Bench) -> None:
        it.names[HOST] = [HOSTNAME, "a.example.org"]
        it.dns.silent = {"a.example.org"}
        (outcome,) = await it.look()
        assert outcome.names == (HOSTNAME,)
        assert it.folder.notes(HOST).elsewhere == {"a.example.org": "DNS does not answer for a.example.org: SERVFAIL"}
        assert await it.look() == ()
        it.dns.silent = set()
        (outcome,) = await it.look()
        assert outcome.names == (HOSTNAME, "a.example.org")

    at(act)


def test_a_certificate_never_loses_a_name_because_dns_is_silent(at: Acting) -> None:
    async def act(it: Bench) -> None:
        it.names[HOST] = [HOSTNAME, "a.example.org"]
        await it.look()
        it.dns.silent = {"a.example.org"}
        asked = len(it.ca.orders)
        assert await it.look() == ()  # nothing is due: it does not matter
        it.now = BEGIN + 61 * DAY
        (outcome,) = await it.look()
        assert outcome.fault == "DNS does not answer for a.example.org: SERVFAIL"
        assert len(it.ca.orders) == asked
        it.now = BEGIN + 80 * DAY  # with little life left it goes on without
        (outcome,) = await it.look()
        assert (outcome.names, outcome.fault) == ((HOSTNAME,), "")

    at(act)


def test_more_names_than_a_certificate_takes_are_left_out_and_told(at: Acting) -> None:
    async def act(it: Bench) -> None:
        it.names[HOST] = [HOSTNAME, *(f"n{n}.example.org" for n in range(101))]
        it.dns.addresses |= dict.fromkeys(it.names[HOST], "192.0.2.1")
        (outcome,) = await it.look()
        assert len(outcome.names) == 100
        assert it.folder.notes(HOST).elsewhere == {
            f"n{n}.example.org": "a certificate has 100 names at most" for n in (99, 100)
        }

    at(act)


@pytest.mark.rfc("8555", "6.7.1")
def test_a_name_that_is_never_signed_is_left_out_and_not_asked_for_again_within_a_day(at: Acting) -> None:
    async def act(it: Bench) -> None:
        it.names[HOST] = [HOSTNAME, "a.example.org", "b.example.org"]
        it.ca.refused = {"b.example.org": "on a list"}
        (outcome,) = await it.look()
        assert outcome.names == (HOSTNAME, "a.example.org")
        assert outcome.refused == {"b.example.org": "on a list (rejectedIdentifier)"}
        it.now += 3600
        assert await it.look() == ()
        it.now += DAY
        (outcome,) = await it.look()
        assert (outcome.names, len(it.ca.made)) == ((HOSTNAME, "a.example.org"), 1)  # asked for, but not made again

    at(act)


def test_a_name_that_is_refused_in_words_only_is_left_out_too(at: Acting) -> None:
    async def act(it: Bench) -> None:
        it.names[HOST] = [HOSTNAME, "a.example.org"]
        it.ca.replies["/order"] = [problem("rejectedIdentifier", 'Cannot issue for "a.example.org": policy', 400)]
        (outcome,) = await it.look()
        assert outcome.names == (HOSTNAME,)

    at(act)


def test_a_name_whose_proof_is_not_seen_is_proven_the_other_way(at: Acting) -> None:
    async def act(it: Bench) -> None:
        it.settings = replace(it.settings, kinds=("http-01", "tls-alpn-01"))
        it.names[HOST] = [HOSTNAME, "a.example.org"]
        it.ca.unseen = {"a.example.org": ("http-01",)}
        (outcome,) = await it.look()
        assert (outcome.names, outcome.refused) == ((HOSTNAME, "a.example.org"), {})
        assert "/challenge/1/a.example.org/tls-alpn-01" in it.ca.paths()

    at(act)


def test_a_certificate_never_loses_a_name_to_a_passing_fault(at: Acting) -> None:
    async def act(it: Bench) -> None:
        it.names[HOST] = [HOSTNAME, "a.example.org"]
        await it.look()
        it.now = BEGIN + 61 * DAY
        it.ca.unseen = {"a.example.org": ("http-01",)}
        (outcome,) = await it.look()
        assert outcome.fault.startswith("a.example.org: nobody at a.example.org (connection)")
        assert it.held().names == (HOSTNAME, "a.example.org")
        assert len(it.ca.made) == 1
        it.now = BEGIN + 80 * DAY  # with little life left it goes on without
        (outcome,) = await it.look()
        assert (outcome.names, outcome.fault) == ((HOSTNAME,), "")

    at(act)


def test_a_renewal_that_was_asked_for_loses_no_name_either(at: Acting) -> None:
    async def act(it: Bench) -> None:
        it.names[HOST] = [HOSTNAME, "a.example.org"]
        await it.look()
        it.ca.unseen = {"a.example.org": ("http-01",)}
        (outcome,) = await it.look(anyway=True)
        assert outcome.fault.startswith("a.example.org: ")
        assert it.held().names == (HOSTNAME, "a.example.org")

    at(act)


def test_without_the_hosts_own_name_there_is_no_certificate(at: Acting) -> None:
    async def act(it: Bench) -> None:
        it.names[HOST] = [HOSTNAME, "a.example.org"]
        it.ca.unseen = {HOSTNAME: ("http-01",)}
        (outcome,) = await it.look()
        assert outcome.fault.startswith(f"{HOSTNAME}: ")
        assert it.folder.find(HOST) is None
        assert it.installed == 0

    at(act)


def test_a_failure_waits_longer_each_time_outlives_a_restart_and_is_forgotten_by_success(at: Acting) -> None:
    async def act(it: Bench) -> None:
        it.ca.replies["/directory"] = [problem("serverInternal", "down", 500)] * 2
        await it.look()
        assert it.folder.notes(HOST).next_at == BEGIN + 600
        data = it.folder._root.parent
        other = Keeper(data, it.dns, candidates=lambda: it.names, install=lambda: None, clock=lambda: it.now)
        assert await other.look(it.settings) == ()
        it.now += 600
        (outcome,) = await it.look()
        assert outcome.fault == "down (serverInternal)"
        assert it.folder.notes(HOST).next_at == it.now + 1800
        it.now += 1800
        (outcome,) = await it.look()
        assert outcome.fault == ""
        assert (it.folder.notes(HOST).failures, it.folder.notes(HOST).fault) == (0, "")

    at(act)


def test_an_authority_that_has_enough_is_left_alone_for_as_long_as_it_says(at: Acting) -> None:
    async def act(it: Bench) -> None:
        status, _, body = problem("rateLimited", "too many", 429, subproblems=[
            {"type": "x", "detail": "y", "identifier": {"type": "dns", "value": HOSTNAME}}])  # fmt: skip
        it.ca.replies["/order"] = [(status, {"Retry-After": "7000"}, body)]
        (outcome,) = await it.look()
        assert outcome.fault == "too many (rateLimited)"
        assert it.folder.notes(HOST).next_at == BEGIN + 7000

    at(act)


def test_another_authority_makes_another_certificate_whatever_happened_at_the_first(at: Acting, tmp_path: Path) -> None:
    async def act(it: Bench) -> None:
        await it.look()
        it.ca.refused = {HOSTNAME: "no"}
        await it.look(anyway=True)
        (tmp_path / "other").mkdir()
        async with running_ca(tmp_path / "other") as other:
            it.settings = replace(it.settings, directory=f"{other.url}/directory", authorities=other.signer.file)
            (outcome,) = await it.look()
            assert (outcome.fault, len(other.made)) == ("", 1)
            assert await it.look() == ()

    at(act)


def test_where_the_disk_takes_nothing_the_authority_is_left_alone_all_the_same(
    at: Acting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    async def act(it: Bench) -> None:
        monkeypatch.setattr(Folder, "write_notes", full)
        (outcome,) = await it.look()
        assert "No space left" in outcome.fault
        asked = len(it.ca.asked)
        assert await it.look() == ()
        assert len(it.ca.asked) == asked

    at(act)


def test_who_asks_for_a_renewal_gets_it_whatever_there_is_and_was(at: Acting) -> None:
    async def act(it: Bench) -> None:
        await it.look()
        it.ca.replies["/order"] = [problem("serverInternal", "down", 500)]
        assert [each.fault for each in await it.look(anyway=True)] == ["down (serverInternal)"]
        assert [each.fault for each in await it.look(anyway=True)] == [""]
        assert len(it.ca.made) == 2

    at(act)


def test_a_domain_that_has_gone_is_forgotten(at: Acting) -> None:
    async def act(it: Bench) -> None:
        it.names["example.org"] = ["a.example.org"]
        await it.look()
        assert it.held("example.org").names == ("a.example.org",)
        del it.names["example.org"]
        await it.look()
        assert it.folder.groups() == (HOST,)

    at(act)


def test_one_domain_without_luck_harms_no_other(at: Acting) -> None:
    async def act(it: Bench) -> None:
        it.names |= {"a.example.org": ["a.example.org"], "b.example.org": ["b.example.org"]}
        it.ca.refused = {"a.example.org": "no"}
        outcomes = await it.look()
        assert [(each.group, bool(each.fault)) for each in outcomes] == [
            (HOST, False), ("a.example.org", True), ("b.example.org", False),
        ]  # fmt: skip

    at(act)


@pytest.mark.rfc("8555", "7.3.1")
def test_where_the_authority_has_forgotten_the_account_another_one_is_made(at: Acting) -> None:
    async def act(it: Bench) -> None:
        await it.look()
        it.now = BEGIN + 61 * DAY
        it.ca.replies["/order"] = [problem("accountDoesNotExist", status=400)]
        (outcome,) = await it.look()
        assert outcome.fault == ""
        assert it.ca.paths().count("/account") == 2

    at(act)


@pytest.mark.rfc("8555", "7.3.4")
def test_an_authority_that_wants_an_account_of_its_own_is_given_it_or_the_options_are_named(at: Acting) -> None:
    async def act(it: Bench) -> None:
        it.ca.directory["meta"] = {"externalAccountRequired": True}
        (outcome,) = await it.look()
        assert outcome.fault == "the authority wants acme.key_id and acme.hmac_key_file"
        it.settings = replace(it.settings, binding=Binding("kid", b"0123456789abcdef"))
        await it.look(anyway=True)
        told = next(payload for path, _, payload in it.ca.asked if path == "/account")
        assert set(told["externalAccountBinding"]) == {"protected", "payload", "signature"}

    at(act)


def test_it_is_waited_while_the_authority_makes_up_its_mind(at: Acting) -> None:
    async def act(it: Bench) -> None:
        path = f"/authz/0/{HOSTNAME}"
        pending = it.ca.authorization("/authz/x", "0", HOSTNAME)
        it.ca.replies[path] = [
            it.ca.document(pending), it.ca.document(pending, **{"Retry-After": "3"}), it.ca.document(pending),
        ]  # fmt: skip
        (outcome,) = await it.look()
        assert outcome.fault == ""
        assert it.pauses == [0.0, 3.0, 0.375]

    at(act)


def test_a_proof_lies_there_only_while_the_authority_looks(at: Acting, tmp_path: Path) -> None:
    async def act(it: Bench) -> None:
        it.ca.unseen = {HOSTNAME: ("http-01",)}
        await it.look()
        assert list((tmp_path / "data/acme/challenges").iterdir()) == []

    at(act)


def garbled() -> Iterator[Any]:
    """(path, answer): what no authority says."""
    for path in ("/directory", "/account", "/order", f"/authz/0/{HOSTNAME}", "/finalize/0"):
        for body in (b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000, b"{}" if path != "/account" else b"x"):
            yield pytest.param(path, (200, {}, body), id=f"{path.split('/')[1]}-{body[:4]!r}")
        yield pytest.param(path, (302, {"Location": "https://localhost:1/"}, b""), id=f"{path.split('/')[1]}-302")
        yield pytest.param(path, (500, {}, b"<html>"), id=f"{path.split('/')[1]}-500")
        yield pytest.param(path, (200, {}, b"x" * (2 << 20)), id=f"{path.split('/')[1]}-long")
    yield pytest.param("/nonce", (200, {"Replay-Nonce": ""}, b""), id="no nonce")
    for body in (b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        yield pytest.param("/certificate/0", (200, {}, body), id=f"certificate-{body[:9]!r}")
    for url in ("http://localhost/", "file:///etc/passwd", "https://", "https://localhost:99999/", "https://a b/", "x"):
        body = json.dumps({"newNonce": url, "newAccount": url, "newOrder": url}).encode()
        yield pytest.param("/directory", (200, {}, body), id=f"elsewhere-{url}")
    for token in ("", "../../escape", "a" * 500, "ä"):
        bad = {"status": "pending", "identifier": {"type": "dns", "value": HOSTNAME},
               "challenges": [{"type": "http-01", "url": "https://localhost:1/", "token": token}]}  # fmt: skip
        yield pytest.param(f"/authz/0/{HOSTNAME}", (200, {}, json.dumps(bad).encode()), id=f"token-{token[:6]}")


@pytest.mark.parametrize(("path", "answer"), tuple(garbled()))
def test_whatever_an_authority_says_it_is_a_fault_that_is_told_and_tried_again(
    at: Acting, path: str, answer: tuple[int, dict[str, str], bytes]
) -> None:
    async def act(it: Bench) -> None:
        it.ca.replies[path] = [answer]
        (outcome,) = await it.look()
        assert outcome.fault != ""
        assert len(outcome.fault) < 1000
        assert it.folder.find(HOST) is None
        it.now += 600
        (outcome,) = await it.look()
        assert outcome.fault == ""

    at(act)


def test_an_authority_whose_certificate_nobody_has_signed_is_not_spoken_to(at: Acting, tmp_path: Path) -> None:
    async def act(it: Bench) -> None:
        it.settings = replace(it.settings, authorities=None)
        (outcome,) = await it.look()
        assert "CERTIFICATE_VERIFY_FAILED" in outcome.fault
        assert it.ca.asked == []

    at(act)


def test_where_no_challenge_can_be_answered_the_listeners_are_named(at: Acting) -> None:
    async def act(it: Bench) -> None:
        it.settings = replace(it.settings, kinds=())
        (outcome,) = await it.look()
        assert "listen.http serves http-01" in outcome.fault

    at(act)


def test_the_next_look_is_in_an_hour_or_when_an_attempt_may_be_made_again(at: Acting) -> None:
    async def act(it: Bench) -> None:
        assert it.keeper._pause_s() == 3600
        it.keeper.configure(it.settings)
        it.ca.refused = {HOSTNAME: "no"}
        await it.look()
        assert it.keeper._pause_s() == 600
        it.ca.refused = {}
        await it.look(anyway=True)
        assert it.keeper._pause_s() == 3600

    at(act)


def test_the_keeper_looks_when_it_is_woken_and_asks_nobody_before_it_is_told_whom(at: Acting) -> None:
    async def act(it: Bench) -> None:
        done = asyncio.Event()
        it.keeper._install = done.set
        async with asyncio.TaskGroup() as group:
            running = group.create_task(it.keeper.run())
            await asyncio.sleep(0)
            assert it.ca.asked == []
            it.keeper.configure(it.settings)
            await asyncio.wait_for(done.wait(), 10)
            done.clear()
            it.names["example.org"] = ["a.example.org"]
            it.keeper.wake()
            await asyncio.wait_for(done.wait(), 10)
            running.cancel()
        assert it.held("example.org").names == ("a.example.org",)

    at(act)


@pytest.mark.parametrize("length", [5000, 70_000])
def test_an_address_too_long_is_a_fault_of_the_authority_like_any_other(at: Acting, length: int) -> None:
    async def act(it: Bench) -> None:
        it.names["example.org"] = ["a.example.org"]
        told = {"status": "pending", "authorizations": [it.ca.url + "/" + "a" * length], "finalize": it.ca.url}
        it.ca.replies["/order"] = [(201, {"Location": it.ca.url}, json.dumps(told).encode())]
        bad, good = await it.look()
        assert "too long" in bad.fault
        assert good.fault == ""
        assert it.folder.notes(HOST).next_at == BEGIN + 600

    at(act)


def test_what_a_library_stumbles_over_counts_as_an_attempt_and_harms_no_other_certificate(
    at: Acting, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(it: Bench) -> None:
        it.names["example.org"] = ["a.example.org"]
        keep = it.keeper._folder.keep

        def stumbles(group: str, **more: Any) -> Held:
            if group == HOST:
                raise x509.DuplicateExtension("twice", x509.SubjectAlternativeName.oid)
            return keep(group, **more)

        monkeypatch.setattr(Folder, "keep", lambda _self, group, **more: stumbles(group, **more))
        bad, good = await it.look()
        assert bad.fault == "DuplicateExtension: twice"
        assert good.names == ("a.example.org",)
        assert await it.look() == ()

    at(act)


def test_times_that_were_written_down_while_the_clock_was_ahead_hold_nothing_up(at: Acting) -> None:
    async def act(it: Bench) -> None:
        it.ca.refused = {HOSTNAME: "no"}
        it.now = BEGIN + 900 * DAY
        await it.look()
        it.now, it.ca.refused = BEGIN, {}
        (outcome,) = await it.look()
        assert outcome.names == (HOSTNAME,)

    at(act)


def test_names_that_no_authority_signs_for_are_left_out(at: Acting) -> None:
    async def act(it: Bench) -> None:
        bad = ["192.0.2.1", "intranet", "a_b.example.org", "*.example.org"]
        it.dns.addresses |= dict.fromkeys(bad, "192.0.2.1")
        it.names[HOST] += [*bad, "a.example.org"]
        (outcome,) = await it.look()
        assert outcome.names == (HOSTNAME, "a.example.org")
        assert it.folder.notes(HOST).elsewhere.keys() == set(bad)

    at(act)


def test_of_names_that_nobody_asked_for_nothing_is_remembered(at: Acting) -> None:
    async def act(it: Bench) -> None:
        part = {"type": "x", "detail": "no", "identifier": {"type": "dns", "value": "elsewhere.example"}}
        it.ca.replies["/order"] = [problem("rejectedIdentifier", status=400, subproblems=[part])]
        await it.look()
        assert it.folder.notes(HOST).refused == {}

    at(act)
