"""A unit for systemd: the server as a user of its own, who may have ports below 1024 and little else."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mailkeep.config import Address, Config

SYSTEM_UNITS: Final = Path("/etc/systemd/system")
UNIT_NAME: Final = "mailkeep.service"
HOMES: Final = (Path("/home"), Path("/root"), Path("/run/user"))
BELOW: Final = 1024  # ports that need a right


@dataclass(frozen=True, slots=True)
class Unit:
    """`start`: the words of the command; `paths`: what it reads, besides the data directory, which it writes."""

    user: str
    start: tuple[str, ...]
    data: Path
    paths: tuple[Path, ...]
    low_ports: bool

    def text(self) -> str:
        """The file."""
        at_home = any(path.is_relative_to(home) for path in (self.data, *self.paths) for home in HOMES)
        right = "CAP_NET_BIND_SERVICE" if self.low_ports else ""
        return f"""\
# mailkeep as a service of systemd.  After a change of this file: systemctl daemon-reload

[Unit]
Description=mailkeep mail server
Wants=network-online.target
After=network-online.target time-sync.target

[Service]
Type=notify
User={self.user}
ExecStart={_command(self.start)}
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=2
TimeoutStopSec=30
LimitNOFILE=65536
UMask=0077

# Of the rights of root the one to take ports below 1024, if the configuration names such.
AmbientCapabilities={right}
CapabilityBoundingSet={right}
NoNewPrivileges=yes

# It sees the system, and writes to its data alone.
ProtectSystem=strict
ReadWritePaths={_path(self.data)}
ProtectHome={"read-only" if at_home else "yes"}
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProcSubset=pid
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=@system-service

[Install]
WantedBy=multi-user.target
"""


def unit_for(config: Config, file: Path | None, user: str, command: tuple[str, ...]) -> Unit:
    """The unit of a server with this configuration; `command` starts the program."""
    where = ("--config", str(file)) if file else ("--data", str(config.data_dir))
    named = (config.tls.certificate, config.tls.key, config.filter.hook, config.relay.password_file, file)
    program = Path(command[0])
    return Unit(
        user=user,
        start=(*command, "serve", *where),
        data=config.data_dir,
        paths=(program, program.resolve(), *(path for path in named if path)),
        low_ports=has_low_ports(config),
    )


def has_low_ports(config: Config) -> bool:
    """Whether a listener needs the right to take a port below 1024."""
    listen = config.listen
    addresses = (getattr(listen, name) for name in listen.__dataclass_fields__)
    return any(isinstance(address, Address) and 0 < address.port < BELOW for address in addresses)


def _command(words: tuple[str, ...]) -> str:
    """systemd reads quotes much as a shell does, and ``%`` and ``$`` as its own.  systemd.service(5)."""
    return " ".join(_word(word) for word in words)


def _word(word: str) -> str:
    plain = word.replace("%", "%%").replace("$", "$$")
    if shlex.quote(word) == word:
        return plain
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _path(path: Path) -> str:
    return _word(str(path)).replace("$$", "$")  # no variables are read in paths
