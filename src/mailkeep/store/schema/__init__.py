"""The tables, as numbered migrations: ``shard/NNNN_name.sql`` and ``directory/NNNN_name.sql``.

- A migration that has been released is never changed; the next number changes what it did.
- A database records the highest number it has had; one from a newer program is refused, not guessed at.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Migration:
    """One step; `script` is a series of statements that runs in one transaction."""

    number: int
    name: str
    script: str


def migrations(kind: str) -> tuple[Migration, ...]:
    """All migrations of ``"shard"`` or ``"directory"`` databases, ascending and without gaps."""
    found = [
        Migration(int(file.name[:4]), file.name[5:-4], file.read_text(encoding="utf-8"))
        for file in files(__package__).joinpath(kind).iterdir()
        if file.name.endswith(".sql")
    ]
    found.sort(key=lambda migration: migration.number)
    assert [migration.number for migration in found] == list(range(1, len(found) + 1))
    return tuple(found)
