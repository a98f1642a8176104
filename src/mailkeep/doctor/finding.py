"""What was found, how serious it is, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How serious a finding is.  Only a FAULT is something that mail, or whoever reads it, suffers from."""

    GOOD = "good"
    ADVICE = "advice"
    UNKNOWN = "unknown"  # it could not be looked at
    FAULT = "fault"


class Area(StrEnum):
    """What a finding is about, in the order in which they are told."""

    SERVER = "server"
    PORTS = "ports"
    CERTIFICATE = "certificate"
    DNS = "dns"
    CLOCK = "clock"
    DISK = "disk"
    STORE = "store"
    LIMITS = "limits"
    QUEUE = "queue"


@dataclass(frozen=True, slots=True)
class Finding:
    """`subject`: which of its kind (a listener, a file, a record).  `todo`: what mends it; "" where nothing has to."""

    area: Area
    level: Level
    subject: str
    text: str
    todo: str = ""
