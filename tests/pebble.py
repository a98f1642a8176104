"""Pebble, Let's Encrypt's small authority for tests, started privately: Debian's package of that name.

    with pebble(directory, dns) as authority:
        authority.url        # of its ACME directory
        authority.trust      # PEM file: who signed the certificate that it shows itself
        authority.root       # … and PEM octets of the root of what it signs
        authority.http       # the port at which it looks for HTTP-01, on the addresses that `dns` tells
        authority.tls        # … and for TLS-ALPN-01

It rejects one good nonce in five, and asks for whatever is due to change for ACME's clients (-strict).
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.authority import Authority
from tests.cannot_run import cannot_run

START_S = 10.0


@dataclass(frozen=True, slots=True)
class Pebble:
    """One that runs."""

    url: str
    trust: Path
    root: bytes
    http: int
    tls: int


@contextlib.contextmanager
def pebble(directory: Path, dns: tuple[str, int]) -> Iterator[Pebble]:
    """A running authority, with its files in `directory`, that asks the DNS server `dns`."""
    program = shutil.which("pebble")
    if program is None:
        cannot_run("pebble is not installed")
    own = Authority(directory, "Authority of Pebble")
    _, pair = own.issue("localhost")
    port, management, http, tls = _free_ports(4)
    settings = {
        "listenAddress": f"127.0.0.1:{port}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(pair),
        "privateKey": str(pair),
        "httpPort": http,
        "tlsPort": tls,
    }
    file = directory / "pebble.json"
    file.write_text(json.dumps({"pebble": settings}))
    environment = {**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "20", "PEBBLE_AUTHZREUSE": "0"}
    with (directory / "pebble.log").open("wb") as log:
        process = subprocess.Popen(
            (program, "-strict", "-config", file, "-dnsserver", f"{dns[0]}:{dns[1]}"),
            env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        trusting = ssl.create_default_context(cafile=own.file)
        root = _fetch(f"https://localhost:{management}/roots/0", trusting, process)
        yield Pebble(f"https://localhost:{port}/dir", own.file, root, http, tls)
    finally:
        process.kill()
        process.wait()


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in found]


def _fetch(url: str, trusting: ssl.SSLContext, process: subprocess.Popen[bytes]) -> bytes:
    """What is there, once the program listens."""
    end = time.monotonic() + START_S
    while True:
        try:
            with urllib.request.urlopen(url, context=trusting, timeout=START_S) as answer:
                content: bytes = answer.read()
                return content
        except urllib.error.URLError:
            assert process.poll() is None, "pebble has ended"
            assert time.monotonic() < end, "pebble does not listen"
            time.sleep(0.02)
