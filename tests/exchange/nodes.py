"""The mail servers that exchange mail: each can be killed at any moment, started again, and asked what it has."""

from __future__ import annotations

import contextlib
import imaplib
import json
import os
import random
import re
import signal
import smtplib
import ssl
import subprocess
import sys
import time
import urllib.request
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from bench import postfix

START_S = 60.0
PASSWORD = "pass-of-the-exchange"
USERS = ("u1", "u2", "u3")


@dataclass(frozen=True, slots=True)
class Found:
    """A message in somebody's mailbox.  `arrived_at`: UTC seconds."""

    octets: bytes
    arrived_at: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is: domain, name and address of its host."""

    domain: str
    address: str

    @property
    def hostname(self) -> str:
        return f"mx.{self.domain}"


class Node(ABC):
    """A mail server of one domain, with accounts `USERS`."""

    def __init__(self, place: Place, port: int) -> None:
        self.place = place
        self.port = port
        self.kills: list[float] = []
        self.process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def start(self) -> None:
        """Start, and wait until it takes mail."""

    @abstractmethod
    def session(self, user: str) -> smtplib.SMTP:
        """An SMTP session in which that user sends."""

    @abstractmethod
    def queued(self) -> int:
        """Messages in its queue."""

    @abstractmethod
    def retry(self) -> None:
        """Try everything in the queue now."""

    @abstractmethod
    def mail(self, user: str) -> Iterator[Found]:
        """All that is in the user's INBOX."""

    @abstractmethod
    def log(self) -> str:
        """What it logged."""

    def commits(self) -> dict[tuple[str, str], list[float]]:
        """When it wrote down that another host has taken a message: by queue id and recipient; none if it does not say.

        UTC seconds.
        """
        return {}

    def kill(self) -> None:
        """SIGKILL for all its processes; when that was is noted."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.kills.append(time.time())
        self.process.wait()

    def kill_part(self, chance: random.Random) -> bool:
        """SIGKILL for one of several processes, which the others replace; False: there are no such."""
        return False

    def stop(self) -> None:
        """At the end."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()


class PostfixNode(Node):
    """Debian's Postfix, which puts mail into Maildirs.  `routes`: where other domains are; `settings` go
    before ours."""

    def __init__(
        self,
        place: Place,
        port: int,
        base: Path,
        routes: list[Place],
        forwards: dict[str, str],
        settings: dict[str, str] | None = None,
    ) -> None:
        super().__init__(place, port)
        self.base = base
        etc = base / "etc"
        self._postfix = postfix.prepare(
            base,
            port,
            {
                "myhostname": place.hostname,
                "virtual_mailbox_domains": place.domain,
                "virtual_mailbox_base": str(base / "mail"),
                "virtual_mailbox_maps": f"texthash:{etc}/mailboxes",
                "virtual_alias_maps": f"texthash:{etc}/aliases",
                "virtual_uid_maps": "static:65534",
                "virtual_gid_maps": "static:65534",
                "virtual_minimum_uid": "1",
                "transport_maps": f"texthash:{etc}/transport",
                "queue_run_delay": "1s",
                "minimal_backoff_time": "1s",
                "maximal_backoff_time": "2s",
                "smtp_connect_timeout": "5s",
                "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
                **(settings or {}),
            },
            place.address,
        )
        (base / "mail").mkdir(exist_ok=True)
        os.chown(base / "mail", 65534, 65534)
        self._table("mailboxes", {f"{user}@{place.domain}": f"{user}/" for user in USERS})
        self._table("aliases", forwards)
        self._table("transport", {to.domain: f"smtp:[{to.address}]:{port}" for to in routes})

    def _table(self, name: str, rows: dict[str, str]) -> None:
        (self.base / "etc" / name).write_text("".join(f"{key} {value}\n" for key, value in rows.items()), "ascii")

    def start(self) -> None:
        self.process = postfix.start(self._postfix)
        postfix.wait_until_it_greets(self.process, self._postfix)

    def session(self, user: str) -> smtplib.SMTP:
        session = smtplib.SMTP(self.place.address, self.port, timeout=30, source_address=(self.place.address, 0))
        session.ehlo("client.example")
        return session

    def queued(self) -> int:
        return len(self._postfix.queue())

    def retry(self) -> None:
        self._postfix.flush()

    def mail(self, user: str) -> Iterator[Found]:
        for where in ("new", "cur"):
            for path in sorted((self.base / "mail" / user / where).glob("*")):
                yield Found(path.read_bytes().replace(b"\n", b"\r\n"), path.stat().st_mtime)

    def log(self) -> str:
        return self._postfix.log


class MailkeepNode(Node):
    """mailkeep with a data directory of its own.  `ports`: of submission, IMAP, metrics."""

    def __init__(
        self, place: Place, port: int, base: Path, name_server: tuple[str, int], ports: list[int], *, workers: int = 1
    ) -> None:
        super().__init__(place, port)
        self.base = base
        self.data = base / "data"
        self._workers = workers
        base.mkdir(parents=True)
        self._submissions, self.imaps, self._metrics = ports
        self.tls = ssl.create_default_context()
        self.tls.check_hostname = False
        self.tls.verify_mode = ssl.CERT_NONE
        self.config = base / "mailkeep.toml"
        self.config.write_text(
            f"""
            data_dir = "{self.data}"
            hostname = "{place.hostname}"
            workers = {workers}
            [listen]
            imap = ""
            imaps = "{place.address}:{self.imaps}"
            pop3 = ""
            pop3s = ""
            http = ""
            https = ""
            lmtp = ""
            smtp = "{place.address}:{port}"
            submission = ""
            submissions = "{place.address}:{self._submissions}"
            [dns]
            nameservers = ["{name_server[0]}:{name_server[1]}"]
            [queue]
            retry = ["1s", "1s", "2s"]
            [outbound]
            port = {port}
            [log]
            level = "info"
            format = "json"
            [metrics]
            listen = "{place.address}:{self._metrics}"
            """,
            "utf-8",
        )
        for user in USERS:
            self.run("account", "add", f"{user}@{place.domain}", "--password-stdin", stdin=PASSWORD + "\n")

    def run(self, *arguments: str, stdin: str = "") -> str:
        """A command of the program; gives what it prints."""
        done = subprocess.run(
            (sys.executable, "-m", "mailkeep", *arguments, "--config", str(self.config)),
            input=stdin, capture_output=True, text=True, timeout=START_S,
        )  # fmt: skip
        assert done.returncode == 0, f"mailkeep {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self) -> None:
        ready = self.base / "ready.json"
        ready.unlink(missing_ok=True)
        with (self.base / "log").open("ab") as log:
            self.process = subprocess.Popen(
                (sys.executable, "-m", "mailkeep", "serve", "--config", self.config, "--ready-file", ready),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + START_S
        while not ready.exists():
            assert self.process.poll() is None, f"mailkeep ended:\n{self.log()[-3000:]}"
            assert time.monotonic() < deadline, f"mailkeep does not start:\n{self.log()[-3000:]}"
            time.sleep(0.02)

    def kill_part(self, chance: random.Random) -> bool:
        assert self.process is not None
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if self._workers == 1 or not children:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(chance.choice(children)), signal.SIGKILL)
        self.kills.append(time.time())
        return True

    def session(self, user: str) -> smtplib.SMTP:
        address = f"{user}@{self.place.domain}"
        session = smtplib.SMTP_SSL(self.place.address, self._submissions, timeout=30, context=self.tls)
        session.login(address, PASSWORD)
        return session

    def queued(self) -> int:
        with urllib.request.urlopen(f"http://{self.place.address}:{self._metrics}/metrics", timeout=30) as answer:
            found = re.search(rb"^mailkeep_queue_messages (\d+)", answer.read(), re.MULTILINE)
        assert found is not None
        return int(found[1])

    def retry(self) -> None:
        """It does so by itself, in a second or two."""

    def mail(self, user: str) -> Iterator[Found]:
        client = imaplib.IMAP4_SSL(self.place.address, self.imaps, ssl_context=self.tls, timeout=60)
        with client:
            client.login(f"{user}@{self.place.domain}", PASSWORD)
            client.select("INBOX", readonly=True)
            _, rows = client.fetch("1:*", "(INTERNALDATE BODY.PEEK[])")
            for row in rows:
                if isinstance(row, tuple):
                    date = row[0].partition(b'INTERNALDATE "')[2].partition(b'"')[0].decode().strip()
                    yield Found(row[1], parsedate_to_datetime(date.replace("-", " ")).timestamp())

    def log(self) -> str:
        path = self.base / "log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def commits(self) -> dict[tuple[str, str], list[float]]:
        found: dict[tuple[str, str], list[float]] = defaultdict(list)
        answered: dict[tuple[str, int], set[str]] = defaultdict(set)  # by id and leg: who was taken in the last attempt
        for line in self.log().splitlines():
            if '"queue.answered"' in line:
                event = json.loads(line)
                taken = answered[event["id"], event["leg"]]
                (taken.add if event["outcome"] == "delivered" else taken.discard)(event["recipient"])
            elif '"queue.settled"' in line:
                event = json.loads(line)
                at = datetime.fromisoformat(event["timestamp"]).timestamp()
                for recipient in answered.pop((event["id"], event["leg"]), ()):
                    found[event["id"], recipient].append(at)
        return found
