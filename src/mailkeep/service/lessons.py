"""What a login teaches the directory.  It is written by one process: the others tell that one, and nobody waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mailkeep.model.ids import AccountId
from mailkeep.store.contract import Directory


@dataclass(frozen=True, slots=True)
class Rehashed:
    """The password that is kept as `old` is to be kept as `new`, with this verifier."""

    account: AccountId
    old: str
    new: str
    scram: str | None


@dataclass(frozen=True, slots=True)
class Used:
    """App passwords have been used: when, in UTC seconds, by number."""

    at: dict[int, int]


Lesson = Rehashed | Used
Learn = Callable[[Lesson], None]


def write_down(directory: Directory, lesson: Lesson) -> None:
    """Let the directory know.  Raises: Unavailable."""
    match lesson:
        case Rehashed(account, old, new, scram):
            directory.replace_hash(account, old, new, scram)
        case Used(at):
            directory.app_passwords.note_use(at)
