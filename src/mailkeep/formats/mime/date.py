"""Dates of header fields (RFC 5322 §3.3 and the obsolete forms of §4.3)."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

_MONTHS: Final = {
    name: number for number, name in enumerate(b"jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)
}
_ZONES: Final = {  # hours; RFC 5322 §4.3.  All others are UTC
    b"EST": -5, b"EDT": -4, b"CST": -6, b"CDT": -5, b"MST": -7, b"MDT": -6, b"PST": -8, b"PDT": -7,
}  # fmt: skip
_DATE: Final = re.compile(
    rb"\s*(?:[A-Za-z]{3,9}\s*,?\s*)?(\d{1,2})[\s-]+([A-Za-z]{3})[A-Za-z]*\.?[\s-]+(\d{2,4})"
    rb"(?:,?\s+(\d{1,2})\s*[:.]\s*(\d{2})(?:\s*[:.]\s*(\d{2}))?\s*([+-]\d{4}|[A-Za-z]{1,5})?)?"
)
_ASCTIME: Final = re.compile(
    rb"\s*(?:[A-Za-z]{3,9}\s*,?\s*)?([A-Za-z]{3})[a-z]*\s+(\d{1,2}),?\s+(?:(\d{1,2}):(\d{2})(?::(\d{2}))?\s+)?"
    rb"(?:([+-]\d{4}|[A-Z]{1,5})\s+)?(\d{4})(?:\s+([+-]\d{4}))?"
)
_LONGEST: Final = 200  # octets of a date worth reading


def parse_date(value: bytes) -> dt.datetime | None:
    """The moment a Date field names, aware; None if nobody can read it.  An unknown zone is UTC (RFC 5322 §4.3)."""
    value = b" ".join(value[:_LONGEST].split())
    match = _DATE.match(value)
    if match is not None:
        day, month, year, hour, minute, second, zone = match.groups(b"")
    else:
        match = _ASCTIME.match(value)
        if match is None:
            return None
        month, day, hour, minute, second, zone, year, late_zone = match.groups(b"")
        zone = zone or late_zone
    number = _MONTHS.get(month.lower())
    if number is None:
        return None
    try:
        time = dt.time(int(hour or 0), int(minute or 0), min(int(second or 0), 59), tzinfo=_zone(zone))
        return dt.datetime.combine(dt.date(_year(year), number, int(day)), time)
    except ValueError:
        return None


def parse_day(value: bytes) -> dt.date | None:
    """The day as written, "disregarding time and timezone" (RFC 9051 §6.4.4, SENTBEFORE, SENTON, SENTSINCE)."""
    moment = parse_date(value)
    return None if moment is None else moment.date()


def _year(digits: bytes) -> int:
    """RFC 5322 §4.3: two digits are 2000–2049 or 1950–1999, three are since 1900."""
    year = int(digits)
    if len(digits) >= 4:
        return year
    if len(digits) == 2 and year < 50:
        return 2000 + year
    return 1900 + year


def _zone(zone: bytes) -> dt.timezone:
    if zone[:1] in (b"+", b"-"):
        minutes = int(zone[1:3]) * 60 + int(zone[3:5])
        if minutes < 24 * 60:
            return dt.timezone(dt.timedelta(minutes=-minutes if zone[:1] == b"-" else minutes))
    return dt.timezone(dt.timedelta(hours=_ZONES.get(zone.upper(), 0)))
