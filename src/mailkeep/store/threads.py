"""By what a conversation is known.

Two messages share a thread when one names a Message-ID that the other has or names too, and their base subjects agree
(RFC 8621 §3).  Both conditions become one opaque number per Message-ID, so that the store only compares numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from itertools import islice
from typing import Final

MAX_KEYS: Final = 40  # a References header may name thousands; the first are the ones that matter


def thread_keys(message_ids: Iterable[bytes | str], base_subject: str) -> tuple[int, ...]:
    """Keys of a message: its Message-ID first, then those of In-Reply-To and References; `base_subject` as RFC 5256.

    The keys are positive 63-bit numbers, without repetition.
    """
    subject = base_subject.casefold().encode("utf-8", "surrogatepass")
    unique = dict.fromkeys(_octets(message_id) for message_id in message_ids)
    return tuple(_key(message_id, subject) for message_id in islice(unique, MAX_KEYS))


def _octets(message_id: bytes | str) -> bytes:
    return message_id if isinstance(message_id, bytes) else message_id.encode("utf-8", "surrogatepass")


def _key(message_id: bytes, subject: bytes) -> int:
    digest = blake2b(b"%d:%b%b" % (len(message_id), message_id, subject), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 1) or 1
