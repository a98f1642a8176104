"""Thunderbird without a screen, told what to do by Marionette: its own protocol for tests.

Marionette: on TCP, each message is JSON with its length before it: ``SIZE:[0, id, command, parameters]``, answered by
``SIZE:[1, id, error, result]``.  Scripts run as Thunderbird's own code does, with all its rights.
"""

from __future__ import annotations

import base64
import itertools
import json
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from tests.clients.programs import environment, require_client
from tests.live import eventually

START_S = 60.0
SCRIPT_S = 30.0

# What would ask a person something, or go out to the network.
QUIET = {
    "app.donation.eoy.version.viewed": 999,
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.cache.disk.enable": False,
    "datareporting.healthreport.uploadEnabled": False,
    "datareporting.policy.dataSubmissionPolicyBypassNotification": True,
    "extensions.getAddons.cache.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "extensions.update.enabled": False,
    "mail.inappnotifications.enabled": False,
    "mail.rights.override": True,
    "mail.shell.checkDefaultClient": False,
    "mail.spotlight.firstRunDone": True,
    "mail.winsearch.firstRunDone": True,
    "mailnews.start_page.enabled": False,
    "mailnews.start_page.override_url": "",
    "mailnews.start_page_override.mstone": "ignore",
    "marionette.port": 0,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.proxy.type": 0,
    "security.OCSP.enabled": 0,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.server": "",
}


class Thunderbird:
    """A Thunderbird with an empty profile under `home`, for which every name in DNS is this machine.

    `ports`: which port stands for one that cannot be chosen, like 443.  `trusted`: PEM files of authorities.
    """

    def __init__(self, home: Path, ports: Mapping[int, int], trusted: Path, **preferences: str | int | bool) -> None:
        self._profile = home / "thunderbird"
        self._profile.mkdir()
        self._log = home / "thunderbird.log"
        self._trusted = trusted
        redirected = ";".join(f"{port}={instead}" for port, instead in ports.items())
        resolved = {"network.dns.forceResolve": "127.0.0.1", "network.socket.forcePort": redirected}
        lines = (f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in (QUIET | resolved | preferences).items())
        (self._profile / "user.js").write_text("".join(lines))
        self._home = home
        self._numbers = itertools.count(1)

    def __enter__(self) -> Self:
        program = require_client("thunderbird")
        arguments = [
            program,
            "--headless",
            "--marionette",
            "-remote-allow-system-access",
            "--no-remote",
            "--profile",
            self._profile,
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                arguments,
                env=environment(self._home) | {"MOZ_HEADLESS": "1", "MOZ_CRASHREPORTER_DISABLE": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            port = eventually(self._port, "Thunderbird listens", START_S)
            self._socket = socket.create_connection(("127.0.0.1", port), timeout=START_S)
            self._file = self._socket.makefile("rb")
            self._read()  # what it says of itself
            self._command("WebDriver:NewSession", capabilities={"timeouts": {"script": int(SCRIPT_S * 1000)}})
            self._command("Marionette:SetContext", value="chrome")
            self._trust()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if hasattr(self, "_socket"):
            self._file.close()
            self._socket.close()
        self._process.kill()
        self._process.wait()

    def run(self, script: str, *arguments: object) -> Any:
        """What a piece of JavaScript gives, which may await: `arguments` are its ``arguments``."""
        wrapped = f"const done = arguments[arguments.length - 1]; (async (...arguments) => {{{script}}})(...arguments)"
        wrapped += ".then(value => done({ value }), error => done({ error: `${error}\\n${error.stack}` }))"
        answer = self._command("WebDriver:ExecuteAsyncScript", script=wrapped, args=list(arguments), newSandbox=False)
        result = answer["value"]
        assert "error" not in result, result["error"]
        return result.get("value")

    def until(self, script: str, *arguments: object, deadline_s: float = 30.0) -> Any:
        """Wait until a script gives something true; gives it."""
        return eventually(lambda: self.run(script, *arguments), script, deadline_s)

    def screenshot(self, file: Path) -> None:
        """What its window shows, as a PNG."""
        taken = self._command("WebDriver:TakeScreenshot", full=False)
        file.write_bytes(base64.b64decode(taken["value"]))

    def _port(self) -> int | None:
        code = self._process.poll()
        assert code is None, f"Thunderbird ended with {code}:\n{self._log.read_text(errors='replace')[-3000:]}"
        active = self._profile / "MarionetteActivePort"
        text = active.read_text() if active.exists() else ""
        return int(text) if text else None

    def _trust(self) -> None:
        for certificate in x509.load_pem_x509_certificates(self._trusted.read_bytes()):
            der = certificate.public_bytes(serialization.Encoding.DER)
            self.run(
                """
                const known = Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB);
                known.addCertFromBase64(arguments[0], "CT,,");
                """,
                base64.b64encode(der).decode(),
            )

    def _command(self, command: str, **parameters: object) -> Any:
        number = next(self._numbers)
        octets = json.dumps([0, number, command, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(octets), octets))
        kind, answered, error, result = self._read()
        assert (kind, answered) == (1, number)
        assert error is None, f"{command}: {error['error']}: {error['message']}"
        return result

    def _read(self) -> Any:
        size = b""
        while (octet := self._file.read(1)) != b":":
            assert octet, "Thunderbird closed the connection"
            size += octet
        return json.loads(self._file.read(int(size)))
