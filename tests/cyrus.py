"""Cyrus as a further opinion: a private one, on loopback and a free port, in a directory of its own.

    with running_cyrus() as port: …          any user, any password

It needs root, because Cyrus changes users, and Debian's packages unpacked under build/cyrus, as script/tests-setup
does (installed they would exclude Dovecot); `missing()` says what is not there.
"""

from __future__ import annotations

import contextlib
import imaplib
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).parents[1] / "build/cyrus"
PROGRAMS = ROOT / "usr/lib/cyrus/bin"
OWNER = "mail"

_IMAPD = """
configdirectory: {base}/config
proc_path: {base}/proc
mboxname_lockpath: {base}/lock
partition-default: {base}/spool
lmtpsocket: {base}/lmtp
idlesocket: {base}/idle
notifysocket: {base}/notify
cyrus_user: {owner}
cyrus_group: {owner}
servername: localhost
unixhierarchysep: yes
altnamespace: yes
umask: 077
allowplaintext: yes
sasl_pwcheck_method: alwaystrue
sasl_mech_list: PLAIN
autocreate_quota: 0
statuscache: yes
conversations: yes
expunge_mode: immediate
delete_mode: immediate
"""

_MASTER = """
START {{
  recover cmd="{programs}/ctl_cyrusdb -C {base}/imapd.conf -r"
}}
DAEMON {{
  idled cmd="{programs}/idled -C {base}/imapd.conf"
}}
SERVICES {{
  imap cmd="{programs}/imapd -C {base}/imapd.conf" listen="127.0.0.1:{port}" prefork=1 proto="tcp4"
}}
EVENTS {{
}}
"""


def missing() -> str | None:
    """Why no Cyrus can run here, or None."""
    if not os.access(PROGRAMS / "imapd", os.X_OK):
        return "Cyrus is not in build/cyrus; script/tests-setup unpacks it there as root on Debian"
    if os.geteuid() != 0:
        return "Cyrus can be started by root only"
    return None


@contextlib.contextmanager
def running_cyrus() -> Iterator[int]:
    """Start Cyrus, give the port of its IMAP, stop it and remove what it wrote."""
    base = pathlib.Path(tempfile.mkdtemp(prefix="mk-cyrus-", dir="/var/tmp"))  # short: socket paths are limited
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    _prepare(base, port)
    command = [PROGRAMS / "master", "-C", base / "imapd.conf", "-M", base / "cyrus.conf", "-p", base / "pid"]
    with (base / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_environment(), start_new_session=True
        )
    try:
        _wait_for_greeting(process, port, base / "log")
        yield port
    finally:
        _stop(process)
        shutil.rmtree(base, ignore_errors=True)


def _environment() -> dict[str, str]:
    return {**os.environ, "LD_LIBRARY_PATH": str(ROOT / "usr/lib/x86_64-linux-gnu")}


def _prepare(base: pathlib.Path, port: int) -> None:
    (base / "imapd.conf").write_text(_IMAPD.format(base=base, owner=OWNER))
    (base / "cyrus.conf").write_text(_MASTER.format(base=base, port=port, programs=PROGRAMS))
    for name in ("config", "config/socket", "proc", "lock", "spool"):
        (base / name).mkdir()
    owner = pwd.getpwnam(OWNER)
    for path in (base, *base.rglob("*")):
        os.chown(path, owner.pw_uid, owner.pw_gid)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """SIGQUIT lets it end its children; whatever is left of its own session is killed."""
    process.send_signal(signal.SIGQUIT)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.terminate()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(5)


def _wait_for_greeting(process: subprocess.Popen[bytes], port: int, log: pathlib.Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            imaplib.IMAP4("127.0.0.1", port, timeout=5).logout()
        except (OSError, imaplib.IMAP4.abort):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Cyrus does not answer: {log.read_text('utf-8', 'replace')}") from None
            time.sleep(0.05)
        else:
            return
