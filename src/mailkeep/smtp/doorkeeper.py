"""The gate of a server: how much one address may send, whether others warn of it, whether it comes again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from mailkeep import telemetry
from mailkeep.model.errors import MailError
from mailkeep.model.ids import AccountId
from mailkeep.net.lane import Lane
from mailkeep.net.limits import Network, is_among, is_loopback
from mailkeep.service.greylist import Greylist
from mailkeep.service.rates import Rates
from mailkeep.service.throttle import network_of
from mailkeep.smtp.block_lists import BlockLists
from mailkeep.smtp.wire.reply import Reply

# They hear complaints, also of those who are listed wrongly (RFC 5321 §4.5.1, RFC 2142 §4).
_ALWAYS_OPEN: Final = frozenset({"postmaster", "abuse"})

log = telemetry.logger(part="gate")


@dataclass(slots=True)
class Turned:
    """How many recipients were refused, and why."""

    rate: int = 0
    listed: int = 0
    greylisted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Doorkeeper:
    """See `gate.Gate`.  `block_lists` and `greylist` are None where they are not wanted.

    This machine, and the `exempt` networks, are let in without a question.  `resolve` finds the accounts of a
    recipient, or raises MailError.
    """

    rates: Rates
    block_lists: BlockLists | None
    greylist: Greylist | None
    exempt: Sequence[Network]
    resolve: Callable[[str], tuple[AccountId, ...]]
    lane: Lane
    turned: Turned

    async def admit(self, peer: str, helo: str, reverse_path: str, recipient: str) -> Reply | None:
        """See `Gate`."""
        if is_loopback(peer) or is_among(peer, self.exempt):
            return None
        if not self.rates.admit(network_of(peer)):
            self.turned.rate += 1
            log.warning("gate.too_many", peer=peer, helo=helo)
            return Reply(450, "4.7.1", "Too many recipients from your address within an hour, try again later")
        if self.block_lists is not None and recipient.partition("@")[0].lower() not in _ALWAYS_OPEN:
            listing = await self.lane.run(self.block_lists.find(peer))
            if listing is not None:
                self.turned.listed += 1
                log.info("gate.listed", peer=peer, helo=helo, zone=listing.zone)
                why = f": {listing.reason}" if listing.reason else ""
                return Reply(550, "5.7.1", f"{peer} is on the block list {listing.zone}{why}")
        if self.greylist is not None:
            return await self._ask_to_come_again(self.greylist, peer, reverse_path, recipient)
        return None

    async def _ask_to_come_again(
        self, greylist: Greylist, peer: str, reverse_path: str, recipient: str
    ) -> Reply | None:
        try:
            account = self.resolve(recipient)[0]
            wait = await greylist.admit(account, peer, reverse_path, recipient)
        except MailError as error:  # nobody there, or a full disk: the session finds out by itself
            log.warning("gate.greylist_failed", peer=peer, reason=type(error).__name__)
            return None
        if not wait:
            return None
        self.turned.greylisted += 1
        log.info("gate.greylisted", peer=peer, seconds=wait)
        return Reply(450, "4.7.1", f"You are new here: try again in {wait} seconds")  # RFC 6647 §5 asks for 450
