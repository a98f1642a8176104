"""Data derived from a message once, at ingest, and kept beside it as opaque, versioned bytes.

The store does not understand them; they can be dropped and computed again at any time.  A missing one, or one of
another version, is computed on read and written back lazily; it is never part of an answer's correctness.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from mmap import mmap
from typing import Generic, TypeVar

Scanned = TypeVar("Scanned")

Octets = bytes | mmap
"""A message as received: in memory, or mapped from the file it lies in."""


@dataclass(frozen=True, slots=True)
class Deriver(Generic[Scanned]):
    """How one kind of derived data is made.

    `function` is pure: (the scanned message, its octets) to bytes.  It never raises, whatever the message is.
    `lazily`: not made at ingest, but when somebody asks for it.
    `version` rises whenever its output for some message changes: data of another version is then made anew.
    """

    kind: str
    version: int
    function: Callable[[Scanned, Octets], bytes]
    lazily: bool = False
