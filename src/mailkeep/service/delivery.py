"""Delivery: from an envelope and octets to a message in somebody's INBOX."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable

from mailkeep.model.address import DETAIL, parse_address
from mailkeep.model.errors import AlreadyExists, Invalid, LimitReached, OverQuota
from mailkeep.model.ids import AccountId
from mailkeep.model.mailbox import INBOX, Mailbox, Role
from mailkeep.model.message import Appended
from mailkeep.service.accounts import Accounts
from mailkeep.service.mailboxes import Mailboxes
from mailkeep.service.messages import Incoming, Messages
from mailkeep.service.spool import Octets, behind
from mailkeep.service.trace import Origin, received

__all__ = ["Delivery", "Origin"]


class Delivery:
    """Puts messages into INBOX, or where an address with a detail may post.

    The lines that delivery adds stand before the octets received, which are never touched; Return-Path lines that came
    with them stay.
    """

    def __init__(
        self,
        accounts: Accounts,
        mailboxes: Mailboxes,
        messages: Messages,
        *,
        hostname: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._accounts = accounts
        self._mailboxes = mailboxes
        self._messages = messages
        self._hostname = hostname
        self._clock = clock

    async def require_room(self, account: AccountId, octets: int) -> None:
        """Whether a message of so many octets would fit now; what delivery adds to it is not counted.

        Raises: OverQuota, NeverFits, NotFound (the account), Unavailable.
        """
        await self._messages.require_room(account, octets)

    async def deliver(
        self,
        account: AccountId,
        recipient: str,
        reverse_path: str,
        octets: Octets,
        origin: Origin | None = None,
        *,
        fields: bytes = b"",
        junk: bool = False,
        once: str | None = None,
    ) -> Appended:
        r"""Put one message into the account's INBOX; it is on disk when this returns.

        `recipient` and `reverse_path` are addresses as the envelope has them ("" for the null path).  `octets` stay
        the caller's: the same may be delivered to many, and are discarded by him.  Without `origin` the message came
        from a program on this machine.  `fields` are header lines, each with its CRLF, to stand above our Received line
        (RFC 7208 §9.1, RFC 8601 §4).  `junk`: into the mailbox whose role is \Junk.  `once`: a key under which the
        account gets one message only; what it has got already stays as it is.
        Raises: OverQuota, NeverFits, TooLarge, Unavailable, Invalid (an address with control characters), NotFound (the
        account went meanwhile).
        """
        if not (recipient.isprintable() and reverse_path.isprintable()):
            raise Invalid("An address has control characters")
        target = await (self._junk(account) if junk else self._target(account, recipient))
        above, trace = self._trace(recipient, reverse_path, origin)
        trace = above + fields + trace
        stored = await behind(trace, octets)
        if once is not None:
            return await self._messages.append_once(account, target.id, Incoming(octets=stored), once)
        return await self._messages.append(account, target.id, (Incoming(octets=stored),))

    async def _target(self, account: AccountId, recipient: str) -> Mailbox:
        """INBOX, or what the detail of an address names, where its owner lets anyone post (RFC 5233, RFC 4314 §2.1)."""
        detail = recipient.rpartition("@")[0].partition(DETAIL)[2]
        if detail and self._accounts.address_of(account) != str(parse_address(recipient)):
            named = await self._mailboxes.find_post(account, unicodedata.normalize("NFC", detail))
            if named is not None:
                return named
        return await self._mailboxes.get(account, INBOX)

    async def _junk(self, account: AccountId) -> Mailbox:
        """The mailbox for what is probably unwanted, made where its owner has none; INBOX where it cannot be made."""
        for mailbox in await self._mailboxes.list(account):
            if mailbox.role is Role.JUNK and mailbox.selectable:
                return mailbox
        try:
            return await self._mailboxes.create(account, Role.JUNK, Role.JUNK)
        except (AlreadyExists, LimitReached, OverQuota):
            named = await self._mailboxes.find(account, Role.JUNK)
            return named if named is not None and named.selectable else await self._mailboxes.get(account, INBOX)

    def _trace(self, recipient: str, reverse_path: str, origin: Origin | None) -> tuple[bytes, bytes]:
        """The lines that stand before the message (RFC 5321 §4.4), in the order that other servers use.

        In two pieces: between them stand the results of checks, above the Received line of the server that made them.
        """
        above = f"Return-Path: <{reverse_path}>\r\nDelivered-To: {recipient}\r\n"
        return above.encode(), received(self._hostname, origin, recipient, self._clock())
