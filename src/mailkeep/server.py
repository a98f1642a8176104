"""The composition root: builds store, services and listeners, and runs them in one TaskGroup."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from mailkeep.config import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where the listeners really accept: (host, port) with the port the system gave; None if switched off."""

    imap: tuple[str, int] | None
    imaps: tuple[str, int] | None
    lmtp: tuple[str, int] | None
    lmtp_socket: Path | None


class Server:
    """A running server.

    ::

        async with Server.open(Config(data_dir=directory, listen=FREE_PORTS)) as server:
            await server.accounts.create("ann@example.org", "secret")
            host, port = server.endpoints.imap

    Attributes: `config`, `accounts` (service.accounts.Accounts), `mailboxes`, `messages`, `delivery`, `endpoints`,
    `certificate` (path of the certificate that clients must trust).
    """

    config: Config
    endpoints: Endpoints
    certificate: Path

    @classmethod
    @asynccontextmanager
    async def open(cls, config: Config) -> AsyncIterator[Server]:
        """Open the store, accept on every listener, and hand over the server; on leaving, drain.

        Draining: nothing more is accepted, sessions get their BYE, commits finish; 10 s at most.
        Raises: Locked, ConfigError, CertificateError, OSError (an address that cannot be bound; its text says which).
        """
        yield cls()

    async def reload(self, config: Config) -> tuple[str, ...]:
        """Use the new certificate, limits and log level from now on; connections stay.

        Returns the keys of changed options that need a restart.  Raises: CertificateError (nothing has changed then).
        """
        return ()
