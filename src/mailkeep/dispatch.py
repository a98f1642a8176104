"""Where mail goes out: what one process needs to send what is queued in its shards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mailkeep.administration import Offices
from mailkeep.config import Config
from mailkeep.figures import Figure
from mailkeep.offices import build_courier
from mailkeep.service.ledger import Ledger
from mailkeep.smtp.runner import Options, Runner


class Dispatch:
    """The runner of the queue, and the courier that it gives mail for other hosts to.

    `ledger` is shared by all processes.
    """

    def __init__(self, config: Config, offices: Offices, ledger: Ledger) -> None:
        """Raises: ConfigError (a file that it names cannot be used)."""
        self._courier = build_courier(config, offices.resolver)
        self._runner = Runner(
            offices.queue,
            addresses=offices.addresses,
            delivery=offices.delivery,
            courier=self._courier,
            reports=offices.reports,
            claims=ledger,
            options=_options(config),
        )

    async def run(self) -> None:
        """Send, until cancelled: then what is being tried is cut."""
        await self._runner.run()

    def reload(self, config: Config) -> None:
        """Take over how often is tried, and how much at once; not to one destination: so the courier was built."""
        self._runner.options = replace(_options(config), per_destination=self._runner.options.per_destination)

    def figures(self) -> Iterator[Figure]:
        """What has become of it so far."""
        yield from self._runner.figures()
        yield from self._courier.figures()

    async def drain(self) -> None:
        """Begin nothing more, and let what is being tried come to its end."""
        await self._runner.drain()
        self._courier.close()


def _options(config: Config) -> Options:
    queue = config.queue
    return Options(
        retry_s=queue.retry,
        lifetime_s=queue.lifetime,
        warn_after_s=queue.warn_after,
        concurrency=queue.concurrency,
        per_destination=config.outbound.connections,
    )
