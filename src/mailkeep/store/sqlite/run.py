"""Carrying out an operation on a connection: its statements, in SQLite's words."""

from __future__ import annotations

import re
from array import array
from functools import lru_cache
from typing import Any, Final, TypeVar

import apsw

from mailkeep.model.uidset import UidSet
from mailkeep.store.contract import Op, Sql, Value

T = TypeVar("T")

FEW_RANGES: Final = 8
DENSE: Final = 4  # walk a span when at least one in so many of its numbers is asked for

_COLUMN: Final = re.compile(r"([\w.]+) IN $")


def run(db: apsw.Connection, op: Op[T], first: Sql | None = None) -> T:
    """Have all statements of `op` executed; every cursor is read to its end.  The transaction is the caller's.

    `first`: the statement that the caller has already taken from `op`.
    """
    execute = db.execute
    try:
        statement = first or next(op)
        while True:
            text, args, _, _ = statement
            if " IN ?" in text:
                text, args = bind(text, args)
            statement = op.send(execute(text, args).fetchall())
    except StopIteration as done:
        result: T = done.value
        return result


def bind(text: str, args: tuple[Value, ...]) -> tuple[str, tuple[Any, ...]]:
    """Put the form of ``column IN ?`` that suits each set: a range, a few ranges, or an array."""
    shapes: list[int] = []
    flat: list[Any] = []
    for value in args:
        if isinstance(value, UidSet):
            if len(value.ranges) == 1:  # nearly always
                shapes.append(1)
                flat += value.ranges[0]
                continue
            shape = _shape(value)
            shapes.append(shape)
            flat += _flat(value, shape)
        else:
            shapes.append(PLAIN)
            flat.append(value)
    return _rewrite(text, tuple(shapes)), tuple(flat)


# shapes of a parameter; a number above 0 is that many ranges
PLAIN: Final = -1
ARRAY: Final = -2
EMPTY: Final = 0


def _shape(uids: UidSet) -> int:
    ranges = uids.ranges
    if not ranges:
        return EMPTY
    span = ranges[-1][1] - ranges[0][0] + 1
    return len(ranges) if len(ranges) <= FEW_RANGES and len(uids) * DENSE >= span else ARRAY


def _flat(uids: UidSet, shape: int) -> list[Any]:
    if shape == ARRAY:
        return [apsw.carray(array("q", uids))]
    if shape == EMPTY:
        return []
    return [uids.ranges[0][0], uids.max, *(bound for pair in uids.ranges for bound in pair)]


@lru_cache(512)
def _rewrite(text: str, shapes: tuple[int, ...]) -> str:
    pieces = text.split("?")
    out: list[str] = []
    for piece, shape in zip(pieces, shapes, strict=False):
        if shape == PLAIN:
            out.append(piece + "?")
            continue
        match = _COLUMN.search(piece)
        assert match is not None, text
        column = match[1]
        between = f"{column} BETWEEN ? AND ?"
        if shape == EMPTY:
            condition = "FALSE"
        elif shape == ARRAY:
            condition = f"{column} IN carray(?)"
        elif shape == 1:
            condition = between
        else:  # the span first: it is what the index is asked for
            condition = f"({between} AND ({' OR '.join([between] * shape)}))"
        out.append(piece[: match.start()] + condition)
    out.append(pieces[-1])
    return "".join(out)
