"""Flags as IMAP writes them, one fragment remembered for each combination in use."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mailkeep.model.flags import FIRST_KEYWORD, More
from mailkeep.model.message import NO_MORE
from mailkeep.service.keywords import Keywords

SYSTEM: Final = (b"\\Seen", b"\\Answered", b"\\Flagged", b"\\Deleted", b"\\Draft")


ALL_SYSTEM: Final = (1 << len(SYSTEM)) - 1


class MaskText(dict[int, bytes]):
    """Mask → text, for entries without further keywords: nearly all."""

    def __init__(self, texts: FlagText) -> None:
        super().__init__()
        self._texts = texts

    def __missing__(self, mask: int) -> bytes:
        text = self[mask] = self._texts[mask, NO_MORE]
        return text


class FlagText(dict[tuple[int, More], bytes]):
    """(mask, more) → ``\\Seen \\Flagged $Forwarded``.  The names of an account's keywords only ever grow."""

    def __init__(self, keywords: Keywords) -> None:
        super().__init__()
        self._keywords = keywords

    def __missing__(self, key: tuple[int, More]) -> bytes:
        text = self[key] = self._make(*key)
        return text

    def _make(self, mask: int, more: More) -> bytes:
        words = [word for bit, word in enumerate(SYSTEM) if mask >> bit & 1]
        rest = mask >> FIRST_KEYWORD
        number = FIRST_KEYWORD
        while rest:
            if rest & 1:
                words.append(self._keywords.name(number))
            rest >>= 1
            number += 1
        words.extend(self._keywords.name(number) for number in more)
        return b" ".join(words)

    def defined(self, used: int, used_more: Iterable[int]) -> bytes:
        """The flags defined in a mailbox: the system's, then the keywords in use there."""
        return self._make(used | ALL_SYSTEM, tuple(sorted(used_more)))
