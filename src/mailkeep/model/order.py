"""In which order messages are wanted, and how they are put together as threads, without a word about any protocol."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class SortKey(Enum):
    """What messages are ordered by (RFC 5256 §3, RFC 5957 §4, RFC 6203 §6)."""

    ARRIVAL = "ARRIVAL"  # internal date
    CC = "CC"  # local part of the first address
    DATE = "DATE"  # moment of the Date field; the internal date where there is none that can be read
    FROM = "FROM"
    SIZE = "SIZE"
    SUBJECT = "SUBJECT"  # base subject
    TO = "TO"
    DISPLAYFROM = "DISPLAYFROM"  # display name of the first address, or else the address
    DISPLAYTO = "DISPLAYTO"
    RELEVANCY = "RELEVANCY"  # best first


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion; `reverse`: greatest first, equal ones in the order of the mailbox all the same."""

    key: SortKey
    reverse: bool = False


class Threading(Enum):
    """How threads are made."""

    ORDEREDSUBJECT = "ORDEREDSUBJECT"  # RFC 5256 §3
    REFERENCES = "REFERENCES"  # RFC 5256 §3
    REFS = "REFS"  # draft-ietf-morg-inthread §4: by references alone, threads in the order of their last arrival
