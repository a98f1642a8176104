"""Mail that goes in circles (RFC 5321 §6.3)."""

from __future__ import annotations

from typing import Final

from mailkeep import telemetry
from mailkeep.model.errors import Unavailable
from mailkeep.smtp.judging import Action, Arriving, Opinion
from mailkeep.smtp.wire.reply import Reply

MAX_HOPS: Final = 100  # §6.3 asks for a threshold that is large, "normally at least 100"
HEADER: Final = 256 * 1024  # octets that are looked at: a hundred Received lines have far fewer

log = telemetry.logger(part="mx")


class Loops:
    """A judge who refuses what has passed through too many hosts."""

    async def judge(self, arriving: Arriving) -> Opinion:
        """See `Judge`."""
        try:
            hops = count_hops(arriving.octets.head(HEADER))
        except Unavailable as error:
            return Opinion(Action.DEFER, Reply(451, "4.3.0", error.text))
        if hops < MAX_HOPS:
            return Opinion()
        log.warning("mx.loop", peer=arriving.peer, sender=arriving.reverse_path, hops=hops)
        return Opinion(Action.REJECT, Reply(554, "5.4.6", f"Routing loop: the message has {hops} Received lines"))


def count_hops(octets: bytes) -> int:
    """How many Received fields the header has with which `octets` begin."""
    end = octets.find(b"\r\n\r\n")
    header = octets if end < 0 else octets[:end]
    return (b"\n" + header.lower()).count(b"\nreceived:")
