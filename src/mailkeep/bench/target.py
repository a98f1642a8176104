"""Which server is measured, and as whom."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A running IMAP server with accounts to work in.

    Attributes: `user` has %d for the number of an account, from 1 to `users`, unless there is only one; `ca` is the
    certificate to trust where `tls`; `lmtp` and `smtp` are where mail for these users is taken in; `pid` is the
    server's process, whose descendants count too; `patience_s` is how long an answer may take before the server counts
    as stuck.
    """

    host: str
    port: int
    tls: bool = False
    ca: Path | None = None
    user: str = "u%d@example.org"
    password: str = "pass"  # noqa: S105  of accounts made for the purpose
    users: int = 50
    lmtp: tuple[str, int] | None = None
    smtp: tuple[str, int] | None = None
    pid: int | None = None
    patience_s: float = 120.0

    def name(self, number: int) -> str:
        """The user of that number; numbers beyond `users` begin again."""
        return self.user.replace("%d", str((number - 1) % self.users + 1))

    def context(self) -> ssl.SSLContext | None:
        """For TLS: it trusts `ca`, or what the system trusts.  None in the clear."""
        return ssl.create_default_context(cafile=self.ca) if self.tls else None
