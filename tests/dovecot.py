"""Dovecot as a second opinion: a private one, on loopback and a free port, in a directory of its own.

    with running_dovecot() as ports: …         user "ann", password "pass"

It needs root, because Dovecot changes users, and Debian's dovecot-imapd and dovecot-pop3d; `missing()` says what is
not there.
"""

from __future__ import annotations

import contextlib
import imaplib
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from typing import NamedTuple

PROGRAM = "/usr/sbin/dovecot"
USER, PASSWORD = "ann", "pass"

_CONFIG = """
base_dir = {base}/run
state_dir = {base}/run
instance_name = mailkeep-test-{port}
protocols = imap pop3
listen = 127.0.0.1
log_path = {base}/log
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
passdb {{
  driver = static
  args = password={{PLAIN}}{password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={base}/mail/%n
}}
first_valid_uid = 1
first_valid_gid = 1
mail_location = sdbox:~/sdbox
mail_fsync = never
namespace inbox {{
  inbox = yes
  separator = /
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
"""


def missing() -> str | None:
    """Why no Dovecot can run here, or None."""
    if not os.access(PROGRAM, os.X_OK) or not os.access("/usr/lib/dovecot/imap", os.X_OK):
        return "dovecot-imapd is not installed"
    if not os.access("/usr/lib/dovecot/pop3", os.X_OK):
        return "dovecot-pop3d is not installed"
    if os.geteuid() != 0:
        return "Dovecot can be started by root only"
    return None


class Ports(NamedTuple):
    """Where it listens, on 127.0.0.1."""

    imap: int
    pop3: int


@contextlib.contextmanager
def running_dovecot() -> Iterator[Ports]:
    """Start Dovecot, give its ports, stop it and remove what it wrote."""
    base = pathlib.Path(tempfile.mkdtemp(prefix="mk-dovecot-", dir="/var/tmp"))  # short: socket paths are limited
    nobody = pwd.getpwnam("nobody")
    base.chmod(0o755)
    (base / "mail").mkdir()
    os.chown(base / "mail", nobody.pw_uid, nobody.pw_gid)
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        ports = Ports(one.getsockname()[1], two.getsockname()[1])
    config = base / "dovecot.conf"
    config.write_text(
        _CONFIG.format(
            base=base, port=ports.imap, pop3=ports.pop3, password=PASSWORD, uid=nobody.pw_uid, gid=nobody.pw_gid
        ),
        "ascii",
    )
    process = subprocess.Popen([PROGRAM, "-F", "-c", config], stdin=subprocess.DEVNULL)
    try:
        _wait_for_greeting(process, ports.imap, base / "log")
        yield ports
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(base, ignore_errors=True)


def put_all(ports: Ports, mail: list[bytes]) -> None:
    """Append all to INBOX."""
    client = imaplib.IMAP4("127.0.0.1", ports.imap, timeout=60)
    client.login(USER, PASSWORD)
    for data in mail:
        _append(client, "INBOX", data)
    client.logout()


def fetch_all(ports: Ports, mailbox: str, mail: list[bytes]) -> list[bytes]:
    """Append all to a new mailbox; ``(ENVELOPE … BODYSTRUCTURE … BODY …)`` of each, as it was on the wire."""
    client = imaplib.IMAP4("127.0.0.1", ports.imap, timeout=60)
    client.login(USER, PASSWORD)
    client.create(mailbox)
    for data in mail:
        _append(client, mailbox, data)
    client.select(mailbox)
    rows = []
    for number in range(1, len(mail) + 1):
        status, parts = client.fetch(str(number), "(ENVELOPE BODYSTRUCTURE BODY)")
        assert status == "OK", parts
        whole = b"".join(b"\r\n".join(part) if isinstance(part, tuple) else part for part in parts)
        rows.append(whole[whole.index(b"(") :])
    client.logout()
    return rows


def _append(client: imaplib.IMAP4, mailbox: str, data: bytes) -> None:
    """IMAP4.append would change line ends."""
    client.literal = data  # type: ignore[attr-defined]
    status, answer = client._simple_command("APPEND", mailbox)  # type: ignore[attr-defined]
    assert status == "OK", answer


def _wait_for_greeting(process: subprocess.Popen[bytes], port: int, log: pathlib.Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            imaplib.IMAP4("127.0.0.1", port, timeout=5).logout()
        except (OSError, imaplib.IMAP4.abort):
            if process.poll() is not None or time.monotonic() > deadline:
                text = log.read_text("utf-8", "replace") if log.exists() else "no log"
                raise RuntimeError(f"Dovecot does not answer: {text}") from None
            time.sleep(0.05)
        else:
            return
