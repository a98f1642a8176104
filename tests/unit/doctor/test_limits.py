import os
import resource

from mailkeep.doctor import Level, limits
from mailkeep.doctor.limits import check_limits


def test_open_files_of_a_process_are_told() -> None:
    files, *_ = check_limits(os.getpid())
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert files.subject == "open files"
    assert str(hard) in files.text or hard == resource.RLIM_INFINITY
    assert (files.level is Level.GOOD) is (hard >= limits.FILES)


def test_of_a_process_that_has_gone_nothing_is_said() -> None:
    assert "open files" not in {finding.subject for finding in check_limits(1 << 30)}
