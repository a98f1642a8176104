"""The names of an account's keywords, by number.  Names are only ever added, so what is known stays true."""

from __future__ import annotations

from collections.abc import Iterable

from mailkeep.model.flags import FIRST_KEYWORD


class Keywords:
    """One per account and process, shared by all that render flags."""

    def __init__(self) -> None:
        self._names: dict[int, bytes] = {}
        self._numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._names)

    def name(self, number: int) -> bytes:
        """The keyword's name, in the spelling first used."""
        return self._names.get(number) or b"keyword-%d" % number

    def find(self, name: str) -> int | None:
        """The keyword's number; letter case is ignored."""
        return self._numbers.get(name.casefold())

    def learn(self, pairs: Iterable[tuple[int, str]]) -> None:
        """Take in (number, name) pairs as the store has them."""
        for number, name in pairs:
            self._names[number] = name.encode("ascii")
            self._numbers[name.casefold()] = number

    def knows(self, mask: int, more: tuple[int, ...]) -> bool:
        """Whether every keyword of these flags has a known name."""
        count = len(self._names)
        return (mask >> FIRST_KEYWORD).bit_length() <= count and (not more or more[-1] - FIRST_KEYWORD < count)
