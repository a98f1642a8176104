import sqlite3
from pathlib import Path

from mailkeep.doctor import Level
from mailkeep.doctor.databases import check_databases
from mailkeep.store.sqlite.connection import migrate, open_writer
from mailkeep.store.sqlite.look import look_at


def filled(directory: Path) -> Path:
    path = directory / "shard-0000.db"
    db = open_writer(path)
    migrate(db, path, "shard")
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
    db.execute(f"CREATE TABLE much AS {numbers} SELECT randomblob(500) AS octets FROM n").fetchall()
    db.close()
    return path


def test_a_sound_database_is_whole(tmp_path: Path) -> None:
    filled(tmp_path)
    [found] = check_databases(tmp_path)
    assert (found.level, found.subject, found.text) == (Level.GOOD, "shard-0000.db", "is whole")


def test_a_look_ends_when_its_time_is_over(tmp_path: Path) -> None:
    look = look_at(filled(tmp_path), -1.0)
    assert (look.faults, look.whole) == ((), False)


def test_damage_is_a_fault(tmp_path: Path) -> None:
    path = filled(tmp_path)
    octets = bytearray(path.read_bytes())
    octets[len(octets) // 2 :] = bytes(len(octets) - len(octets) // 2)
    path.write_bytes(octets)
    [found] = check_databases(tmp_path)
    assert found.level is Level.FAULT
    assert "mailkeep check" in found.todo


def test_what_is_no_database_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "directory.db").write_bytes(b"nothing of the kind" * 1000)
    [found] = check_databases(tmp_path)
    assert found.level is Level.FAULT
    assert found.text.startswith("cannot be read: ")


def test_one_of_a_newer_program_is_a_fault(tmp_path: Path) -> None:
    path = filled(tmp_path)
    with sqlite3.connect(path) as db:
        db.executemany("INSERT INTO schema_version VALUES (?)", [(number,) for number in range(1000, 1100)])
    db.close()
    [found] = check_databases(tmp_path)
    assert "newer program" in found.text
