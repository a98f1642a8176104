"""Perl's Mail::DKIM, which checks and makes signatures beside us."""

from __future__ import annotations

import shutil
import subprocess

from tests.cannot_run import cannot_run


def need_mail_dkim() -> None:
    """Skip the test where it is missing, or fail: see `cannot_run`."""
    perl = shutil.which("perl")
    if perl is None or subprocess.run([perl, "-MMail::DKIM", "-e1"], stderr=subprocess.DEVNULL, check=False).returncode:
        cannot_run("Perl's Mail::DKIM is not installed; script/tests-setup installs it")
