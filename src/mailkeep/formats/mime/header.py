"""Header fields as octets: splitting a header, choosing fields of it, unfolding a value (RFC 5322 §2.2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

# A line that starts with a name and a colon, and the lines after it that begin with white space (RFC 5322 §2.2.3).
# Lines that are neither (an mbox "From " line, garbage) belong to no field.  Anchored, so a header is read in one pass.
_FIELD: Final = re.compile(rb"^(([^\s:]+)[ \t]*:[^\n]*\n?(?:[ \t][^\n]*\n?)*)", re.MULTILINE)


def split_fields(header: bytes) -> list[tuple[bytes, bytes]]:
    """The fields in order, as (lower-case name, whole field with folds and line end)."""
    return [(name.lower(), whole) for whole, name in _FIELD.findall(header)]


def select_fields(header: bytes, names: Container[bytes], *, exclude: bool = False) -> bytes:
    """The fields called one of `names` (lower case), or with `exclude` all others, then a blank line.

    RFC 9051 §6.4.5.1: the blank line is always there.  Fields stand in their order and as they came; a last field
    without a line end gets one, or the blank line would be lost in it.
    """
    return choose_fields(split_fields(header), names, exclude=exclude)


def choose_fields(fields: Iterable[tuple[bytes, bytes]], names: Container[bytes], *, exclude: bool = False) -> bytes:
    """`select_fields` for a header that has been split."""
    chosen = b"".join([whole for name, whole in fields if (name in names) is not exclude])
    return chosen + (b"\r\n" if not chosen or chosen.endswith(b"\n") else b"\r\n\r\n")


def unfold(field: bytes) -> bytes:
    """The value of a whole field on one line: each fold, with white space around it, is one space; ends stripped.

    RFC 5322 §2.2.3 would keep that white space; clients show values, and a tab or six spaces in a subject is nobody's
    intention.
    """
    return unfold_value(field[field.find(b":") + 1 :])


def unfold_value(value: bytes) -> bytes:
    """`unfold` for what stands after the colon, or inside quotes."""
    value = value.strip(b" \t\r\n")
    if b"\n" not in value:
        return value
    lines = [line.strip(b" \t\r") for line in value.split(b"\n")]
    return b" ".join([line for line in lines if line])
