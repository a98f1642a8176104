"""MTA-STS policies: when they are fetched, how long they are kept, and who gives them."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.authority import Authority
from tests.unit.smtp.outbound.sending import run
from tests.zones import FAULT, Zones

from mailkeep.formats.mta_sts import MAX_POLICY, Mode
from mailkeep.smtp.outbound.policies import REFRESH_S, RETRY_S, FetchFailed, Policies
from mailkeep.smtp.outbound.routes import Routes
from mailkeep.smtp.outbound.tls import Contexts, Kind, TlsResult, TlsResults
from mailkeep.smtp.outbound.web import PolicyWeb

TEXT = b"version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 1000000\n"


class Bench:
    """Policies with a web server, a clock and DNS that the test moves."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.zones = Zones({})
        self.tell("one")
        self.answer: bytes | FetchFailed = TEXT
        self.fetched = 0
        self.now = 1_000_000.0
        self.results = TlsResults()
        self.policies = self.restart()

    def tell(self, policy_id: str) -> None:
        self.zones.zones["_mta-sts.example.com"] = {"TXT": [f'"v=STSv1; id={policy_id};"']}

    def restart(self) -> Policies:
        self.policies = Policies(self.zones, self.fetch, self.directory / "mta-sts", self.results, lambda: self.now)
        return self.policies

    async def fetch(self, domain: str) -> bytes:
        assert domain == "example.com"
        self.fetched += 1
        if isinstance(self.answer, FetchFailed):
            raise self.answer
        return self.answer

    async def mode(self) -> Mode | None:
        policy = await self.policies.find("example.com")
        return None if policy is None else policy.mode


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


FAILED = FetchFailed(TlsResult.STS_FETCH, "no answer")


def test_a_policy_is_fetched_once_and_kept(bench: Bench) -> None:
    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(bench.mode()) for _ in range(5)]
        assert {task.result() for task in tasks} == {Mode.ENFORCE}
        assert bench.fetched == 1

    run(main)


@pytest.mark.rfc("8461", "3.3")
def test_a_policy_outlives_a_restart_and_silence_of_dns_and_web(bench: Bench) -> None:
    async def main() -> None:
        await bench.mode()
        bench.restart()
        bench.answer = FAILED
        for kinds in ({}, {"TXT": FAULT}, {"TXT": ['"v=STSv1; id=two"']}):
            bench.zones.zones["_mta-sts.example.com"] = dict(kinds)
            assert await bench.mode() is Mode.ENFORCE
        bench.now += 1_000_000
        assert await bench.mode() is None

    run(main)


@pytest.mark.rfc("8461", "3.1")
def test_another_id_has_the_policy_fetched_anew(bench: Bench) -> None:
    async def main() -> None:
        await bench.mode()
        bench.answer = TEXT.replace(b"enforce", b"testing")
        assert await bench.mode() is Mode.ENFORCE
        bench.tell("two")
        assert await bench.mode() is Mode.TESTING
        assert bench.fetched == 2

    run(main)


def test_a_policy_is_fetched_again_each_day_before_it_runs_out(bench: Bench) -> None:
    async def main() -> None:
        await bench.mode()
        bench.now += REFRESH_S
        await bench.mode()
        assert bench.fetched == 2
        bench.now += 999_000  # beyond the life of the first
        assert await bench.mode() is Mode.ENFORCE

    run(main)


@pytest.mark.parametrize("answer", [FAILED, b"<html>"])
def test_a_fetch_that_failed_is_counted_and_tried_again_after_a_while(
    bench: Bench, answer: bytes | FetchFailed
) -> None:
    async def main() -> None:
        bench.answer = answer
        assert await bench.mode() is None
        assert await bench.mode() is None
        assert bench.fetched == 1
        bench.now += RETRY_S
        bench.answer = TEXT
        assert await bench.mode() is Mode.ENFORCE
        result = TlsResult.STS_INVALID if answer == b"<html>" else TlsResult.STS_FETCH
        assert bench.results.counts == {(Kind.STS, result): 1}

    run(main)


def test_a_domain_without_a_record_is_asked_for_nothing(bench: Bench) -> None:
    async def main() -> None:
        bench.zones.zones.clear()
        assert await bench.mode() is None
        assert bench.fetched == 0

    run(main)


@pytest.mark.parametrize("content", [b"", b"nonsense", b"id=one fetched=1000000\nnonsense"])
def test_a_damaged_file_is_no_policy(bench: Bench, content: bytes) -> None:
    async def main() -> None:
        await bench.mode()
        (bench.directory / "mta-sts" / "example.com").write_bytes(content)
        bench.restart()
        assert await bench.mode() is Mode.ENFORCE
        assert bench.fetched == 2

    run(main)


@pytest.mark.parametrize("domain", ["..", "../x", "a/b", "", ".", "a..b", "x" * 250])
def test_no_domain_leads_out_of_the_directory(bench: Bench, domain: str) -> None:
    async def main() -> None:
        assert await bench.policies.find(domain) is None
        assert bench.zones.asked == []

    run(main)


# ---- the web -----------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def web(context: ssl.SSLContext, answer: bytes) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A web server that says `answer` to whatever it is asked; and what that was."""
    asked: list[bytes] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(answer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1], asked
    finally:
        server.close()
        for _ in range(5):
            await asyncio.sleep(0)


def response(body: bytes, kind: str = "text/plain", status: str = "200 OK", more: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{more}Connection: close\r\n\r\n".encode() + body


WEB = Zones({"mta-sts.example.com": {"A": ["127.0.0.1"]}, "mta-sts.example.org": {"A": ["127.0.0.1"]}})


async def fetched(authority: Authority, context: ssl.SSLContext, answer: bytes, domain: str = "example.com") -> bytes:
    async with web(context, answer) as (port, asked):
        source = PolicyWeb(Routes(WEB), Contexts(authority.file).verified, port, within_s=5)
        try:
            return await source.fetch(domain)
        finally:
            for request in asked:
                assert request.startswith(b"GET /.well-known/mta-sts.txt HTTP/1.1\r\n")
                assert f"\r\nHost: mta-sts.{domain}\r\n".encode() in request


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.mark.rfc("8461", "3.3")
@pytest.mark.parametrize("kind", ["text/plain", "text/plain; charset=utf-8"])
def test_a_policy_comes_by_https_from_the_host_of_that_name(authority: Authority, kind: str) -> None:
    async def main() -> None:
        context = authority.context("mta-sts.example.com")
        assert await fetched(authority, context, response(TEXT, kind)) == TEXT

    run(main)


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (response(TEXT, status="301 Moved", more="Location: https://mta-sts.example.com/\r\n"), TlsResult.STS_FETCH),
        (response(TEXT, status="404 Not Found"), TlsResult.STS_FETCH),
        (response(TEXT, kind="text/html"), TlsResult.STS_FETCH),
        (response(b"x" * (MAX_POLICY + 1)), TlsResult.STS_INVALID),
        (b"nonsense", TlsResult.STS_FETCH),
        (b"", TlsResult.STS_FETCH),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000, TlsResult.STS_FETCH),
    ],
)
def test_what_is_no_plain_answer_is_no_policy(authority: Authority, answer: bytes, result: TlsResult) -> None:
    async def main() -> None:
        with pytest.raises(FetchFailed) as caught:
            await fetched(authority, authority.context("mta-sts.example.com"), answer)
        assert caught.value.result is result

    run(main)


@pytest.mark.parametrize(
    ("domain", "names", "valid"),
    [("example.org", ("mta-sts.example.com",), True), ("example.com", ("mta-sts.example.com",), False)],
    ids=["another name", "expired"],
)
def test_a_policy_host_must_prove_its_name(
    authority: Authority, domain: str, names: tuple[str, ...], valid: bool
) -> None:
    async def main() -> None:
        with pytest.raises(FetchFailed) as caught:
            await fetched(authority, authority.context(*names, valid=valid), response(TEXT), domain)
        assert caught.value.result is TlsResult.STS_WEBPKI

    run(main)


def test_a_policy_host_without_an_address_is_an_error_like_others(authority: Authority) -> None:
    async def main() -> None:
        source = PolicyWeb(Routes(Zones({})), Contexts(authority.file).verified)
        with pytest.raises(FetchFailed):
            await source.fetch("example.com")

    run(main)
