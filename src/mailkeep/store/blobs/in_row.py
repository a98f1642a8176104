"""Octets that travel in the row."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InRow:
    """A blob whose octets were read with its row."""

    data: bytes

    @property
    def size(self) -> int:
        """Octets."""
        return len(self.data)

    def read(self, offset: int = 0, length: int | None = None) -> bytes:
        """See `Blob.read`."""
        if offset == 0 and length is None:
            return self.data
        return self.data[offset : None if length is None else offset + length]
