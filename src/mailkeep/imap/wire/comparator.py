"""COMPARATOR (RFC 5255 §4.10, RFC 4790 §3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from mailkeep.imap.wire.lexer import Lexer

MAX_ORDERS: Final = 100
MAX_WILDCARDS: Final = 5  # each may make matching take longer
_ORDER: Final = re.compile(r"([+-]?)([A-Za-z0-9;=.*-]{1,254})\Z")


@dataclass(frozen=True, slots=True)
class ComparatorOrder:
    """collation-order: a name, in which ``*`` stands for anything, or "default"; `reverse`: with a "-" before it."""

    name: str
    reverse: bool = False

    def matches(self, name: str) -> bool:
        """Whether it means the comparator of that name; letters are compared without case."""
        wanted = ".*".join(map(re.escape, self.name.lower().split("*")))
        return re.fullmatch(wanted, name.lower()) is not None


def parse(lexer: Lexer) -> tuple[ComparatorOrder, ...]:
    """The comparators wanted, the most wanted first; none to ask for the active one."""
    orders: list[ComparatorOrder] = []
    while lexer.more():
        orders.append(_order(lexer))
        if len(orders) > MAX_ORDERS:
            raise lexer.error(f"More than {MAX_ORDERS} comparators")
    lexer.end()
    return tuple(orders)


def _order(lexer: Lexer) -> ComparatorOrder:
    start = lexer.pos
    # an unquoted wildcard is no astring, but what clients send
    octets = lexer.string() if lexer.peek() in (b'"', b"{") else lexer.text[start:].partition(b" ")[0]
    if lexer.pos == start:
        lexer.pos += len(octets)
    found = _ORDER.match(octets.decode("latin-1"))
    if found is None or "**" in found[2] or found[2].count("*") > MAX_WILDCARDS:
        lexer.pos = start
        raise lexer.error("A comparator is expected")
    return ComparatorOrder(found[2], found[1] == "-")
