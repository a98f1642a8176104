"""When a certificate is to be asked for, and for which names: decisions without I/O."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from mailkeep.acme.folder import HOST, Held, Notes, Refusal

MAX_NAMES: Final = 100  # of one certificate: what authorities allow
LIFE_USED: Final = 2 / 3  # of a certificate's life is over when it is renewed
LIFE_LEFT: Final = 1 / 6  # with less of it left, a certificate with fewer names is better than none
REFUSED_S: Final = 86400.0  # before a name that the authority has refused is tried again
BACK_OFF_S: Final = (600.0, 1800.0, 7200.0, 21600.0, 43200.0, 86400.0)
MAX_PAUSE_S: Final = 86400.0  # before the next attempt, whoever wants it


@dataclass(frozen=True, slots=True)
class Wanted:
    """Names of one certificate: those that lead here, those that do not, and those of which DNS says nothing now.

    The last two with the reason.
    """

    group: str
    names: tuple[str, ...]
    elsewhere: Mapping[str, str]
    unknown: Mapping[str, str]


def find_reason(wanted: Wanted, held: Held | None, notes: Notes, now: float) -> str:
    """Why a certificate is to be asked for now; "" if it is not."""
    if not wanted.names:
        return ""
    if held is None:
        return "there is none"
    if notes.made_by not in ("", notes.directory):
        return f"it is from another authority, {notes.made_by}"
    if now >= renewal_time(held, notes):
        return "it is time to renew it"
    missing = _missing(wanted, held, notes, now)
    return f"it lacks {', '.join(missing)}" if missing else ""


def renewal_time(held: Held, notes: Notes) -> float:
    """UTC seconds: as the authority advises, or after two thirds of the certificate's life.

    Never in its first days: advice that is always to renew would have it made anew every hour.  Nor in its last ones,
    in which an attempt that fails is not made up for.
    """
    life_s = (held.until - held.since).total_seconds()
    usual = held.since.timestamp() + LIFE_USED * life_s
    soonest = held.since.timestamp() + LIFE_LEFT * life_s
    latest = held.until.timestamp() - LIFE_LEFT * life_s
    return min(max(notes.renew_at, soonest), latest) if notes.renew_at else usual


def _missing(wanted: Wanted, held: Held, notes: Notes, now: float) -> tuple[str, ...]:
    """Names that the certificate lacks, without those that were refused lately."""
    lately = {name for name, refusal in notes.refused.items() if 0 <= now - refusal.at < REFUSED_S}
    return tuple(name for name in wanted.names if name not in held.names and name not in lately)


def is_worth_it(wanted: Wanted, names: Collection[str], held: Held | None, now: float) -> bool:
    """Whether a certificate for `names`, which the authority would sign, is as good as the one there is.

    Never one without the host's own name (the first), and none that lacks a name which the old one has for a while yet.
    """
    if not names or (wanted.group == HOST and wanted.names[0] not in names):
        return False
    if held is None or held.until.timestamp() - now < LIFE_LEFT * (held.until - held.since).total_seconds():
        return True
    return set(names) >= set(held.names) & {*wanted.names, *wanted.unknown}


def gains(names: Collection[str], held: Held | None, notes: Notes, now: float) -> bool:
    """Whether a certificate for `names` has anything that the one there is has not."""
    if held is None or now >= renewal_time(held, notes) or notes.made_by not in ("", notes.directory):
        return True
    return not set(names) <= set(held.names)


def failed(notes: Notes, fault: str, refused: Mapping[str, str], now: float, retry_after_s: float = 0.0) -> Notes:
    """What to remember of an attempt that led to no certificate."""
    pause_s = max(BACK_OFF_S[min(notes.failures, len(BACK_OFF_S) - 1)], min(retry_after_s, MAX_PAUSE_S))
    return msgspec.structs.replace(
        notes,
        failures=notes.failures + 1,
        fault=fault,
        next_at=now + pause_s,
        refused=_refused(notes, refused, now),
    )


def succeeded(notes: Notes, names: Collection[str], refused: Mapping[str, str], now: float) -> Notes:
    """What to remember after there is a new certificate for `names`."""
    still = {name: refusal for name, refusal in _refused(notes, refused, now).items() if name not in names}
    return Notes(refused=still, elsewhere=notes.elsewhere, directory=notes.directory, made_by=notes.directory)


def unchanged(notes: Notes, refused: Mapping[str, str], now: float) -> Notes:
    """What to remember of an attempt after which the certificate there is turned out as good."""
    return msgspec.structs.replace(notes, failures=0, fault="", next_at=0.0, refused=_refused(notes, refused, now))


def _refused(notes: Notes, refused: Mapping[str, str], now: float) -> dict[str, Refusal]:
    return {**notes.refused, **{name: Refusal(reason, now) for name, reason in refused.items()}}
