"""mailkeep doctor: is everything as a mail server needs it, and what is to be done?"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import groupby
from typing import Annotated, Final

import typer

from mailkeep.acme.office import Report, Source
from mailkeep.administration import CheckDomain, FindingLine, ListAccounts, ListDomains, ListQueue, QueuedLine
from mailkeep.cli.count import count
from mailkeep.cli.perform import perform
from mailkeep.cli.place import ConfigOption, DataOption, Place, find_place
from mailkeep.cli.program import program
from mailkeep.config import Address, Config
from mailkeep.control import OutcomeUnknown
from mailkeep.doctor import Area, Finding, Level
from mailkeep.doctor.certificate import Wanted, check_certificate, check_issued, check_readable, check_served
from mailkeep.doctor.clock import check_clock, data_files
from mailkeep.doctor.databases import check_databases
from mailkeep.doctor.disk import check_disk
from mailkeep.doctor.limits import check_limits
from mailkeep.doctor.ports import Answer, ask_all, check_free, check_reach, check_running, check_standard
from mailkeep.doctor.ports import Place as Listener
from mailkeep.doctor.server import Found, check_server, find_server
from mailkeep.issuing import build_certificates
from mailkeep.lock import Locked
from mailkeep.model.errors import MailError
from mailkeep.net.resolver import DnsFault, Resolver
from mailkeep.offices import build_resolver
from mailkeep.service.wellknown import web_hosts
from mailkeep.service.zone import DEFAULT_CA

MAX_DOMAINS: Final = 50  # that are looked up in DNS
MAX_QUEUED: Final = 1000  # messages of the queue that are looked at
WIDEST: Final = 40  # column of subjects; longer ones push their text to the right
MANY_ATTEMPTS: Final = 3  # by then it is not a passing fault

LEVELS: Final = {
    "good": Level.GOOD,
    "advice": Level.ADVICE,
    "missing": Level.FAULT,
    "wrong": Level.FAULT,
    "unknown": Level.UNKNOWN,
}


def doctor(
    *,
    only: Annotated[
        list[Area] | None, typer.Option("--only", help="Look at this only; may be repeated.", show_default=False)
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not tell what is good.")] = False,
    time_server: Annotated[
        str, typer.Option(metavar="HOST", help="Compare the clock with this one, over NTP; none is asked otherwise.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print findings as JSON.")] = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Look at ports, certificate, DNS, clock, disk, store, limits and queue, and say what is to be done.

    Exit status 1: something is wrong.  What only gets advice works as it is.  Nothing is changed.
    """
    place = find_place(data, config).must_exist()
    found = list(examine(place, tuple(only or Area), time_server))
    if as_json:
        typer.echo(_json(found))
    else:
        for line in lines(found, quiet=quiet):
            typer.echo(line)
    if any(finding.level is Level.FAULT for finding in found):
        raise typer.Exit(1)


def examine(place: Place, areas: Sequence[Area], time_server: str = "") -> Iterator[Finding]:
    """All findings in `areas`, in their order."""
    patient = _Patient.of(place)
    looks: tuple[tuple[Area, Callable[[], Iterable[Finding]]], ...] = (
        (Area.SERVER, patient.server),
        (Area.PORTS, patient.ports),
        (Area.CERTIFICATE, patient.certificate),
        (Area.DNS, patient.dns),
        (Area.CLOCK, lambda: check_clock(time.time(), data_files(place.config.data_dir), time_server)),
        (Area.DISK, lambda: check_disk(place.config.data_dir)),
        (Area.STORE, patient.store),
        (Area.LIMITS, lambda: check_limits(patient.found.process)),
        (Area.QUEUE, patient.queue),
    )
    for area, look in looks:
        if area in areas:
            try:
                yield from look()
            except (MailError, Locked, OutcomeUnknown, OSError) as error:
                todo = "be the user who runs the server" if isinstance(error, OSError) else ""
                yield Finding(area, Level.UNKNOWN, "all", f"cannot be looked at: {error}", todo)


@dataclass(frozen=True, slots=True)
class _Patient:
    """A server, running or not; `answers` are those of its listeners, none where it does not run."""

    config: Config
    where: str  # the options by which commands find it
    found: Found
    listeners: tuple[Listener, ...]
    answers: tuple[Answer, ...]

    @classmethod
    def of(cls, place: Place) -> _Patient:
        found = find_server(place.config.control_socket)
        listeners = tuple(list_listeners(place.config))
        answers = tuple(ask_all(listeners)) if found.running else ()
        where = f"--config {place.file}" if place.file else f"--data {place.config.data_dir}"
        return cls(place.config, where, found, listeners, answers)

    @property
    def reload(self) -> str:
        """What has the server read its configuration again."""
        return f"kill -HUP {self.found.process or 'PROCESS'}"

    def _domains(self) -> list[str]:
        return [line.domain for line in perform(self.config, ListDomains()).domains] if self.has_data else []

    @property
    def has_data(self) -> bool:
        """Whether there is anything to ask about: who asks where there is nothing makes the databases, as his own."""
        return self.found.running or (self.config.data_dir / "directory.db").exists()

    def server(self) -> Iterator[Finding]:
        yield from check_server(self.found, f"{program()} serve {self.where}")
        if self.config.hostname == "localhost":
            text = 'hostname is "localhost": nobody else finds the server by that'
            yield Finding(Area.SERVER, Level.ADVICE, "hostname", text, "set hostname to its name in DNS")

    def ports(self) -> Iterator[Finding]:
        if self.found.running:
            yield from check_running(self.listeners, self.answers, self.reload)
            yield from check_reach(self.config.hostname, self._addresses(), self.listeners)
        else:
            yield from check_free(self.listeners)
        yield from check_standard(self.listeners)

    def _addresses(self) -> list[str]:
        """That DNS has for the server's name."""
        return asyncio.run(_look_up(build_resolver(self.config), self.config.hostname))

    def certificate(self) -> Iterator[Finding]:
        now = dt.datetime.now(dt.UTC)
        host, *others = build_certificates(self.config).report()
        assert host.files is not None
        elsewhere = self._web_hosts() if host.source is Source.FILES and self.config.listen.https else ()
        wanted = Wanted(self.config.hostname, elsewhere, own=host.source is Source.SELF_SIGNED)
        yield from check_certificate(host.files, wanted, now)
        yield from check_served(host.files, [answer.certificate for answer in self.answers], self.reload)
        yield from check_readable(host.files, self.config.data_dir.stat().st_uid)
        for other in others:
            if other.files is not None:
                yield from check_issued(other.files, now)
        if self.config.tls.acme:
            yield from self._asked(host, *others)

    def _asked(self, *reports: Report) -> Iterator[Finding]:
        """What an authority said, or why it is not asked."""
        if not self.config.acme.terms_agreed:
            text = "no authority is asked for certificates before you agree to its terms"
            yield Finding(Area.CERTIFICATE, Level.FAULT, "acme", text, "read them, and set acme.terms_agreed to true")
        for report in reports:
            whose = report.domain or "the server itself"
            if report.notes.fault:
                level = Level.ADVICE if report.held else Level.FAULT
                todo = f"mend that, then {program()} certificate renew {self.where}"
                yield Finding(Area.CERTIFICATE, level, whose, f"no new certificate: {report.notes.fault}", todo)
            left_out = {name: refusal.reason for name, refusal in report.notes.refused.items()} | report.notes.elsewhere
            for name, reason in left_out.items():
                text = f"{name} is not in its certificate: {reason}"
                yield Finding(Area.CERTIFICATE, Level.ADVICE, whose, text, "have DNS lead it here")

    def _web_hosts(self) -> tuple[str, ...]:
        return tuple(host for domain in self._domains()[:MAX_DOMAINS] for host in web_hosts(domain))

    def dns(self) -> Iterator[Finding]:
        domains = self._domains()
        if not domains:
            text = "no domain has been added: what accounts send is not signed"
            yield Finding(Area.DNS, Level.ADVICE, "domains", text, f"{program()} domain add DOMAIN {self.where}")
        for domain in domains[:MAX_DOMAINS]:
            answer = perform(self.config, CheckDomain(domain=domain, authority=DEFAULT_CA))
            if all(line.verdict == "unknown" for line in answer.findings):
                text = f"does not answer; domains have not been looked at, from {domain} on"
                todo = "look at /etc/resolv.conf, or at dns.nameservers of the configuration"
                yield Finding(Area.DNS, Level.FAULT, "resolver", text, todo)
                return
            todo = f"{program()} domain dns {domain} {self.where}"
            yield from (_of_dns(line, todo) for line in answer.findings)
        if len(domains) > MAX_DOMAINS:
            text = f"{count(len(domains) - MAX_DOMAINS, 'domain')} not looked at"
            yield Finding(Area.DNS, Level.UNKNOWN, "domains", text, f"{program()} domain check DOMAIN {self.where}")

    def store(self) -> Iterator[Finding]:
        yield from check_databases(self.config.data_dir)
        if not self.has_data or not perform(self.config, ListAccounts()).accounts:
            todo = f"{program()} account add ADDRESS {self.where}"
            yield Finding(Area.STORE, Level.ADVICE, "accounts", "there is none yet", todo)

    def queue(self) -> Iterator[Finding]:
        if not self.has_data:
            return
        listed = perform(self.config, ListQueue(limit=MAX_QUEUED))
        held = sum(line.held for line in listed.messages)
        stuck = [line for line in listed.messages if line.attempts >= MANY_ATTEMPTS and not line.held]
        waiting = f"{len(listed.messages)} or more messages" if listed.more else count(len(listed.messages), "message")
        if held:
            todo = f"{program()} queue list {self.where}, then release or drop them"
            yield Finding(Area.QUEUE, Level.ADVICE, "held", f"{count(held, 'message')} held", todo)
        if stuck:
            text = f"{count(len(stuck), 'message')} tried {MANY_ATTEMPTS} times or more; {_why(stuck[0])}"
            todo = f"{program()} queue list {self.where}"
            yield Finding(Area.QUEUE, Level.ADVICE, "retries", text, todo)
        else:
            yield Finding(Area.QUEUE, Level.GOOD, "retries", f"{waiting} in it, none of them for long")


def list_listeners(config: Config) -> Iterator[Listener]:
    """What the configuration has clients connect to; those at any free port have no place yet."""
    here = ip_address("127.0.0.1")
    proxied = config.listen.proxied if any(here in network for network in config.listen.proxies) else ()
    for field in dataclasses.fields(config.listen):
        address = getattr(config.listen, field.name)
        if isinstance(address, Address) and address.port:
            yield Listener(field.name, address, proxied=field.name in proxied)


async def _look_up(resolver: Resolver, name: str) -> list[str]:
    """The addresses of `name`; none where DNS does not tell, which the look at DNS says."""
    found: list[str] = []
    for kind in ("A", "AAAA"):
        with suppress(DnsFault):
            found += [record.address for record in (await resolver.look_up(name, kind)).records]
    return found


def _of_dns(line: FindingLine, todo: str) -> Finding:
    level = LEVELS[line.verdict]
    mend = todo if level in (Level.FAULT, Level.ADVICE) else ""
    return Finding(Area.DNS, level, f"{line.name} {line.kind}", line.text, mend)


def _why(line: QueuedLine) -> str:
    return f"{line.id}: {line.reason}" if line.reason else line.id


def lines(found: Iterable[Finding], *, quiet: bool) -> Iterator[str]:
    """Findings for people, by area; what is to be done stands below each; then the sum of them."""
    every = list(found)
    shown = [finding for finding in every if not quiet or finding.level is not Level.GOOD]
    width = max((len(finding.subject) for finding in shown), default=0)
    for area, group in groupby(shown, lambda finding: finding.area):
        yield f"{area}"
        told = ""
        for finding in group:
            yield _clean(f"  {_WORDS[finding.level]:7}  {finding.subject:{min(width, WIDEST)}}  {finding.text}")
            if finding.todo and finding.todo != told:
                yield _clean(f"           → {finding.todo}")
                told = finding.todo
    yield _sum(every)


def _clean(text: str) -> str:
    """For a terminal: other servers and programs have had a say in some of it."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


_WORDS: Final = {Level.GOOD: "good", Level.ADVICE: "advice", Level.UNKNOWN: "unknown", Level.FAULT: "FAULT"}


def _sum(found: Sequence[Finding]) -> str:
    faults = sum(finding.level is Level.FAULT for finding in found)
    advice = sum(finding.level is Level.ADVICE for finding in found)
    what = f"{count(faults, 'fault')}" if faults else "Nothing is wrong"
    return f"{what}; {count(advice, 'piece')} of advice."


def _json(found: Iterable[Finding]) -> str:
    every = [
        {
            "area": str(finding.area),
            "level": str(finding.level),
            "subject": finding.subject,
            "text": finding.text,
            "todo": finding.todo,
        }
        for finding in found
    ]
    good = all(finding["level"] != Level.FAULT for finding in every)
    return json.dumps({"good": good, "findings": every}, indent=2, ensure_ascii=False)
