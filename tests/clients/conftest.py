from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cannot_run import cannot_run
from tests.clients.provider import Provider, running_provider
from tests.dovecot import Ports, missing, running_dovecot
from tests.live import *  # noqa: F403  the fixtures of the running server


@pytest.fixture
def home() -> Iterator[Path]:
    """A home directory for a client.  Its path is short, for sockets in it."""
    path = Path(tempfile.mkdtemp(prefix="mk-home-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Ports]:
    """Where a Dovecot listens, to compare with."""
    reason = missing()
    if reason is not None:
        cannot_run(reason)
    with running_dovecot() as ports:
        yield ports


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    """A server of example.org with the names and the certificate that clients look for."""
    with running_provider(tmp_path_factory.mktemp("provider")) as provider:
        yield provider
