import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cannot_run import cannot_run

from mailkeep.doctor import Level
from mailkeep.doctor.disk import check_disk, file_system

MOUNTS = """\
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
23 22 0:21 / /srv rw shared:2 master:1 - nfs4 server:/srv rw
24 23 0:22 / /srv/my\\040mail rw - xfs /dev/vdb rw
25 22 0:23 / /tmp rw - tmpfs tmpfs rw
26 22 0:24 / /tmp rw - btrfs /dev/vdc rw
nonsense
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/mailkeep", "ext4"),
        ("/srv/mail", "nfs4"),
        ("/srv/my mail/data", "xfs"),
        ("/srvs", "ext4"),
        ("/tmp", "btrfs"),
    ],
)
def test_the_nearest_mount_counts_and_of_two_the_later(path: str, kind: str) -> None:
    assert file_system(Path(path), MOUNTS) == kind


@given(st.text(max_size=200))
def test_any_text_of_mounts_is_read(text: str) -> None:
    assert isinstance(file_system(Path("/var"), text), str)


def levels(directory: Path) -> dict[str, Level]:
    return {finding.text.partition(" (")[0]: finding.level for finding in check_disk(directory)}


def test_a_private_directory_of_one_owner_is_good(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "directory.db").touch()
    found = list(check_disk(tmp_path))
    assert Level.FAULT not in {finding.level for finding in found if finding.subject != "room"}
    assert any(finding.text.startswith("all in it belongs to ") for finding in found)
    assert any(finding.text.startswith("a write is on disk within ") for finding in found)
    assert [path.name for path in tmp_path.iterdir()] == ["directory.db"]


def test_a_directory_open_to_others_gets_advice(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    [found] = [finding for finding in check_disk(tmp_path) if "get in" in finding.text]
    assert found.level is Level.ADVICE
    assert found.todo == f"chmod 700 {tmp_path}"


def test_files_of_another_owner_are_a_fault(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        cannot_run("only root gives files away")
    (tmp_path / "packs").mkdir()
    strange = tmp_path / "packs" / "1"
    strange.touch()
    os.chown(strange, 12345, -1)
    [found] = [finding for finding in check_disk(tmp_path) if "do not belong" in finding.text]
    assert found.level is Level.FAULT
    assert found.todo.startswith("chown -R ")
