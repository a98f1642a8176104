"""What will be made of a new server: agreed on whole, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mailkeep.certificates import CertificateFiles
from mailkeep.cli.guide import STDOUT
from mailkeep.cli.layout import Listener
from mailkeep.config import quoted
from mailkeep.model.address import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`files`: a certificate that there is; `unit`: where a unit of systemd goes, `STDOUT` prints it; it has `user`."""

    address: Address
    password: str
    domain: str
    hostname: str
    directory: Path
    file: Path
    files: CertificateFiles | None
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
            ("certificate", str(self.files.certificate) if self.files else "self-signed, made now"),
        ]
        if self.unit is not None:
            rows.append(("unit", "printed" if self.unit == STDOUT else f"{self.unit}, as user {self.user}"))
        return "\n".join(f"  {what:12} {text}" for what, text in rows)

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
        if self.files is not None:
            certificate, key = str(self.files.certificate), str(self.files.key)
            return f"[tls]\ncertificate = {quoted(certificate)}\nkey = {quoted(key)}\n"
        return f"""\
# Without this table mailkeep makes a self-signed certificate.
# [tls]
# certificate = "/etc/letsencrypt/live/{self.hostname}/fullchain.pem"
# key = "/etc/letsencrypt/live/{self.hostname}/privkey.pem"
"""
