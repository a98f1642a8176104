import os
from pathlib import Path

import pytest

from mailkeep.lock import DataLock, Locked


def test_the_second_is_told_who_holds_the_directory(tmp_path: Path) -> None:
    with DataLock(tmp_path, "a mailkeep server"), pytest.raises(Locked) as caught:
        DataLock(tmp_path, "mailkeep check")
    assert str(caught.value) == f"{tmp_path} is in use by a mailkeep server (process {os.getpid()})"


def test_a_lock_let_go_can_be_taken_again(tmp_path: Path) -> None:
    with DataLock(tmp_path, "a rather long name of a program"):
        pass
    with DataLock(tmp_path, "x"):
        assert (tmp_path / "lock").read_text("utf-8") == f"x (process {os.getpid()})\n"


def test_the_lock_file_is_for_the_owner_only(tmp_path: Path) -> None:
    with DataLock(tmp_path, "x"):
        assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600
