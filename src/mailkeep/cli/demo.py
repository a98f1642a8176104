"""mailkeep demo: a server to try things on."""

from __future__ import annotations

import contextlib
import datetime as dt
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from mailkeep import telemetry
from mailkeep.cli.program import program
from mailkeep.cli.running import ReadyFileOption, WorkersOption, run, run_server
from mailkeep.cli.sample_mail import Sample, sample_mail
from mailkeep.config import KEEP_IN, Address, Auth, Config, Listen, Log, Metrics, read_address
from mailkeep.model.address import parse_address
from mailkeep.model.errors import AlreadyExists, NotFound
from mailkeep.model.flags import System
from mailkeep.model.ids import AccountId
from mailkeep.server import Server
from mailkeep.service.addresses import POSTMASTER
from mailkeep.service.messages import Flags, Incoming
from mailkeep.sockets import BindError

DEMO_USER: Final = "demo@example.org"
PORT_BASE: Final = 10000  # + 143, 993, 25, …: the standard ports, out of the reserved range
HOST: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Login:
    """An account to be served."""

    address: str
    password: str


def demo(
    *,
    port_base: Annotated[
        int,
        typer.Option(
            min=0,
            max=64000,
            help="Added to the standard ports 143 and 993 (IMAP), 25, 587 and 465 (SMTP), 24 (LMTP);"
            " 0 = any free port for each.",
        ),
    ] = PORT_BASE,
    account: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS:PASSWORD",
            help="Serve this account, empty, instead of one with sample mail; may be repeated."
            "  One that exists keeps its mail and gets this password.",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Keep the data in DIR, and serve what is there; else it goes with the server."
        ),
    ] = None,
    workers: WorkersOption = None,
    metrics: Annotated[
        Address | None,
        typer.Option(
            metavar="HOST:PORT", parser=read_address, help="Answer GET /metrics there, over HTTP.", show_default=False
        ),
    ] = None,
    ready_file: ReadyFileOption = None,
) -> None:
    """Run a server with a demo account on high ports of this machine, until Ctrl-C."""
    logins = tuple(_parse_login(text) for text in account or ())
    telemetry.configure("warning")
    with _directory(data) as directory:
        config = Config(
            data_dir=directory,
            listen=_listen(port_base),
            log=Log(level="warning"),
            workers=workers or 1,
            auth=Auth(scram=True),
            relay=KEEP_IN,
            metrics=Metrics(listen=metrics),
        )
        shown = logins or (Login(DEMO_USER, _demo_password(directory)),)
        serving = run_server(
            config,
            prepare=partial(_prepare, logins=logins, shown=shown[0]),
            announce=partial(_announce, logins=shown, kept=data is not None),
            ready_file=ready_file.absolute() if ready_file else None,
            reread=lambda: config,
        )
        try:
            run(serving)
        except BindError as error:
            raise BindError(f"{error}; `--port-base 0` takes any free ports") from error
    typer.echo("Stopped." if data else "Stopped; its data is removed.")


def _parse_login(text: str) -> Login:
    address, colon, password = text.partition(":")
    if not colon or "@" not in address or not password:
        raise typer.BadParameter(f"{text!r} is not ADDRESS:PASSWORD", param_hint="--account")
    return Login(address, password)


def _listen(port_base: int) -> Listen:
    def at(standard: int) -> Address:
        return Address(HOST, port_base + standard if port_base else 0)

    return Listen(
        imap=at(143),
        imaps=at(993),
        pop3=at(110),
        pop3s=at(995),
        lmtp=at(24),
        smtp=at(25),
        submission=at(587),
        submissions=at(465),
        http=at(80),
        https=at(443),
    )


@contextlib.contextmanager
def _directory(kept: Path | None) -> Iterator[Path]:
    """The data directory: `kept`, or a temporary one that is removed at the end."""
    if kept is not None:
        yield kept.absolute()
        return
    directory = Path(tempfile.mkdtemp(prefix="mailkeep-demo-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _demo_password(directory: Path) -> str:
    """A password that is easy to type; the same at every start on the same data."""
    file = directory / "demo-password"
    with contextlib.suppress(FileNotFoundError):
        return file.read_text("ascii").strip()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    password = secrets.token_hex(4)
    file.touch(mode=0o600)
    file.write_text(password + "\n", "ascii")
    return password


async def _prepare(server: Server, *, logins: tuple[Login, ...], shown: Login) -> dict[str, str]:
    for login in logins:
        await _ensure(server, login)
    if not logins and await _ensure(server, shown):
        await _fill(server, server.accounts.get(shown.address).id)
    await _ensure_domain(server, shown.address)
    server.refresh_certificate()
    return {"user": shown.address, "password": shown.password}


async def _ensure(server: Server, login: Login) -> bool:
    """Make the account, or give the one that exists its password.  Returns: whether it is new."""
    try:
        await server.accounts.create(login.address, login.password)
    except AlreadyExists:
        await server.accounts.set_password(login.address, login.password)
        return False
    return True


async def _ensure_domain(server: Server, address: str) -> None:
    """Mail from the domain of this account is signed; the account is postmaster if nobody else is."""
    domain = parse_address(address).domain
    if domain.startswith("["):
        return
    await server.offices.domains.ensure(domain)
    try:
        server.offices.addresses.resolve(f"{POSTMASTER}@{domain}")
    except NotFound:
        server.offices.addresses.add_alias(f"{POSTMASTER}@{domain}", address)


async def _fill(server: Server, account: AccountId) -> None:
    """Put the sample mail into a new account."""
    for sample in sample_mail(DEMO_USER, dt.datetime.now(dt.UTC)):
        mailbox = await server.offices.mailboxes.find(account, sample.mailbox)
        if mailbox is None:
            mailbox = await server.offices.mailboxes.create(account, sample.mailbox)
        await server.offices.messages.append(account, mailbox.id, (_incoming(server, sample),))


def _incoming(server: Server, sample: Sample) -> Incoming:
    spool = server.offices.spool()
    spool.write(sample.octets)
    mask = 0
    for flag in sample.flags:
        if flag.startswith("\\"):
            mask |= System[flag[1:].upper()]
    keywords = tuple(flag for flag in sample.flags if not flag.startswith("\\"))
    return Incoming(octets=spool.finish(), flags=Flags(mask, keywords), internaldate=int(sample.at.timestamp()))


def _announce(server: Server, *, logins: tuple[Login, ...], kept: bool) -> None:
    at = server.endpoints
    imap, imaps, pop3, pop3s, lmtp, smtp, submission, submissions, https = (
        where[1]
        for where in (
            at.imap,
            at.imaps,
            at.pop3,
            at.pop3s,
            at.lmtp,
            at.smtp,
            at.submission,
            at.submissions,
            at.https,
        )
        if where
    )
    ca, user, password = server.certificate, logins[0].address, logins[0].password
    accounts = "\n".join(f"  user {login.address}   password {login.password}" for login in logins)
    data = server.config.data_dir
    typer.echo(
        f"""\
mailkeep is running on {HOST}.

{accounts}
  IMAP over TLS   {HOST} port {imaps}
  IMAP, STARTTLS  {HOST} port {imap}
  POP3 over TLS   {HOST} port {pop3s}   (STLS: port {pop3})
  SMTP over TLS   {HOST} port {submissions}   (to send; STARTTLS: port {submission})
  SMTP            {HOST} port {smtp}   (for other mail servers)
  LMTP            {HOST} port {lmtp}
  web             https://localhost:{https}/
  certificate     {ca}
  data            {data}{"" if kept else "  (removed at the end; --data DIR keeps it)"}

curl:
  curl --cacert {ca} -u '{user}:{password}' 'imaps://localhost:{imaps}/INBOX;UID=1'
  curl --cacert {ca} -u '{user}:{password}' 'imaps://localhost:{imaps}/INBOX?SUBJECT%20hedge'
  curl --cacert {ca} -u '{user}:{password}' 'pop3s://localhost:{pop3s}/1'

mutt:
  mutt -n -F /dev/null -e 'set imap_user="{user}" imap_pass="{password}" certificate_file="{ca}" \\
    folder="imaps://localhost:{imaps}/" spoolfile="+INBOX"'

mbsync, as the file of `mbsync -c FILE -a` (first: mkdir ~/demo-mail):
  IMAPStore demo
  Host localhost
  Port {imaps}
  User {user}
  Pass {password}
  SSLType IMAPS
  CertificateFile {ca}

  MaildirStore local
  Path ~/demo-mail/
  Inbox ~/demo-mail/INBOX
  SubFolders Verbatim

  Channel demo
  Far :demo:
  Near :local:
  Patterns *
  Create Near

Thunderbird: new account {user}, configure manually: IMAP, localhost, port {imaps}, SSL/TLS, normal password;
accept the certificate when asked.  To send: SMTP, localhost, port {submissions}, SSL/TLS, normal password.

Send mail, to accounts of the demo; for anybody else it waits in the queue and never leaves:
  printf 'Subject: Hello\\n\\nFrom me.\\n' | curl --crlf --cacert {ca} -u '{user}:{password}' \\
    --mail-from '{user}' --mail-rcpt '{user}' -T - smtps://localhost:{submissions}

Deliver mail:
  printf 'Subject: Hello\\n\\nJust in.\\n' | {program()} deliver --to {user} --data {data}

Ctrl-C stops it."""
    )
