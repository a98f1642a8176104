"""Metadata: named values of a mailbox, or of the server as an account sees it (RFC 5464)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from mailkeep.model.ids import MailboxId, ModSeq

PRIVATE: Final = "/private"
SHARED: Final = "/shared"
THE_SERVER: Final = MailboxId(0)  # in place of a mailbox: what belongs to no mailbox but to the server
SPECIAL_USE: Final = "/private/specialuse"  # of a mailbox: what it is for, as LIST tells it (RFC 6154 §4)
ONE_OF: Final = "rswip"  # rights, of which a guest needs one beside "l" (RFC 5464 §3.3)
MAX_VALUE: Final = 64 * 1024  # octets of one value

Values = tuple[tuple[str, bytes | None], ...]
"""Entries and their new values, None to remove them."""


class Depth(IntEnum):
    """How far below an entry those are that are meant with it (RFC 5464 §4.2.2)."""

    ITSELF = 0
    CHILDREN = 1
    ALL = 2


@dataclass(frozen=True, slots=True)
class Metadatum:
    """An entry that has a value, of `size` octets; `value` is None where it is larger than was asked for."""

    entry: str
    size: int
    value: bytes | None


@dataclass(frozen=True, slots=True)
class MetadataChange:
    """An entry that was set or removed by the operation of `modseq`.

    `mailbox` is THE_SERVER, or a mailbox that is called `name` in its owner's tree.
    """

    mailbox: MailboxId
    name: str
    entry: str
    modseq: ModSeq


def is_private(entry: str) -> bool:
    """Whether an entry has a value of its own for each user (RFC 5464 §3.2), and not one for all."""
    return entry == PRIVATE or entry.startswith(PRIVATE + "/")
