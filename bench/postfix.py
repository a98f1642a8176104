"""A Postfix of one's own: on loopback, in a directory of its own, beside any other that the machine has."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HOST: Final = "127.0.0.1"
DAEMONS: Final = Path("/usr/lib/postfix/sbin")
START_S: Final = 20.0
STOP_S: Final = 20.0
# name, type, and how many at once; "-" stands for Postfix's own number
SERVICES: Final = """
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
pickup    unix  n - n 60 1 pickup
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
tlsmgr    unix  - - n 1000? 1 tlsmgr
smtp      unix  - - n - - smtp
lmtp      unix  - - n - - lmtp
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
virtual   unix  - n n - - virtual
showq     unix  n - n - - showq
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


def missing() -> str | None:
    """Why no Postfix can run here, or None."""
    if not os.access(DAEMONS / "master", os.X_OK):
        return "Postfix is not installed (Debian: apt-get install postfix)"
    if os.geteuid() != 0:
        return "Postfix can be started by root only"
    return None


@dataclass(frozen=True, slots=True)
class Postfix:
    """Where it listens, and what it wrote."""

    base: Path
    port: int
    host: str = HOST

    @property
    def log(self) -> str:
        """Its log so far."""
        path = self.base / "log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def queue(self) -> list[str]:
        """Of each message in the queue what `postqueue -j` says."""
        return self._run("postqueue", "-j").splitlines()

    def flush(self) -> None:
        """Try everything in the queue now."""
        self._run("postqueue", "-f")

    def send(self, sender: str, recipient: str, message: bytes) -> None:
        """As a program on its machine would."""
        self._run("sendmail", "-f", sender, "-i", recipient, stdin=message.replace(b"\r\n", b"\n"))

    def _run(self, program: str, *arguments: str, stdin: bytes = b"") -> str:
        config = str(self.base / "etc")
        done = subprocess.run(
            (f"/usr/sbin/{program}", "-C" if program == "sendmail" else "-c", config, *arguments),
            input=stdin, capture_output=True, check=True, timeout=STOP_S,
        )  # fmt: skip
        return done.stdout.decode("utf-8", "replace")


def prepare(base: Path, port: int, settings: Mapping[str, str], host: str = HOST) -> Postfix:
    """Write its configuration and make its directories; `settings` go before those of every instance."""
    owner = pwd.getpwnam("postfix")
    base.mkdir(parents=True, exist_ok=True)
    base.chmod(0o755)
    for name in ("etc", "queue", "data"):
        (base / name).mkdir(exist_ok=True)
    os.chown(base / "data", owner.pw_uid, owner.pw_gid)
    common = {
        "compatibility_level": "3.6",
        "queue_directory": str(base / "queue"),
        "data_directory": str(base / "data"),
        "daemon_directory": str(DAEMONS),
        "command_directory": "/usr/sbin",
        "maillog_file": str(base / "log"),
        "maillog_file_prefixes": str(base),
        "myhostname": "postfix.example.net",
        "inet_interfaces": HOST,
        "inet_protocols": "ipv4",
        "mynetworks": "127.0.0.0/8",
        "mydestination": "",
        "alias_maps": "",
        "alias_database": "",
        "local_transport": "error:no local mail here",
        "smtp_bind_address": host,
        "default_database_type": "texthash",
        "smtpd_client_connection_count_limit": "0",
        "smtpd_peername_lookup": "no",
        "smtp_host_lookup": "native",
        "disable_dns_lookups": "yes",
    }
    lines = [f"{name} = {value}" for name, value in {**common, **settings}.items()]
    (base / "etc" / "main.cf").write_text("\n".join(lines) + "\n", "utf-8")
    (base / "etc" / "master.cf").write_text(f"{host}:{port} inet n - n - - smtpd\n{SERVICES}", "utf-8")
    check = ("/usr/sbin/postfix", "-c", str(base / "etc"), "check")
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"Postfix does not like its configuration:\n{done.stderr}")
    return Postfix(base, port, host)


def command(postfix: Postfix) -> tuple[str, ...]:
    """What runs it in the foreground."""
    return (str(DAEMONS / "master"), "-d", "-c", str(postfix.base / "etc"))


@contextlib.contextmanager
def running(postfix: Postfix) -> Iterator[subprocess.Popen[bytes]]:
    """Start it; at the end stop it with all its processes, unless somebody has killed it before."""
    process = start(postfix)
    try:
        wait_until_it_greets(process, postfix)
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                kill(process)


def start(postfix: Postfix) -> subprocess.Popen[bytes]:
    """Without waiting for it."""
    with (postfix.base / "errors").open("ab") as errors:
        return subprocess.Popen(
            command(postfix), stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, start_new_session=True
        )


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL for it and all its processes, as if the power went."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def remove(postfix: Postfix) -> None:
    """All that it wrote."""
    shutil.rmtree(postfix.base, ignore_errors=True)


def wait_until_it_greets(process: subprocess.Popen[bytes], postfix: Postfix) -> None:
    """Raises: RuntimeError (it does not, with its log)."""
    deadline = time.monotonic() + START_S
    while True:
        try:
            with socket.create_connection((postfix.host, postfix.port), timeout=5) as connection:
                if connection.recv(100).startswith(b"220"):
                    return
        except OSError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            errors = (postfix.base / "errors").read_text("utf-8", "replace")
            raise RuntimeError(f"Postfix does not answer:\n{errors[-2000:]}{postfix.log[-2000:]}")
        time.sleep(0.05)
