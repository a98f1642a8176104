"""Compression between a session and its transport (RFC 4978): raw DEFLATE in both directions."""

from __future__ import annotations

import zlib
from typing import Final

# The window that the peer's inflater certainly has is 2**15; 2**14 and this memory level cost 128 kB a connection
# instead of 256, and no measurable size.  Level 3 takes half the time of zlib's default for listings.
LEVEL: Final = 3
WINDOW_BITS: Final = 14
MEMORY_LEVEL: Final = 7
FLUSHED: Final = b"\0\0\xff\xff"  # how a flush ends
PIECE: Final = 64 * 1024  # octets inflated at once: a small input may stand for a thousand times as much


class Broken(Exception):
    """The peer sent what is no DEFLATE, or went on after the end of its stream."""


class Deflate:
    """One connection's compressor and decompressor.  What comes in is inflated piece by piece, when it is wanted."""

    def __init__(self) -> None:
        self._compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, -WINDOW_BITS, MEMORY_LEVEL)
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._waiting = b""
        self._last = b""  # the end of what has been inflated
        self._more = False  # the inflater may hold more of what it has been given

    def pack(self, octets: bytes) -> bytes:
        """What to send for `octets`, flushed: the peer can read all of them from it."""
        return self._compressor.compress(octets) + self._compressor.flush(zlib.Z_SYNC_FLUSH)

    def take(self, octets: bytes) -> None:
        """Octets came from the peer."""
        self._waiting += octets

    @property
    def waiting(self) -> int:
        """Octets of the peer that have not been inflated yet."""
        return len(self._waiting) + self._more

    def unpack(self) -> bytes:
        """The next piece of what the peer said, at most PIECE octets; empty when more must come first.

        No piece goes beyond a flush: behind it the peer may have ended compression (see `rest`).  Raises: Broken.
        """
        if not self._waiting and not self._more:
            return b""
        end = self._end_of_flush()
        given = self._waiting[:end]
        try:
            piece = self._inflater.decompress(given, PIECE)
        except zlib.error as error:
            raise Broken(str(error)) from error
        left = self._inflater.unconsumed_tail
        self._last = (self._last + given[: len(given) - len(left)])[1 - len(FLUSHED) :]
        self._waiting = left + self._waiting[end:]
        self._more = len(piece) == PIECE or self._inflater.eof
        if self._inflater.eof and not piece:
            raise Broken("the stream has ended")
        return piece

    def _end_of_flush(self) -> int:
        """Up to where in what waits the first flush goes; all of it, when there is none."""
        at = (self._last + self._waiting).find(FLUSHED)
        return len(self._waiting) if at < 0 else at + len(FLUSHED) - len(self._last)

    def rest(self) -> bytes:
        """What came behind the end of the compressed stream: after its last flush, or after its formal end."""
        return self._inflater.unused_data + self._waiting
