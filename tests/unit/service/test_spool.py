"""A message on its way in is held in memory while small, in a file beyond, and a fault is kept until the end."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from mailkeep.model.errors import TooLarge
from mailkeep.service.spool import IN_MEMORY, Spool


def test_a_small_message_stays_in_memory(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 100)
    spool.write(b"ab")
    spool.write(b"cd")
    octets = spool.finish()
    assert (octets.data, octets.size, octets.path) == (b"abcd", 4, None)
    assert octets.sha256 == hashlib.sha256(b"abcd").digest()
    assert not list(tmp_path.iterdir())


def test_a_large_message_goes_to_a_file_whole(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10 * IN_MEMORY)
    content = b"x" * IN_MEMORY + b"y" * 5
    for start in range(0, len(content), 100_000):
        spool.write(content[start : start + 100_000])
    octets = spool.finish()
    assert octets.data is None
    assert octets.path is not None
    assert octets.path.read_bytes() == content
    octets.discard()
    assert not list(tmp_path.iterdir())


def test_a_message_of_exactly_the_limit_is_taken_and_one_octet_more_is_not(tmp_path: Path) -> None:
    exact, over = Spool(tmp_path, 4), Spool(tmp_path, 4)
    exact.write(b"abcd")
    over.write(b"abcde")
    over.write(b"more is counted and dropped")
    assert exact.finish().data == b"abcd"
    with pytest.raises(TooLarge):
        over.finish()
    assert over.size == 32


def test_a_message_given_up_leaves_no_file(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10 * IN_MEMORY)
    spool.write(b"x" * (IN_MEMORY + 1))
    assert len(list(tmp_path.iterdir())) == 1
    spool.discard()
    assert not list(tmp_path.iterdir())


def test_a_message_goes_to_a_file_as_soon_as_there_is_no_room_in_memory(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 100, 3)
    spool.write(b"abc")
    assert spool.held == 3
    spool.write(b"d")
    assert spool.held == 0
    octets = spool.finish()
    assert octets.path is not None
    assert octets.path.read_bytes() == b"abcd"
