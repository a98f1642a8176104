"""What will be made of a new server: agreed on whole, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mailkeep.cli.guide import STDOUT, Chosen, Source
from mailkeep.cli.layout import Listener
from mailkeep.config import quoted
from mailkeep.model.address import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`unit`: where a unit of systemd goes, `STDOUT` prints it; it has `user`."""

    address: Address
    password: str
    domain: str
    hostname: str
    directory: Path
    file: Path
    certificate: Chosen
    layout: tuple[Listener, ...]
    unit: Path | None
    user: str

    @property
    def ports(self) -> Mapping[str, int]:
        """By the names of listeners."""
        return {listener.name: listener.port for listener in self.layout}

    def summary(self) -> str:
        """For whoever has to agree."""
        rows = [
            ("account", str(self.address)),
            ("server", self.hostname),
            ("data", str(self.directory)),
            ("ports", ", ".join(map(str, self.ports.values()))),
            ("certificate", self._certificate()),
        ]
        if self.unit is not None:
            rows.append(("unit", "printed" if self.unit == STDOUT else f"{self.unit}, as user {self.user}"))
        warnings = [f"  {listener.warning}" for listener in self.layout if listener.warning]
        return "\n".join([*(f"  {what:12} {text}" for what, text in rows), *warnings])

    def _certificate(self) -> str:
        if self.certificate.files is not None:
            return str(self.certificate.files.certificate)
        asked = self.certificate.source is Source.ACME
        return "asked of Let's Encrypt once the server runs" if asked else "self-signed, made now"

    def configuration(self) -> str:
        """The file."""
        # Beside its data, the configuration names it relatively: the directory can be moved whole.
        where = "." if self.file.parent == self.directory else self.directory
        listen = "\n".join(listener.line for listener in self.layout)
        return f"""\
# mailkeep's configuration.  Every option with its meaning: mailkeep config show --config {self.file}
# After a change: mailkeep config check, then send SIGHUP to the server.

data_dir = {quoted(str(where))}
hostname = {quoted(self.hostname)}

[listen]
{listen}

{self._tls()}"""

    def _tls(self) -> str:
        if (files := self.certificate.files) is not None:
            return f"[tls]\ncertificate = {quoted(str(files.certificate))}\nkey = {quoted(str(files.key))}\n"
        if self.certificate.source is Source.ACME:
            return "[tls]\nacme = true\n\n[acme]\nterms_agreed = true\n"
        return f"""\
# Without this table mailkeep makes a self-signed certificate.  `acme = true` asks Let's Encrypt for one.
# [tls]
# certificate = "/etc/letsencrypt/live/{self.hostname}/fullchain.pem"
# key = "/etc/letsencrypt/live/{self.hostname}/privkey.pem"
"""
