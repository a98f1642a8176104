import datetime as dt
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.authority import Authority

from mailkeep.acme.folder import HOST, Folder, Notes, Refusal
from mailkeep.administration import AddDomain
from mailkeep.certificates import ensure_self_signed
from mailkeep.cli.doctor import examine, lines, list_listeners
from mailkeep.cli.perform import perform
from mailkeep.cli.place import Place
from mailkeep.config import FREE_PORTS, Acme, Address, Config, Dns, Listen, Tls
from mailkeep.doctor import Area, Finding, Level

NOW = dt.datetime.now(dt.UTC)


def certificates(config: Config) -> list[Finding]:
    return list(examine(Place(config, None), (Area.CERTIFICATE,)))


def config(directory: Path, *, agreed: bool = True) -> Config:
    return Config(
        data_dir=directory,
        hostname="mx.example.org",
        tls=Tls(acme=True),
        acme=Acme(terms_agreed=agreed),
        listen=FREE_PORTS,
    )


def test_what_an_authority_said_is_told(tmp_path: Path) -> None:
    ensure_self_signed(tmp_path, ("mx.example.org",), NOW)
    reason = "DNS does not know it"
    notes = Notes(fault="it says: too many", refused={"mx.example.org": Refusal(reason, 0.0)})
    Folder(tmp_path).write_notes(HOST, notes)
    told = {finding.text: finding for finding in certificates(config(tmp_path))}
    assert told["no new certificate: it says: too many"].level is Level.ADVICE  # the self-signed one is there
    assert told[f"mx.example.org is not in its certificate: {reason}"].level is Level.ADVICE


def test_an_authority_whose_terms_nobody_agreed_to_is_a_fault(tmp_path: Path) -> None:
    [fault] = [finding for finding in certificates(config(tmp_path, agreed=False)) if finding.level is Level.FAULT]
    assert "terms" in fault.text


def test_certificates_of_domains_are_looked_at(tmp_path: Path) -> None:
    _, file = Authority(tmp_path).issue("autoconfig.example.org")
    octets = file.read_bytes()
    at = octets.index(b"-----BEGIN CERT")
    held = Folder(tmp_path).keep("example.org", chain=octets[at:], key=octets[:at], names=(), now=NOW)
    told = [finding for finding in certificates(config(tmp_path)) if finding.subject == str(held.files.certificate)]
    assert Level.FAULT not in {finding.level for finding in told}
    assert told[1].text == "is for autoconfig.example.org"
    held.files.key.write_bytes(b"")
    [fault] = [finding for finding in certificates(config(tmp_path)) if finding.level is Level.FAULT]
    assert "renew" in fault.todo


def test_what_cannot_be_looked_at_is_unknown_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_directory: Path) -> list[Finding]:
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setattr("mailkeep.cli.doctor.check_disk", fails)
    disk, *limits = examine(Place(config(tmp_path), None), (Area.DISK, Area.LIMITS))
    assert (disk.level, disk.subject) == (Level.UNKNOWN, "all")
    assert limits


def test_listeners_at_fixed_ports_are_looked_at() -> None:
    listen = Listen(imap=Address("*", 143), imaps=None, http=Address("127.0.0.1", 0))
    names = {listener.name for listener in list_listeners(Config(listen=listen))}
    assert "imap" in names
    assert not names & {"imaps", "http", "lmtp_socket"}


def finding(level: Level, todo: str = "") -> Finding:
    return Finding(Area.PORTS, level, "imap *:143", "is so", todo)


def test_what_is_to_be_done_stands_below_and_is_not_repeated() -> None:
    found = [finding(Level.GOOD), finding(Level.FAULT, "do this"), finding(Level.ADVICE, "do this")]
    assert list(lines(found, quiet=True)) == [
        "ports",
        "  FAULT    imap *:143  is so",
        "           → do this",
        "  advice   imap *:143  is so",
        "1 fault; 1 piece of advice.",
    ]
    assert "  good     imap *:143  is so" in lines(found, quiet=False)


@pytest.mark.parametrize("make", [lambda _: [], lambda level: [finding(level)]], ids=["nothing", "one"])
def test_where_nothing_is_wrong_it_is_said(make: Callable[[Level], list[Finding]]) -> None:
    assert list(lines(make(Level.GOOD), quiet=True)) == ["Nothing is wrong; 0 pieces of advice."]


def test_where_dns_does_not_answer_one_fault_says_so(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind(("127.0.0.1", 0))
        silent = Address("127.0.0.1", nobody.getsockname()[1])
    place = Place(Config(data_dir=tmp_path, listen=FREE_PORTS, dns=Dns(nameservers=(silent,), timeout=1)), None)
    for domain in ("example.net", "example.org"):
        perform(place.config, AddDomain(domain=domain))
    [found] = examine(place, (Area.DNS,))
    assert (found.level, found.subject) == (Level.FAULT, "resolver")
    assert "from example.net on" in found.text


def test_what_others_say_cannot_write_to_the_terminal() -> None:
    found = Finding(Area.PORTS, Level.FAULT, "imap", "it greets with \x1b[2J", "")
    assert "  FAULT    imap  it greets with ?[2J" in lines([found], quiet=False)
