import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.doctor import Level
from mailkeep.doctor.clock import SINCE_1900_S, _read_answer, ask_time, check_clock

MARK = 0x0123456789ABCDEF


def answer(mark: int, seconds: float, *, mode: int = 0x24, stratum: int = 2) -> bytes:
    """As a time server answers.  RFC 4330 §4."""
    stamp = int((seconds + SINCE_1900_S) * (1 << 32)) & ((1 << 64) - 1)
    return struct.pack("!BB22xQQQ", mode, stratum, mark, stamp, stamp)


@contextmanager
def time_server(reply: Callable[[int], bytes]) -> Iterator[int]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)

        def serve() -> None:
            octets, where = server.recvfrom(100)
            server.sendto(reply(struct.unpack("!Q", octets[40:48])[0]), where)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


@pytest.mark.parametrize("off", [0.0, 90.0, -90.0])
def test_a_time_server_tells_by_how_much_the_clock_is_off(off: float) -> None:
    with time_server(lambda mark: answer(mark, time.time() + off)) as port:
        assert ask_time("127.0.0.1", port) == pytest.approx(off, abs=1.0)


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "too short"),
        (answer(MARK, 0)[:47], "too short"),
        (answer(MARK + 1, 0), "no answer to our question"),
        (answer(MARK, 0, mode=0x23), "no answer to our question"),
        (answer(MARK, 0, mode=0xE4), "does not know it"),
        (answer(MARK, 0, stratum=0), "does not know it"),
        (answer(MARK, 0, stratum=16), "does not know it"),
        (answer(MARK, -SINCE_1900_S), "does not know it"),
    ],
)
def test_what_is_no_answer_is_not_believed(octets: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        _read_answer(octets, MARK, 0)


@given(st.binary(max_size=80))
def test_any_octets_are_an_answer_or_refused(octets: bytes) -> None:
    with suppress(ValueError):
        _read_answer(octets, MARK, 1_800_000_000.0)


@pytest.mark.parametrize("now", [1_800_000_000.0, 2_085_978_500.0, 2_100_000_000.0])  # seconds count anew in 2036
def test_the_years_after_2036_are_told(now: float) -> None:
    received, transmitted = _read_answer(answer(MARK, now), MARK, now + 1000)
    assert received == pytest.approx(now, abs=0.01)
    assert transmitted == received


def test_mail_from_the_future_shows_that_the_clock_went_back(tmp_path: Path) -> None:
    file = tmp_path / "shard-0000.db"
    file.touch()
    os.utime(file, (2_000_000_000, 2_000_000_000))
    behind, *_ = check_clock(2_000_000_000 - 3 * 86400, [file, tmp_path / "gone"], "")
    assert behind.level is Level.FAULT
    assert behind.text == "is 3 days behind what it was when mail was last stored"
    assert all(finding.subject == "synchronization" for finding in check_clock(2_000_000_000.0, [file], ""))


def test_a_time_server_that_is_not_there_is_no_fault() -> None:
    *_, found = check_clock(time.time(), [], "127.0.0.1")
    assert found.level is Level.UNKNOWN
    assert found.subject == "127.0.0.1"
