"""MTA-STS (RFC 8461): the record in DNS, and the policy that a web server has."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

MAX_POLICY: Final = 64 * 1024  # octets: what RFC 8461 §3.3 suggests
MAX_AGE_S: Final = 31_557_600  # §3.2
MAX_PATTERNS: Final = 1000

_RECORD: Final = re.compile(r"v=STSv1(?:[ \t]*;[ \t]*[A-Za-z0-9][A-Za-z0-9_.-]{0,31}=[!-:<>-~]+)+(?:[ \t]*;)?[ \t]*")
_ID: Final = re.compile(r";[ \t]*id=([A-Za-z0-9]{1,32})(?=[ \t]*(?:;|\Z))")
_FIELD: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,31}):[ \t]*(.*)")
_PATTERN: Final = re.compile(r"(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9-]*)(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*))*\.?")


class PolicyError(ValueError):
    """The text is no policy; it says why."""


class Mode(Enum):
    """What is done when a host is not as the policy says (RFC 8461 §5)."""

    ENFORCE = "enforce"
    TESTING = "testing"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy.  `patterns` are in lower case; `max_age_s` in seconds."""

    mode: Mode
    patterns: tuple[str, ...]
    max_age_s: int

    def allows(self, host: str) -> bool:
        """Whether an MX host is one of those that the policy names (§4.1)."""
        host = host.rstrip(".").lower()
        _, dot, above = host.partition(".")
        return host in self.patterns or (bool(dot) and f"*.{above}" in self.patterns)


def find_id(records: Iterable[str]) -> str | None:
    """The id that TXT records of ``_mta-sts.<domain>`` tell; None if there is no policy (§3.1)."""
    found = [record for record in records if record.startswith(("v=STSv1;", "v=STSv1 "))]
    if len(found) != 1 or len(found[0]) > 4096 or _RECORD.fullmatch(found[0]) is None:
        return None
    known = _ID.search(found[0])
    return known[1] if known is not None else None


def parse_policy(octets: bytes) -> Policy:
    """The policy that a web server has sent (§3.2).  Unknown fields are ignored.  Raises: PolicyError."""
    if len(octets) > MAX_POLICY:
        raise PolicyError("the policy is too long")
    try:
        text = octets.decode()
    except UnicodeDecodeError as error:
        raise PolicyError("the policy is not UTF-8") from error
    fields: dict[str, str] = {}
    patterns: list[str] = []
    for line in text.split("\n"):
        line = line.removesuffix("\r").rstrip(" \t")
        if not line:
            continue
        found = _FIELD.fullmatch(line)
        if found is None:
            raise PolicyError("a line has not the form of key: value")
        if found[1] == "mx":
            patterns.append(_pattern(found[2]))
        else:
            fields.setdefault(found[1], found[2])  # of several, the first counts
    return _policy(fields, patterns)


def _pattern(value: str) -> str:
    if len(value) > 255 or _PATTERN.fullmatch(value) is None:
        raise PolicyError("an mx is no name of a host")
    return value.rstrip(".").lower()


def _policy(fields: dict[str, str], patterns: list[str]) -> Policy:
    if fields.get("version") != "STSv1":
        raise PolicyError("the version is not STSv1")
    try:
        mode = Mode(fields.get("mode"))
    except ValueError as error:
        raise PolicyError("there is no such mode") from error
    age = fields.get("max_age", "")
    if not (age.isascii() and age.isdecimal() and len(age) <= 10):
        raise PolicyError("max_age is no number of seconds")
    if not patterns and mode is not Mode.NONE:
        raise PolicyError("no mx is named")
    if len(patterns) > MAX_PATTERNS:
        raise PolicyError("too many mx are named")
    return Policy(mode, tuple(dict.fromkeys(patterns)), min(int(age), MAX_AGE_S))
