"""Starting the servers that are measured, each in a directory of its own, and stopping them."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import enum
import json
import os
import pwd
import shutil
import socket
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from bench import postfix
from mailkeep.bench.target import Target
from mailkeep.certificates import ensure_self_signed

HERE: Final = Path(__file__).parent
HOST: Final = "127.0.0.1"
USERS: Final = 50
START_S: Final = 120.0
STOP_S: Final = 30.0
DOVECOT: Final = Path("/usr/sbin/dovecot")
DOVECOT_IMAP: Final = Path("/usr/lib/dovecot/imap")
DOVECOT_LMTP: Final = Path("/usr/lib/dovecot/lmtp")
BOTH: Final = """
$1 -F -c "$2" & first=$!
shift 2
"$@" & second=$!
trap 'kill $second; wait $second; kill $first' TERM
wait $first
"""  # one process above Dovecot and Postfix, so that what they use can be added up


class NotHere(Exception):
    """A server cannot be started on this machine; the text says why."""


class Profile(enum.StrEnum):
    """How Dovecot's imap processes serve sessions."""

    HIGHPERF = "highperf"  # one session each, processes used again
    SHARED = "shared"  # fifty sessions each


PROCESSES: Final = {
    Profile.HIGHPERF: "  service_count = 1000\n  process_min_avail = 8\n  process_limit = 5000",
    Profile.SHARED: "  service_count = 0\n  process_min_avail = 2\n  process_limit = 200\n  client_limit = 50",
}


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, in the clear and over TLS."""

    name: str
    clear: Target
    tls: Target


@contextlib.contextmanager
def working_directory(parent: Path | None) -> Iterator[Path]:
    """A temporary directory for all servers; /var/tmp is a disk where /tmp may be memory."""
    directory = Path(tempfile.mkdtemp(prefix="mailkeep-bench-", dir=parent or "/var/tmp"))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def mailkeep(directory: Path, users: int = USERS) -> Iterator[Server]:
    """`mailkeep demo` with accounts u1, u2, …"""
    directory.mkdir(exist_ok=True)
    ready_file = directory / "ready.json"
    arguments = ["demo", "--port-base", "0", "--data", str(directory / "data"), "--ready-file", str(ready_file)]
    for number in range(1, users + 1):
        arguments += ["--account", f"u{number}@example.org:pass"]
    with (directory / "log").open("ab") as log:
        process = subprocess.Popen(
            (sys.executable, "-m", "mailkeep", *arguments), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    with _stopped_at_the_end(process):
        _wait(process, ready_file.exists, directory / "log")
        ready = json.loads(ready_file.read_text("utf-8"))
        clear = Target(
            host=HOST,
            port=ready["imap"][1],
            users=users,
            lmtp=(HOST, ready["lmtp"][1]),
            smtp=(HOST, ready["smtp"][1]) if ready.get("smtp") else None,
            pid=process.pid,
        )
        yield Server("mailkeep", clear, _over_tls(clear, ready["imaps"][1], Path(ready["ca"])))


@contextlib.contextmanager
def dovecot(
    directory: Path, profile: Profile, fsync: str = "optimized", *, behind_postfix: bool = False
) -> Iterator[Server]:
    """Debian's Dovecot.  `fsync` is its mail_fsync: optimized (its default), always, never.

    `behind_postfix`: Debian's Postfix takes in mail for it, and hands it on by LMTP.
    Raises: NotHere.
    """
    if not all(os.access(file, os.X_OK) for file in (DOVECOT, DOVECOT_IMAP, DOVECOT_LMTP)):
        raise NotHere("Dovecot is not installed (Debian: apt-get install dovecot-imapd dovecot-lmtpd)")
    if os.geteuid() != 0:
        raise NotHere("Dovecot can be started by root only, as it changes users")
    name = f"dovecot {profile}" + ("" if fsync == "optimized" else f", mail_fsync={fsync}")
    nobody = pwd.getpwnam("nobody")
    (directory / "mail").mkdir(parents=True, exist_ok=True)
    os.chown(directory / "mail", nobody.pw_uid, nobody.pw_gid)
    files = ensure_self_signed(directory, ("localhost", HOST), dt.datetime.now(dt.UTC))
    imap, imaps, lmtp = free_ports(3)
    config = directory / "dovecot.conf"
    config.write_text(
        string.Template((HERE / "dovecot.conf").read_text("utf-8")).substitute(
            base=directory,
            name=directory.name,
            uid=nobody.pw_uid,
            gid=nobody.pw_gid,
            fsync=fsync,
            processes=PROCESSES[profile],
            certificate=files.certificate,
            key=files.key,
            imap=imap,
            imaps=imaps,
            lmtp=lmtp,
        ),
        "utf-8",
    )
    command: tuple[str, ...] = (str(DOVECOT), "-F", "-c", str(config))
    smtp = None
    if behind_postfix:
        front = _postfix(directory / "postfix", lmtp)
        name, smtp = f"postfix, {name}", (HOST, front.port)
        command = ("/bin/sh", "-c", BOTH, "sh", str(DOVECOT), str(config), *postfix.command(front))
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    with _stopped_at_the_end(process):
        _wait(process, lambda: _greets(imap, b"* OK"), directory / "log")
        if smtp is not None:
            _wait(process, lambda: _greets(smtp[1], b"220"), directory / "postfix" / "log")
        clear = Target(host=HOST, port=imap, users=USERS, lmtp=(HOST, lmtp), smtp=smtp, pid=process.pid)
        yield Server(name, clear, _over_tls(clear, imaps, files.certificate))


def _postfix(directory: Path, lmtp: int) -> postfix.Postfix:
    """As its authors advise for speed; without the rest that slows down who brings mail faster than it leaves.

    Raises: NotHere.
    """
    if (why := postfix.missing()) is not None:
        raise NotHere(why)
    settings = {
        "virtual_mailbox_domains": "example.org",
        "virtual_mailbox_maps": "static:all",
        "virtual_transport": f"lmtp:inet:{HOST}:{lmtp}",
        "virtual_destination_recipient_limit": "1",
        "in_flow_delay": "0",
        "lmtp_destination_concurrency_limit": "50",
        "initial_destination_concurrency": "50",
    }
    return postfix.prepare(directory, free_ports(1)[0], settings)


def starters(directory: Path) -> tuple[Callable[[], contextlib.AbstractContextManager[Server]], ...]:
    """How mailkeep, and Dovecot in each profile, are started; again on the same data, if need be."""
    directory.mkdir(exist_ok=True)
    return (
        partial(mailkeep, directory / "mailkeep"),
        *(partial(dovecot, directory / profile, profile) for profile in Profile),
    )


def dovecot_version() -> str | None:
    """None where it is not installed."""
    if not os.access(DOVECOT, os.X_OK):
        return None
    return subprocess.run((str(DOVECOT), "--version"), capture_output=True, text=True, check=True).stdout.split()[0]


def free_ports(count: int) -> tuple[int, ...]:
    """Ports that nobody listens on at this moment."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server((HOST, 0))) for _ in range(count)]
        return tuple(probe.getsockname()[1] for probe in probes)


def _over_tls(clear: Target, port: int, ca: Path) -> Target:
    return dataclasses.replace(clear, port=port, tls=True, ca=ca)


@contextlib.contextmanager
def _stopped_at_the_end(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            text = log.read_text("utf-8", "replace") if log.exists() else ""
            raise NotHere(f"{process.args!r} does not start:\n{text[-3000:]}")
        time.sleep(0.05)


def _greets(port: int, greeting: bytes) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=5) as connection:
            return connection.recv(100).startswith(greeting)
    except OSError:
        return False
