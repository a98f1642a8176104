"""What is asked whether somebody may log in, and what it answers: the words that all ways have in common."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from mailkeep.formats.scram import Verifier
from mailkeep.model.ids import AccountId


class Service(StrEnum):
    """What somebody logs in to."""

    IMAP = "imap"
    POP3 = "pop3"
    SMTP = "smtp"  # sending mail
    HTTP = "http"


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody has logged in.  `user` is the account's own address, however it was spelled.

    `read_only`: nothing may be written, and nothing sent.  `app_password`: its number, where it was one.  `epoch`: of
    the account's own password, where it was that one; the login ends when it is changed.
    """

    account: AccountId
    user: str
    read_only: bool = False
    app_password: int | None = None
    epoch: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Attempt:
    """Somebody says that `password` opens the account `key` for `service`.

    `key` is the address in its normal form, or what was given instead; whether there is such an account is for the way
    to find out.  `password` is prepared (RFC 8265), `typed` is not; both are "" where nobody can have it.  `urgent`:
    he is known; others wait for him.
    """

    key: str
    password: str
    typed: str
    service: Service
    peer: str
    urgent: bool = False


class Way(Protocol):
    """One way to tell whether a password is right.  Ways are asked in turn until one says yes."""

    def recall(self, attempt: Attempt) -> Login | None:
        """What can be told at once, without a cost worth mentioning: all are asked for that before one has to `check`.

        Raises: Unavailable.
        """
        ...

    async def check(self, attempt: Attempt) -> Login | None:
        """Whether it is right; how long that takes must not tell whether there is such an account.

        Raises: Unavailable (it cannot be told now: never taken for a no).
        """
        ...

    def verifiers(self, key: str, service: Service) -> Iterable[tuple[Verifier, Login]]:
        """By which SCRAM-SHA-256 can prove a password, and what it opens then.  Raises: Unavailable."""
        ...
