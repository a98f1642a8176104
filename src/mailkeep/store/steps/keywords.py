"""Keywords: names outside, numbers of the account inside."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from mailkeep.model.errors import Invalid, LimitReached
from mailkeep.model.flags import FIRST_KEYWORD, FIRST_MORE, MAX_KEYWORDS, More, is_keyword
from mailkeep.model.ids import AccountId
from mailkeep.model.uidset import UidSet
from mailkeep.store.contract import Op, Sql

NO_BITS: Final[tuple[int, More]] = (0, ())


@dataclass(frozen=True, slots=True)
class Numbered:
    """Keywords by folded name; a name that is missing has no number."""

    numbers: dict[str, int]

    def bits(self, names: Iterable[str]) -> tuple[int, More]:
        """The mask and the rest that stand for `names`."""
        mask, more = 0, set()
        for name in names:
            number = self.numbers.get(name.lower(), -1)
            if number >= FIRST_MORE:
                more.add(number)
            elif number >= 0:
                mask |= 1 << number
        return mask, tuple(sorted(more))


NONE: Final = Numbered({})


def find_keywords(account: AccountId, names: Iterable[str]) -> Op[Numbered]:
    """The numbers of those of `names` that the account knows."""
    folded = {name.lower() for name in names}
    if not folded:
        return NONE
    rows = yield Sql(
        "SELECT folded, bit FROM keyword WHERE account = ? AND folded IN (SELECT value FROM json_each(?))",
        (account, json.dumps(sorted(folded))),
    )
    return Numbered(dict(rows))


def intern_keywords(account: AccountId, names: Iterable[str]) -> Op[Numbered]:
    """The numbers of all `names`; new ones are given the next numbers.

    Raises: Invalid (not a keyword), LimitReached (the account would have more than `MAX_KEYWORDS`).
    """
    spelling: dict[str, str] = {}
    for name in names:
        spelling.setdefault(name.lower(), name)
    known = yield from find_keywords(account, spelling)
    new = [name for folded, name in spelling.items() if folded not in known.numbers]
    if not new:
        return known
    [(number,)] = yield Sql("SELECT coalesce(max(bit) + 1, ?) FROM keyword WHERE account = ?", (FIRST_KEYWORD, account))
    if number + len(new) > FIRST_KEYWORD + MAX_KEYWORDS:
        raise LimitReached(f"An account has at most {MAX_KEYWORDS} keywords")
    numbers = dict(known.numbers)
    for name in new:
        if not is_keyword(name):
            raise Invalid("Not a keyword")
        yield Sql("INSERT INTO keyword VALUES (?, ?, ?, ?)", (account, number, name, name.lower()))
        numbers[name.lower()] = number
        number += 1
    return Numbered(numbers)


def encode_more(more: More) -> bytes | None:
    """As the column `more_keywords` keeps it."""
    return UidSet(more).to_bytes() if more else None


def decode_more(column: bytes | None) -> More:
    """Inverse of `encode_more`."""
    return tuple(UidSet.from_bytes(column)) if column else ()
