"""mailkeep init: everything that a new server needs."""

from __future__ import annotations

import datetime as dt
import os
import socket
from pathlib import Path
from typing import Annotated, Final

import typer

from mailkeep.administration import AddAccount, AddAlias, AddDomain, ShowZone
from mailkeep.certificates import ensure_self_signed, names_for
from mailkeep.cli.perform import perform
from mailkeep.cli.place import ConfigOption, DataOption
from mailkeep.cli.program import program
from mailkeep.cli.secret import PasswordFileOption, PasswordStdinOption, read_password
from mailkeep.config import CONFIG_NAME, Config, ConfigError, default_data_dir, load
from mailkeep.model.address import parse_address
from mailkeep.service.accounts import prepare_password
from mailkeep.service.addresses import POSTMASTER
from mailkeep.service.domains import domain_name
from mailkeep.service.zone import DEFAULT_CA

HIGH_PORTS: Final = 10000  # added to the standard ports for a user who may not have those


def init(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The first account, user@domain.")],
    *,
    hostname: Annotated[
        str | None, typer.Option(metavar="NAME", help="The server's own name; mail.DOMAIN if not given.")
    ] = None,
    password_stdin: PasswordStdinOption = False,
    password_file: PasswordFileOption = None,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Write a configuration and keys, make the first account, and say what to do next.  Overwrites nothing."""
    account = parse_address(address)
    domain = domain_name(account.domain)
    hostname = hostname or f"mail.{domain}"
    directory = (data or default_data_dir()).absolute()
    file = (config or directory / CONFIG_NAME).absolute()
    for existing in (file, directory / CONFIG_NAME, directory / "lock"):
        if existing.exists():
            raise ConfigError(f"{existing} exists already: nothing has been changed")
    password = read_password(address, stdin=password_stdin, file=password_file)
    prepare_password(password)  # whatever can be refused is refused before anything is written
    base = 0 if os.geteuid() == 0 else HIGH_PORTS
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(file, _text(directory, file, hostname, base))
    loaded = load(file)
    perform(loaded, AddAccount(address=address, password=password))
    perform(loaded, AddDomain(domain=domain))
    if account.local != POSTMASTER:
        perform(loaded, AddAlias(alias=f"{POSTMASTER}@{domain}", account=address))
    zone = perform(loaded, ShowZone(domain=domain, authority=DEFAULT_CA)).text
    certificate = ensure_self_signed(directory, names_for(hostname, (domain,)), dt.datetime.now(dt.UTC)).certificate
    _tell(loaded, file, address, domain, certificate, base, zone)


def _text(directory: Path, file: Path, hostname: str, base: int) -> str:
    # Beside its data, the configuration names it relatively: the directory can be moved whole.
    where = "." if file.parent == directory else directory
    return f"""\
# mailkeep's configuration.  Every option with its meaning: mailkeep config show --config {file}
# After a change: mailkeep config check, then send SIGHUP to the server.

data_dir = "{where}"
hostname = "{hostname}"

[listen]
imap = "*:{base + 143}"
imaps = "*:{base + 993}"
pop3 = "*:{base + 110}"
pop3s = "*:{base + 995}"
smtp = "*:{base + 25}"
submission = "*:{base + 587}"
submissions = "*:{base + 465}"
http = "*:{base + 80}"
https = "*:{base + 443}"
lmtp = "127.0.0.1:{base + 24}"

# Without this table mailkeep makes a self-signed certificate.
# [tls]
# certificate = "/etc/letsencrypt/live/{hostname}/fullchain.pem"
# key = "/etc/letsencrypt/live/{hostname}/privkey.pem"
"""


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("x", encoding="utf-8") as out:
        out.write(text)


def _tell(config: Config, file: Path, address: str, domain: str, certificate: Path, base: int, zone: str) -> None:
    high = (
        f"""
You are not root, so the server takes the ports {base + 143}, {base + 993} and so on instead of 143 and 993; clients
find only the standard ones by themselves, and other mail servers know port 25 alone.  Change [listen] in {file}
when it may have them.
"""
        if base
        else ""
    )
    typer.echo(
        f"""\
Configuration  {file}
Data           {config.data_dir}
Certificate    {certificate} (self-signed; better: one from a public authority, see [tls])
Account        {address}, postmaster as well
{high}
DNS records for {domain} (put this machine's address for ADDRESS; the name here is {socket.gethostname()}).
Once they are there: {program()} domain check {domain} --config {file}

{zone}
Client settings:

  user name  {address}
  IMAP       {config.hostname}, port {base + 993}, SSL/TLS   (or port {base + 143}, STARTTLS)
  SMTP       {config.hostname}, port {base + 465}, SSL/TLS   (or port {base + 587}, STARTTLS)

Mail comes in on port {base + 25}; or by LMTP, from a mail transfer agent on this machine: 127.0.0.1 port {base + 24},
or the socket {config.lmtp_socket}.

Start the server:

  {program()} serve --config {file}"""
    )
