"""Whether a message keeps to lines that end with CRLF, as RFC 5321 §2.3.8 demands."""

from __future__ import annotations


class LineCheck:
    """Looks at the octets of a message as they come, however they are cut.

    `bare` tells whether there was a CR without LF, or an LF without CR.  Such a message may be two for another server
    ("SMTP smuggling"), so that nobody who passes it on can vouch for it.
    """

    __slots__ = ("_after_cr", "bare")

    def __init__(self) -> None:
        self.bare = False
        self._after_cr = False  # the last octet so far was a CR

    def look(self, octets: bytes) -> None:
        """Take the next piece."""
        if self.bare or not octets:
            return
        pairs = octets.count(b"\r\n")
        carriages, feeds = octets.count(b"\r"), octets.count(b"\n")
        if self._after_cr:
            carriages += 1
            pairs += octets[0] == 0x0A
        self._after_cr = octets[-1] == 0x0D
        self.bare = feeds != pairs or carriages - self._after_cr != pairs

    def end(self) -> None:
        """The message ends here."""
        self.bare = self.bare or self._after_cr
