"""How often each command of a protocol was given: counted in plain dictionaries, which costs next to nothing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Of one protocol in one process.  `refused` goes by command and answer; commands that there are not by "?"."""

    commands: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    refused: defaultdict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
