"""What a new server needs to know: from options, else by asking at the terminal, else by default."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import typer

from mailkeep.certificates import CertificateError, CertificateFiles, TlsContext
from mailkeep.cli.address import read_address
from mailkeep.cli.layout import HIGH_PORTS
from mailkeep.cli.systemd import SYSTEM_UNITS, UNIT_NAME
from mailkeep.config import ConfigError, parse
from mailkeep.doctor.ports import KINDS
from mailkeep.model.address import Address
from mailkeep.model.errors import Invalid
from mailkeep.service.domains import domain_name
from mailkeep.service.passwords import prepare_password

SERVICE_USER: Final = "mailkeep"
STDOUT: Final = Path("-")


class Ports(StrEnum):
    """Which ports the server takes."""

    STANDARD = "standard"
    HIGH = "high"


class Source(StrEnum):
    """Where a certificate comes from."""

    SELF_SIGNED = "self-signed"
    FILES = "files"
    ACME = "acme"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A certificate; `files`: those of `Source.FILES`."""

    source: Source
    files: CertificateFiles | None = None


@dataclass(frozen=True, slots=True)
class Guide:
    """Asks for what is not given; `asking` False takes what is usual instead."""

    asking: bool

    def greet(self) -> None:
        """Before the first question."""
        if self.asking:
            typer.echo("A new mail server.  Return takes what stands in brackets; Ctrl-C leaves everything as it is.\n")

    def address(self, given: str | None) -> Address:
        """Of the first account."""
        if given is not None:
            return read_address(given)
        if not self.asking:
            raise typer.BadParameter("say whose mail it is: mailkeep init you@example.org", param_hint="ADDRESS")
        found: Address = typer.prompt("Your mail address", value_proc=read_address)
        return found

    def hostname(self, given: str | None, domain: str) -> str:
        """The server's own name."""
        usual = f"mail.{domain}"
        if given is not None or not self.asking:
            return read_hostname(given or usual)
        found: str = typer.prompt("The server's own name in DNS", default=usual, value_proc=read_hostname)
        return found

    def certificate(self, given: Source | None, certificate: Path | None, key: Path | None) -> Chosen:
        """Where the certificate comes from."""
        if (certificate is None) != (key is None) or (given is Source.FILES and key is None):
            raise typer.BadParameter("give both --certificate and --key, or neither")
        if certificate is not None and given not in (None, Source.FILES):
            raise typer.BadParameter(f"--certificate names files, and --tls {given} none")
        if certificate is not None and key is not None:
            return Chosen(Source.FILES, read_files(CertificateFiles(certificate.absolute(), key.absolute())))
        if given is not None or not self.asking:
            return Chosen(given or Source.SELF_SIGNED)
        typer.echo(
            "Certificate: acme asks Let's Encrypt for one, which needs the name to lead here and port 80 or 443;\n"
            "files are of one that you have; self-signed is made here, and every client has to be told to trust it."
        )
        source = Source(typer.prompt("Certificate", default=Source.SELF_SIGNED.value, value_proc=read_source))
        if source is Source.FILES:
            return Chosen(source, _ask_files())
        if source is Source.ACME:
            typer.confirm("Do you agree to the terms of https://letsencrypt.org/repository/", abort=True)
        return Chosen(source)

    def unit(self, given: Path | None) -> Path | None:
        """Where a unit for systemd goes; `STDOUT`: it is printed; None: there is to be none."""
        if given is not None or not self.asking:
            return given if given is None or given == STDOUT else given.absolute()
        file = SYSTEM_UNITS / UNIT_NAME
        if os.geteuid() != 0 or file.exists():
            printed = typer.confirm("Print a unit, by which systemd starts the server?", default=False)
            return STDOUT if printed else None
        here = Path("/run/systemd/system").is_dir()
        return file if typer.confirm(f"Have systemd start the server ({file})?", default=here) else None

    def user(self, given: str | None) -> str:
        """Who runs the server that a unit starts; if there is none of that name, somebody has agreed to `make_user`."""
        if os.geteuid() != 0:
            return given or pwd.getpwuid(os.geteuid()).pw_name
        usual = given or SERVICE_USER
        name: str = typer.prompt("As which user", default=usual) if self.asking and given is None else usual
        if not _exists(name):
            command = " ".join(_new_user(name))
            if not self.asking or not typer.confirm(f"There is no user {name} yet.  Do {command}", default=True):
                raise typer.BadParameter(f"there is no user {name}: {command}", param_hint="--user")
        return name

    def ports(self, given: Ports | None, *, unit: bool) -> Ports:
        """Standard ones, where the server may have them."""
        if given is not None:
            return given
        usual = Ports.STANDARD if unit or may_have_low_ports() else Ports.HIGH
        if not self.asking:
            return usual
        standard, high = _shown(0), _shown(HIGH_PORTS)
        typer.echo(f"Ports: standard are {standard}, where mail programs and other servers look;")
        typer.echo(f"high are {high}, which need no right.")
        return Ports(typer.prompt("Ports", default=usual.value, value_proc=read_ports))

    def password(self, address: Address) -> str:
        """Of the first account."""
        question = f"Password for {address}"
        found: str = typer.prompt(question, hide_input=True, confirmation_prompt=True, value_proc=check_password)
        return found

    def go_on(self, summary: str) -> None:
        """The last question."""
        if self.asking:
            typer.echo(f"\n{summary}\n")
            typer.confirm("Set it up so?", default=True, abort=True)


def read_domain(address: Address) -> str:
    """The domain that will be added.  Raises: BadParameter."""
    try:
        return domain_name(address.domain)
    except Invalid as error:
        raise typer.BadParameter(f"{address}: {error.text}", param_hint="ADDRESS") from error


def check_password(text: str) -> str:
    """A password that an account may have.  Raises: BadParameter."""
    try:
        prepare_password(text)
    except Invalid as error:
        raise typer.BadParameter(error.text) from error
    return text


def read_hostname(text: str) -> str:
    """As the configuration takes it.  Raises: BadParameter."""
    try:
        return parse(f"hostname = '{text}'" if "'" not in text else "hostname = 0", Path("hostname")).hostname
    except ConfigError as error:
        raise typer.BadParameter(f"{text} is no host name in ASCII") from error


def read_ports(text: str) -> Ports:
    """Raises: BadParameter."""
    try:
        return Ports(text)
    except ValueError as error:
        raise typer.BadParameter("say standard or high") from error


def read_files(files: CertificateFiles) -> CertificateFiles:
    """Files that a server can use.  Raises: BadParameter."""
    try:
        TlsContext(files)
    except CertificateError as error:
        raise typer.BadParameter(str(error)) from error
    return files


def read_source(text: str) -> Source:
    """Raises: BadParameter."""
    try:
        return Source(text)
    except ValueError as error:
        raise typer.BadParameter("say self-signed, files or acme") from error


def _ask_files() -> CertificateFiles:
    while True:
        files = CertificateFiles(
            _ask_path("PEM file of the certificate, with its chain"), _ask_path("PEM file of its private key")
        )
        try:
            return read_files(files)
        except typer.BadParameter as error:
            typer.echo(f"Error: {error.message}.")


def _ask_path(question: str) -> Path:
    return Path(typer.prompt(question)).expanduser().absolute()


def _exists(user: str) -> bool:
    with suppress(KeyError):
        pwd.getpwnam(user)
        return True
    return False


def _new_user(name: str) -> tuple[str, ...]:
    return ("useradd", "--system", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", name)


def make_user(name: str) -> None:
    """A user of the system, if there is none of that name.  Raises: ConfigError."""
    if _exists(name):
        return
    command = _new_user(name)
    program = shutil.which(command[0], path="/usr/sbin:/sbin:/usr/bin:/bin")
    try:
        subprocess.run((program or command[0], *command[1:]), check=True)  # noqa: S603  the user has agreed to it
    except (OSError, subprocess.CalledProcessError) as error:
        raise ConfigError(f"{' '.join(command)}: {error}") from error


def _shown(base: int) -> str:
    return ", ".join(str(base + kind.port) for kind in KINDS.values() if kind.port)


def may_have_low_ports() -> bool:
    """Whether this user may take ports below 1024."""
    for port in (KINDS["imap"].port, KINDS["smtp"].port):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except PermissionError:
                return False
            except OSError:  # somebody has it: it tells nothing
                continue
            return True
    return os.geteuid() == 0
