"""A provider of mail as its customers find it: a server of example.org, with a certificate for all its names."""

from __future__ import annotations

import base64
import hashlib
import json
import signal
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.authority import Authority
from tests.live import PASSWORD, READY_S, STOP_S, Account, eventually, free_port, mailkeep

DOMAIN = "example.org"
HOST = f"mail.{DOMAIN}"
NAMES = (HOST, DOMAIN, *(f"{label}.{DOMAIN}" for label in ("autoconfig", "autodiscover", "ua-auto-config", "mta-sts")))
LISTENERS = ("imap", "imaps", "pop3", "pop3s", "submission", "submissions", "http", "https", "lmtp", "smtp")
ANN = Account(f"ann@{DOMAIN}", PASSWORD)


class Provider:
    """The running server: `ports` by listener, `authority` (the file of who signed its certificate), `log`, and
    `pin` (the hash of its key, by which Chromium can be told to trust it)."""

    def __init__(self, home: Path) -> None:
        authority = Authority(home)
        certificate, pem = authority.issue(*NAMES)
        key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.pin = base64.b64encode(hashlib.sha256(key).digest()).decode("ascii")
        self.authority = authority.file
        self.ports = {name: free_port() for name in LISTENERS}
        self.log = home / "log"
        self._data = home / "data"
        self._ready = home / "ready.json"
        self._data.mkdir()
        listen = "".join(f'{name} = "127.0.0.1:{port}"\n' for name, port in self.ports.items())
        (self._data / "mailkeep.toml").write_text(
            f'hostname = "{HOST}"\n'
            f"[listen]\n{listen}"
            f'[tls]\ncertificate = "{pem}"\nkey = "{pem}"\n'
            f'[web]\nnames = ["{DOMAIN} Example Mail"]\n'
            '[log]\nlevel = "debug"\nformat = "json"\n'
        )

    def start(self) -> None:
        """With one account, ANN's."""
        add = (mailkeep(), "account", "add", ANN.user, "--password-stdin", "--data", str(self._data))
        subprocess.run(add, input=f"{ANN.password}\n".encode(), check=True, capture_output=True)
        serve = (mailkeep(), "serve", "--data", str(self._data), "--ready-file", str(self._ready))
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(serve, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        eventually(self._is_ready, f"the server is ready; see {self.log}", READY_S)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(STOP_S) == 0, self.log.read_text()[-3000:]

    def get(self, path: str, *, method: str = "GET", host: str = HOST) -> httpx.Response:
        """Ask the web server over TLS, as the client of a proxy would."""
        tls = ssl.create_default_context(cafile=self.authority)
        with httpx.Client(verify=tls, trust_env=False) as client:
            url = f"https://127.0.0.1:{self.ports['https']}{path}"
            return client.request(method, url, headers={"host": host}, extensions={"sni_hostname": HOST})

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, self.log.read_text()[-3000:]
        return self._ready.exists() and bool(json.loads(self._ready.read_text()))


@contextmanager
def running_provider(home: Path) -> Iterator[Provider]:
    """A provider, until the end."""
    provider = Provider(home)
    provider.start()
    try:
        yield provider
    finally:
        provider.stop()
