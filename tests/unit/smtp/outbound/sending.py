"""What tests of sending have in common: a courier on fixed answers of DNS, and short words for values."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import uvloop

from mailkeep.formats.mta_sts import Policy
from mailkeep.model.envelope import Envelope, Outcome, Recipient
from mailkeep.net.resolver import Resolver
from mailkeep.service.spool import Octets
from mailkeep.smtp.courier import Courier, Smarthost
from mailkeep.smtp.outbound.client import Dialler
from mailkeep.smtp.outbound.fault import Patience
from mailkeep.smtp.outbound.protection import Protections
from mailkeep.smtp.outbound.routes import Routes
from mailkeep.smtp.outbound.tls import Contexts, TlsResults

T = TypeVar("T")

MESSAGE = b"From: ann@example.org\r\nSubject: hello\r\n\r\nHello.\r\n.dot\r\n"
SHORT = Patience(connect_s=2, handshake_s=2, greeting_s=2, command_s=2, data_s=2, block_s=2, end_s=2, whole_s=30)


def run(main: Callable[[], Awaitable[T]], *, fast: bool = False) -> T:
    """Run on asyncio's loop, or on uvloop's."""

    async def whole() -> T:
        return await main()

    if fast:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(whole())
    return asyncio.run(whole())


def octets(data: bytes = MESSAGE) -> Octets:
    return Octets(len(data), hashlib.sha256(data).digest(), data, None)


def to(*recipients: str | Recipient, sender: str = "ann@example.org", **more: object) -> Envelope:
    return Envelope(
        reverse_path=sender,
        recipients=tuple(Recipient(r) if isinstance(r, str) else r for r in recipients),
        **more,  # type: ignore[arg-type]
    )


class FixedPolicies:
    """MTA-STS policies as the test wants them."""

    def __init__(self, policies: Mapping[str, Policy] | None = None) -> None:
        self.policies = dict(policies or {})

    async def find(self, domain: str) -> Policy | None:
        return self.policies.get(domain)


@asynccontextmanager
async def courier(
    resolver: Resolver,
    port: int,
    *,
    policies: Mapping[str, Policy] | None = None,
    authorities: Path | None = None,
    patience: Patience = SHORT,
    smarthost: Smarthost | None = None,
    concurrency: int = 10,
    hostname: str = "mail.example.org",
) -> AsyncIterator[Courier]:
    results = TlsResults()
    made = Courier(
        dialler=Dialler(hello=hostname, contexts=Contexts(authorities), results=results, patience=patience),
        routes=Routes(resolver, hostname),
        protections=Protections(resolver, FixedPolicies(policies), results, port),
        port=port,
        concurrency=concurrency,
        smarthost=smarthost,
    )
    try:
        yield made
    finally:
        made.close()
        await asyncio.sleep(0)  # transports close in the next turn


def codes(outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    return {address: outcome.enhanced for address, outcome in outcomes.items()}


def figures(made: Courier) -> dict[tuple[str, ...], float]:
    return {(name, *labels): value for name, labels, value in made.figures()}
