"""How workloads are run here: which over TLS too, and which on servers that have done nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mailkeep.bench.run import named
from mailkeep.bench.stage import Stage, Workload, select

OVER_TLS_TOO: Final = frozenset({"noop", "idle-memory"})
FIRST: Final = frozenset({"open-first"})  # what is there must not be in memory
# The server starts anew before each round; memory that earlier work has left free would hide what connections take.
RESTARTED: Final = FIRST | {"idle-memory"}
# Of several sessions that idle on one mailbox in one process Dovecot 2.3 tells one at once, the others within 30 s.
# LMTP is not served by these processes at all: once is enough.
ONE_SESSION_EACH: Final = frozenset({"idle", "idle-lmtp", "lmtp"})
BEHIND_POSTFIX: Final = frozenset({"smtp"})  # Dovecot has no server for SMTP
DURABLE: Final = frozenset({"store"})  # where Dovecot's default answers before anything is on disk


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to run a workload; `suffix` goes to the names of its rows."""

    workload: Workload
    suffix: str

    @property
    def name(self) -> str:
        """Of its first row."""
        return self.workload.name + self.suffix

    @property
    def tls(self) -> bool:
        """Over TLS."""
        return self.suffix == "-tls"

    @property
    def durable(self) -> bool:
        """Beside a peer that syncs before it answers."""
        return self.suffix == "-durable"

    @property
    def behind_postfix(self) -> bool:
        """Beside a peer with Postfix before it."""
        return self.workload.name in BEHIND_POSTFIX

    @property
    def restarted(self) -> bool:
        """The server, one of its own, starts anew before each round."""
        return self.workload.name in RESTARTED

    def prepare(self, stage: Stage) -> None:
        """On a server that will start anew: put there what must be there then."""
        if self.workload.name in FIRST:
            name = stage.large_mailbox()
            with stage.connect() as connection:  # it has been open before, as mailboxes have
                select(connection, name, stage.corpus.count)
                connection.command(b"LOGOUT")
            stage.settle()

    @property
    def one_session_each(self) -> bool:
        """Not beside a peer whose processes serve several sessions."""
        return self.workload.name in ONE_SESSION_EACH


def variants(workloads: tuple[Workload, ...], *, durable: bool) -> Iterator[Variant]:
    """Each workload, in each way it is run."""
    for workload in workloads:
        yield Variant(workload, "")
        if workload.name == "open":
            yield from (Variant(first, "") for first in named(tuple(FIRST)))
        if workload.name in OVER_TLS_TOO:
            yield Variant(workload, "-tls")
        if durable and workload.name in DURABLE:
            yield Variant(workload, "-durable")
