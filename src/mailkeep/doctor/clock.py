"""The clock: certificates, signatures and the queue believe it."""

from __future__ import annotations

import ctypes
import os
import secrets
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from mailkeep.doctor.finding import Area, Finding, Level

TIME_ERROR: Final = 5  # adjtimex(2): the clock is not synchronized
TIMEX_OCTETS: Final = 512  # more than a struct timex has anywhere
LEEWAY_S: Final = 60.0
OFF_BY_S: Final = 2.0  # worth a word
WRONG_BY_S: Final = 30.0  # codes of logins and signatures of a service fail
ANSWER_S: Final = 3.0
SINCE_1900_S: Final = 2_208_988_800  # RFC 4330 §3
ERA_S: Final = 1 << 32  # seconds count anew from 2036 on
_PACKET: Final = struct.Struct("!B7x32xQ")  # mode; the transmit timestamp
_ANSWER: Final = struct.Struct("!BB22xQQQ")  # mode, stratum; originate, receive, transmit
SET_CLOCK: Final = "switch a time service on: timedatectl set-ntp true"


def check_clock(now: float, data: Iterable[Path], time_server: str) -> Iterator[Finding]:
    """Whether something keeps it right, and nothing here is from the future.

    `data`: files that were written when somebody last thought that he knew the time.  `time_server`: asked over NTP
    (RFC 4330); "" for none.
    """
    newest = max((mtime for file in data if (mtime := _written_at(file)) is not None), default=0.0)
    if newest > now + LEEWAY_S:
        text = f"is {_span(newest - now)} behind what it was when mail was last stored"
        yield Finding(Area.CLOCK, Level.FAULT, "time", text, SET_CLOCK)
    match _is_kept():
        case True:
            yield Finding(Area.CLOCK, Level.GOOD, "synchronization", "the system keeps its clock right")
        case False:
            text = "nothing tells the system's clock the time"
            yield Finding(Area.CLOCK, Level.ADVICE, "synchronization", text, SET_CLOCK)
        case None:
            yield Finding(Area.CLOCK, Level.UNKNOWN, "synchronization", "this system does not tell")
    if time_server:
        yield _compare(time_server)


def _written_at(file: Path) -> float | None:
    try:
        return file.stat().st_mtime
    except OSError:
        return None


def _is_kept() -> bool | None:
    """What the kernel has been told; None where it does not say."""
    library = ctypes.CDLL(None, use_errno=True)
    try:
        state = library.adjtimex(ctypes.create_string_buffer(TIMEX_OCTETS))  # all zero: nothing is changed
    except AttributeError:  # not Linux
        return None
    return None if state < 0 else bool(state != TIME_ERROR)


def _compare(server: str) -> Finding:
    try:
        ahead = ask_time(server)
    except (OSError, ValueError) as error:
        text = f"does not tell the time: {error}"
        return Finding(Area.CLOCK, Level.UNKNOWN, server, text, "name another with --time-server")
    off = abs(ahead)
    if off < OFF_BY_S:
        return Finding(Area.CLOCK, Level.GOOD, server, f"agrees, to {off * 1000:.0f} ms")
    level = Level.FAULT if off >= WRONG_BY_S else Level.ADVICE
    which = "behind" if ahead > 0 else "ahead of"
    return Finding(Area.CLOCK, level, server, f"the clock here is {_span(off)} {which} it", SET_CLOCK)


def ask_time(server: str, port: int = 123) -> float:
    """By how many seconds `server` is ahead of the clock here.  RFC 4330 §5.

    Raises: OSError, ValueError (it talks nonsense, or does not know the time itself).
    """
    [(family, _, _, _, where), *_] = socket.getaddrinfo(server, port, type=socket.SOCK_DGRAM)
    mark = secrets.randbits(64)  # instead of our time: nobody else can know it, so nobody else can answer
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        asking.settimeout(ANSWER_S)
        asking.connect(where)
        sent = time.time()
        asking.send(_PACKET.pack(0x23, mark))  # version 4, client
        octets = asking.recv(512)
        came = time.time()
    received, transmitted = _read_answer(octets, mark, sent)
    return ((received - sent) + (transmitted - came)) / 2


def _read_answer(octets: bytes, mark: int, about: float) -> tuple[float, float]:
    """When the question came to the server, and when it answered (UTC seconds).  Raises: ValueError."""
    if len(octets) < _ANSWER.size:
        raise ValueError("the answer is too short")
    mode, stratum, originate, received, transmitted = _ANSWER.unpack_from(octets)
    if mode & 7 != 4 or originate != mark:
        raise ValueError("that is no answer to our question")
    if mode >> 6 == 3 or not 1 <= stratum <= 15 or not transmitted:
        raise ValueError("it does not know it itself")
    return _seconds(received, about), _seconds(transmitted, about)


def _seconds(stamp: int, about: float) -> float:
    """Of the era that is nearest to `about`."""
    plain = stamp / (1 << 32) - SINCE_1900_S
    return plain + round((about - plain) / ERA_S) * ERA_S


def _span(seconds: float) -> str:
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.1f} seconds"


def data_files(directory: Path) -> list[Path]:
    """Databases and their logs: written whenever mail comes."""
    return [directory / name for name in os.listdir(directory) if name.endswith((".db", ".db-wal"))]
