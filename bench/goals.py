"""What the project wants of each row: ratios to Dovecot on the same machine, or milliseconds of our own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Goal:
    """The least that is acceptable, and what we are after; "×" is a ratio."""

    floor: str
    aim: str


GOALS: Final = {
    "noop": Goal("1.2×", "2×"),
    "noop-tls": Goal("2×", "4×"),
    "login": Goal("1×", "2×"),
    "login-4": Goal("1×", "2×"),
    "open-first": Goal("30 ms", "10 ms"),  # at 250,000 messages
    "list": Goal("4×", "10×"),
    "headers": Goal("1.2×", "4×"),
    "flags": Goal("3×", "5×"),
    "uid-flags": Goal("3×", "5×"),
    "body": Goal("1×", "2×"),
    "bodies": Goal("1.5×", "4×"),
    "append": Goal("1.5×", "3×"),
    "append-8": Goal("1.5×", "4×"),
    "store-durable": Goal("1.5×", "2.5×"),
    "store-50": Goal("1.3×", "3×"),
    "search-from": Goal("2×", "10×"),
    "search-body": Goal("10×", "100×"),
    "search-fuzzy": Goal("10×", "100×"),
    **dict.fromkeys(
        (
            "sort",
            "sort-date",
            "sort-arrival",
            "sort-size",
            "sort-from",
            "sort-to",
            "sort-cc",
            "sort-display",
            "sort-two",
            "sort-new",
            "thread",
            "thread-refs",
            "thread-subject",
            "thread-new",
        ),
        Goal("1×", "3×"),
    ),
    **dict.fromkeys(
        (
            *("lmtp", "lmtp-8", "lmtp-50", "lmtp-100k-1", "lmtp-100k-8", "lmtp-100k-50"),
            *("smtp", "smtp-8", "smtp-50", "smtp-100k-1", "smtp-100k-8", "smtp-100k-50"),
            *("smtp-1-read", "smtp-8-read", "smtp-50-read"),
            *("smtp-100k-1-read", "smtp-100k-8-read", "smtp-100k-50-read"),
        ),
        Goal("1.5×", "3×"),
    ),
    "idle": Goal("20 ms", "5 ms"),
    "idle-lmtp": Goal("20 ms", "5 ms"),
    "idle-memory": Goal("15×", "60×"),
    "idle-memory-tls": Goal("4×", "10×"),
    "mixed": Goal("1.2×", "2×"),
    "soak-noop": Goal("10 ms", "5 ms"),
}
