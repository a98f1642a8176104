"""Room for many connections."""

from __future__ import annotations

import resource

from mailkeep.bench.connection import Wrong


def raise_file_limit(wanted: int) -> None:
    """Let this process open that many files.  Raises: Wrong (the system's hard limit is lower)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise Wrong(f"{wanted} open files are needed, the limit is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
