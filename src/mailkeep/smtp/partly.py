"""What has been delivered of messages that were not answered with success, so that a second try doubles nothing.

One answer stands for all recipients of a message (RFC 5321 §4.2.5).  Where some have it and some do not, the client is
told to come again with it, and those who have it are passed over then.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, NamedTuple

from mailkeep.model.address import parse_address
from mailkeep.model.ids import AccountId

MAX_KEPT: Final = 10_000


class Delivered(NamedTuple):
    """One message in one account."""

    sha256: bytes
    reverse_path: str
    recipient: str
    account: AccountId


def key_of(recipient: str) -> str:
    """Spellings of one address have one key; ``postmaster`` may stand without a domain (RFC 5321 §4.1.1.3)."""
    return recipient.lower() if "@" not in recipient else str(parse_address(recipient))


class Partly:
    """In memory, of this process, and bounded: what is forgotten gives a second copy, never none."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Delivered, None] = OrderedDict()  # the oldest first

    def has(self, delivered: Delivered) -> bool:
        """Whether it is there from a try before."""
        return delivered in self._kept

    def keep(self, some: Iterable[Delivered]) -> None:
        """The message will come again, and these have it."""
        for delivered in some:
            self._kept[delivered] = None
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)

    def forget(self, some: Iterable[Delivered]) -> None:
        """All have the message, and the client knows."""
        if self._kept:
            for delivered in some:
                self._kept.pop(delivered, None)
