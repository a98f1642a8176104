"""The saved form of a mailbox's arrays, and bringing them forward."""

from __future__ import annotations

import json
import struct
import sys
from array import array
from bisect import bisect_left
from dataclasses import dataclass
from typing import Final

from mailkeep.model.change import Delta
from mailkeep.model.flags import More
from mailkeep.model.ids import Uid

HEAD: Final = struct.Struct("<4sQ")  # what it is, number of entries
MAGIC: Final = b"mk\x00\x01"


@dataclass(slots=True)
class Arrays:
    """As `Snapshot` has them."""

    uids: array[int]
    masks: array[int]
    modseqs: array[int]
    more: dict[Uid, More]


def dump(arrays: Arrays) -> bytes:
    """Little-endian arrays one after the other, then the rare further keywords as JSON."""
    columns = [array(column.typecode, column) for column in (arrays.uids, arrays.masks, arrays.modseqs)]
    if sys.byteorder == "big":
        for column in columns:
            column.byteswap()
    more = json.dumps(list(arrays.more.items())).encode()
    return b"".join((HEAD.pack(MAGIC, len(arrays.uids)), *(column.tobytes() for column in columns), more))


def load(data: bytes) -> Arrays | None:
    """Inverse of `dump`; None for a form that this program does not know."""
    magic, count = HEAD.unpack_from(data)
    if magic != MAGIC:
        return None
    columns, at = [], HEAD.size
    for code in "Iqq":
        column = array(code)
        end = at + count * column.itemsize
        column.frombytes(memoryview(data)[at:end])
        if sys.byteorder == "big":
            column.byteswap()
        columns.append(column)
        at = end
    uids, masks, modseqs = columns
    return Arrays(uids, masks, modseqs, {Uid(uid): tuple(more) for uid, more in json.loads(data[at:])})


def apply(arrays: Arrays, delta: Delta) -> None:
    """Bring `arrays` forward."""
    if delta.gone:
        keep = [i for i, uid in enumerate(arrays.uids) if uid not in delta.gone]
        if len(keep) < len(arrays.uids):
            arrays.uids = array("I", [arrays.uids[i] for i in keep])
            arrays.masks = array("q", [arrays.masks[i] for i in keep])
            arrays.modseqs = array("q", [arrays.modseqs[i] for i in keep])
            arrays.more = {uid: more for uid, more in arrays.more.items() if uid not in delta.gone}
    for state in delta.changed:
        i = bisect_left(arrays.uids, state.uid)
        if i < len(arrays.uids) and arrays.uids[i] == state.uid:
            arrays.masks[i], arrays.modseqs[i] = state.mask, state.modseq
        else:  # new ones have the greatest UIDs
            arrays.uids.append(state.uid)
            arrays.masks.append(state.mask)
            arrays.modseqs.append(state.modseq)
        if state.more:
            arrays.more[state.uid] = state.more
        else:
            arrays.more.pop(state.uid, None)
