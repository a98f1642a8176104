"""mailkeep domain and mailkeep alias, with and without a server."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.conformance.cli.conftest import Run
from tests.dns_server import dns_server

MESSAGE = "From: ben@example.net\nSubject: Hello\n\nJust in.\n"


@pytest.fixture(params=["while the server runs", "without a server"])
def place(request: pytest.FixtureRequest, store: Path) -> Path:
    """The data directory with ann@example.org; every command must work both ways."""
    if request.param == "while the server runs":
        request.getfixturevalue("start")("serve", "--data", store)
    return store


def test_domains_are_added_listed_and_removed(mailkeep: Run, place: Path) -> None:
    added = mailkeep("domain", "add", "Example.net", "--data", place)
    assert added.returncode == 0, added.stderr
    assert "domain dns" in added.stdout
    again = mailkeep("domain", "add", "example.net", "--data", place)
    assert (again.returncode, again.stderr) == (1, "mailkeep: The domain has been added already.\n")
    mailkeep("alias", "add", "x@example.net", "ann@example.org", "--data", place)
    [listed] = mailkeep("domain", "list", "--data", place).stdout.splitlines()
    assert listed.startswith("example.net  0 accounts  1 alias  keys ")
    refused = mailkeep("domain", "remove", "example.net", "--data", place)
    assert (refused.returncode, refused.stderr) == (1, "mailkeep: The domain has aliases: remove them first.\n")
    mailkeep("alias", "remove", "x@example.net", "--data", place)
    assert mailkeep("domain", "remove", "example.net", "--data", place).returncode == 0
    assert mailkeep("domain", "list", "--data", place).stdout == ""


def test_mail_goes_where_an_alias_and_the_catch_all_lead(mailkeep: Run, place: Path) -> None:
    mailkeep("account", "add", "ben@example.org", "--data", place, "--password-stdin", stdin="b\n")
    for alias, *accounts in (
        ("team@example.org", "ann@example.org", "ben@example.org"),
        ("@example.org", "ben@example.org"),
    ):
        added = mailkeep("alias", "add", alias, *accounts, "--data", place)
        assert added.returncode == 0, added.stderr
    assert [line.split() for line in mailkeep("alias", "list", "--data", place).stdout.splitlines()] == [
        ["@example.org", "ben@example.org"],
        ["team@example.org", "ann@example.org"],
        ["team@example.org", "ben@example.org"],
    ]
    for to in ("Team+x@example.org", "whoever@example.org"):
        delivered = mailkeep("deliver", "--to", to, "--data", place, stdin=MESSAGE)
        assert delivered.returncode == 0, delivered.stderr
    shown = [line.split("  ")[3] for line in mailkeep("account", "list", "--data", place).stdout.splitlines()]
    assert shown == ["1 message", "2 messages"]


def test_an_alias_is_taken_away_from_one_or_from_all(mailkeep: Run, place: Path) -> None:
    mailkeep("alias", "add", "x@example.org", "ann@example.org", "--data", place)
    unknown = mailkeep("alias", "remove", "x@example.org", "eve@example.org", "--data", place)
    assert (unknown.returncode, unknown.stderr) == (1, "mailkeep: There is no account eve@example.org.\n")
    removed = mailkeep("alias", "remove", "x@example.org", "ann@example.org", "--data", place)
    assert removed.stdout == "x@example.org leads to ann@example.org no more.\n"
    assert mailkeep("alias", "remove", "x@example.org", "--data", place).stderr == "mailkeep: No such alias.\n"


def test_whoever_removes_an_account_is_told_which_addresses_go_with_it(mailkeep: Run, place: Path) -> None:
    mailkeep("account", "add", "ben@example.org", "--data", place, "--password-stdin", stdin="b\n")
    mailkeep("alias", "add", "sales@example.org", "ben@example.org", "--data", place)
    mailkeep("alias", "add", "team@example.org", "ann@example.org", "ben@example.org", "--data", place)
    removed = mailkeep("account", "remove", "Ben@example.org", "--yes", "--data", place)
    assert removed.stdout.splitlines()[1:] == ["Aliases that led to it alone are gone: sales@example.org"]
    left = mailkeep("alias", "list", "--data", place).stdout.split()
    assert left == ["team@example.org", "ann@example.org"]


def test_an_alias_to_elsewhere_is_refused(mailkeep: Run, place: Path) -> None:
    refused = mailkeep("alias", "add", "x@example.org", "joe@example.com", "--data", place)
    assert "an alias leads to accounts of this server" in refused.stderr
    refused = mailkeep("alias", "add", "x@example.com", "ann@example.org", "--data", place)
    assert "example.com is no domain of this server: add it first" in refused.stderr


def test_the_fragment_that_is_printed_passes_the_check_once_dns_says_it(mailkeep: Run, store: Path) -> None:
    with (store / "mailkeep.toml").open("a", encoding="utf-8") as config, dns_server("a.example. A 192.0.2.1") as dns:
        config.write(f'[dns]\nnameservers = ["{dns.host}:{dns.port}"]\n')
        config.flush()
        mailkeep("domain", "add", "example.org", "--data", store)
        before = mailkeep("domain", "check", "example.org", "--data", store)
        assert before.returncode == 1
        assert "missing  example.org MX  no mail comes here without it: 10 " in before.stdout
        fragment = mailkeep("domain", "dns", "example.org", "--ca", "ca.example", "--data", store).stdout
        [host] = {line.split()[-1] for line in fragment.splitlines() if " MX " in line}
        dns.zones(f"{fragment}\n{host} A 192.0.2.1\n1.2.0.192.in-addr.arpa. PTR {host}\n")
        after = mailkeep("domain", "check", "example.org", "--ca", "ca.example", "--data", store)
        assert after.returncode == 0, after.stdout
        assert {line.split()[0] for line in after.stdout.splitlines()} == {"good"}


def test_new_keys_sign_once_dns_has_them(mailkeep: Run, place: Path) -> None:
    mailkeep("domain", "add", "example.org", "--data", place)
    made = mailkeep("domain", "new-keys", "example.org", "--data", place)
    assert made.stdout.count("._domainkey.example.org. IN TXT") == 2
    refused = mailkeep("domain", "new-keys", "example.org", "--data", place)
    assert refused.stderr == "mailkeep: New keys are waiting already.\n"
    assert mailkeep("domain", "dns", "example.org", "--data", place).stdout.count("._domainkey.") == 4
    old = mailkeep("domain", "list", "--data", place).stdout
    turned = mailkeep("domain", "turn-keys", "example.org", "--unchecked", "--data", place)
    assert turned.returncode == 0, turned.stderr
    new = mailkeep("domain", "list", "--data", place).stdout
    assert not set(old.partition("keys")[2].split()) & set(new.partition("keys")[2].split())
    assert mailkeep("domain", "turn-keys", "example.org", "--data", place).returncode == 1


def test_keys_that_dns_does_not_have_are_not_turned_to(mailkeep: Run, store: Path) -> None:
    with (store / "mailkeep.toml").open("a", encoding="utf-8") as config, dns_server("a.example. A 192.0.2.1") as dns:
        config.write(f'[dns]\nnameservers = ["{dns.host}:{dns.port}"]\n')
        config.flush()
        mailkeep("domain", "add", "example.org", "--data", store)
        records = mailkeep("domain", "new-keys", "example.org", "--data", store).stdout.rpartition("When")[0]
        refused = mailkeep("domain", "turn-keys", "example.org", "--data", store)
        assert refused.returncode == 1
        assert "signatures cannot be checked without it" in refused.stderr
        dns.zones(records)
        assert mailkeep("domain", "turn-keys", "example.org", "--data", store).returncode == 0


def test_of_a_domain_that_has_not_been_added_nothing_is_said(mailkeep: Run, place: Path) -> None:
    for command in ("dns", "check", "new-keys", "turn-keys"):
        refused = mailkeep("domain", command, "example.com", "--data", place)
        assert (refused.returncode, refused.stderr) == (1, "mailkeep: No domain example.com has been added.\n")


def test_an_authority_is_a_name(mailkeep: Run, store: Path) -> None:
    mailkeep("domain", "add", "example.org", "--data", store)
    refused = mailkeep("domain", "dns", "example.org", "--ca", 'x" evil', "--data", store)
    assert (refused.returncode, refused.stderr) == (1, "mailkeep: The domain is not valid.\n")
    assert "CAA" not in mailkeep("domain", "dns", "example.org", "--ca", "", "--data", store).stdout


def test_files_for_a_web_server_are_written_once(mailkeep: Run, store: Path, tmp_path: Path) -> None:
    mailkeep("domain", "add", "example.org", "--data", store)
    written = mailkeep("domain", "web", "example.org", tmp_path / "www", "--data", store)
    assert written.returncode == 0, written.stderr
    policy = tmp_path / "www/mta-sts.example.org/.well-known/mta-sts.txt"
    assert policy.read_bytes().startswith(b"version: STSv1\r\nmode: testing\r\n")
    assert b"<clientConfig" in (tmp_path / "www/autoconfig.example.org/mail/config-v1.1.xml").read_bytes()
    policy.write_bytes(policy.read_bytes().replace(b"testing", b"enforce"))
    again = mailkeep("domain", "web", "example.org", tmp_path / "www", "--data", store).stdout
    assert ("differs, and stays" in again, "is up to date" in again) == (True, True)
    assert b"enforce" in policy.read_bytes()
