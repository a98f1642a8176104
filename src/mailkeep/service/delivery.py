"""Delivery: from an envelope and octets to a message in somebody's INBOX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mailkeep.model.ids import AccountId
from mailkeep.model.message import Appended
from mailkeep.service.accounts import Accounts
from mailkeep.service.spool import Octets, Spool


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a message came from, for its Received line (RFC 5321 §4.4).

    `helo` is what the client called itself, `peer` its IP address ("" on a unix socket), `protocol` a word of the
    registry of RFC 3848 (``LMTP``).
    """

    helo: str
    peer: str
    protocol: str


class Delivery:
    """Puts messages into INBOX, with the lines that delivery adds before the octets received."""

    def __init__(
        self,
        accounts: Accounts,
        messages: object,
        mailboxes: object,
        *,
        hostname: str,
        spool: Callable[[], Spool],
    ) -> None: ...

    def resolve(self, recipient: str) -> AccountId:
        """The account that a recipient's address leads to.  Raises: NotFound, Unavailable."""

    async def deliver(
        self, account: AccountId, recipient: str, reverse_path: str, octets: Octets, origin: Origin | None = None
    ) -> Appended:
        """Put one message into the account's INBOX; it is on disk when this returns.

        `recipient` and `reverse_path` are addresses as given in the envelope ("" for the null path).
        Without `origin` the message came from a program on this machine.
        Raises: OverQuota, TooLarge, Unavailable, NotFound (the account went meanwhile).
        """
