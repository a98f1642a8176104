import datetime as dt
import os
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from tests.authority import Authority
from tests.cannot_run import cannot_run

from mailkeep.certificates import CertificateFiles, ensure_self_signed
from mailkeep.doctor import Finding, Level
from mailkeep.doctor.certificate import Wanted, check_certificate, check_readable, check_served, has_name

NOW = dt.datetime.now(dt.UTC)
NAME = "mail.example.org"


def wanted(name: str = NAME, *, own: bool = False, discovery: tuple[str, ...] = ()) -> Wanted:
    return Wanted(name, discovery, own)


def signed(directory: Path, *names: str, valid: bool = True, chain: bool = True) -> CertificateFiles:
    _, file = Authority(directory).issue(*names, valid=valid, chain=chain)
    file.chmod(0o600)
    return CertificateFiles(file, file)


def faults(found: list[Finding]) -> list[str]:
    return [finding.text for finding in found if finding.level is Level.FAULT]


def test_a_self_signed_one_is_good_and_gets_advice(tmp_path: Path) -> None:
    files = ensure_self_signed(tmp_path, (NAME,), NOW)
    found = list(check_certificate(files, wanted(own=True), NOW))
    assert [finding.level for finding in found] == [Level.GOOD, Level.GOOD, Level.ADVICE]


def test_one_that_is_not_made_yet_is_no_fault(tmp_path: Path) -> None:
    files = CertificateFiles(tmp_path / "certificate.pem", tmp_path / "key.pem")
    [found] = check_certificate(files, wanted(own=True), NOW)
    assert found.level is Level.GOOD


def test_files_that_cannot_be_used_are_a_fault_that_says_why(tmp_path: Path) -> None:
    files = CertificateFiles(tmp_path / "missing.pem", tmp_path / "key.pem")
    [found] = check_certificate(files, wanted(), NOW)
    assert found.level is Level.FAULT
    assert found.text.startswith(f"{files.certificate}: cannot be read")


def test_one_for_another_host_is_a_fault(tmp_path: Path) -> None:
    found = list(check_certificate(signed(tmp_path, "www.example.org"), wanted(), NOW))
    assert faults(found) == ["is not for mail.example.org, but for www.example.org: clients refuse it"]


def test_one_that_has_run_out_is_a_fault(tmp_path: Path) -> None:
    found = list(check_certificate(signed(tmp_path, NAME, valid=False), wanted(), NOW))
    assert any(text.startswith("ran out at ") for text in faults(found))


def test_one_that_nothing_renewed_is_advice_first_and_then_a_fault(tmp_path: Path) -> None:
    files = signed(tmp_path, NAME)
    certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    whole = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    for left, level in ((0.5, Level.GOOD), (0.2, Level.ADVICE), (0.05, Level.FAULT)):
        at = certificate.not_valid_after_utc - whole * left
        [found] = [f for f in check_certificate(files, wanted(), at) if "until" in f.text or "runs out" in f.text]
        assert found.level is level


def test_a_file_without_its_chain_is_a_fault(tmp_path: Path) -> None:
    found = list(check_certificate(signed(tmp_path, NAME, chain=False), wanted(), NOW))
    assert any("has no chain" in text for text in faults(found))


def test_an_authority_that_the_system_does_not_know_gets_advice(tmp_path: Path) -> None:
    found = list(check_certificate(signed(tmp_path, NAME), wanted(), NOW))
    assert faults(found) == []
    assert found[-1].level is Level.ADVICE


def test_names_at_which_settings_are_looked_for_get_advice(tmp_path: Path) -> None:
    names = ("autoconfig.example.org", "mta-sts.example.org")
    found = list(check_certificate(signed(tmp_path, NAME, names[0]), wanted(discovery=names), NOW))
    [lacks] = [finding for finding in found if finding.text.startswith("lacks")]
    assert lacks.level is Level.ADVICE
    assert "lacks mta-sts.example.org," in lacks.text


def test_a_key_that_everybody_can_read_is_a_fault(tmp_path: Path) -> None:
    files = signed(tmp_path, NAME)
    files.key.chmod(0o644)
    assert any("can read the private key" in text for text in faults(list(check_certificate(files, wanted(), NOW))))


@pytest.mark.parametrize(
    ("names", "name", "has"),
    [
        (("mail.example.org",), "Mail.Example.ORG", True),
        (("*.example.org",), "mail.example.org", True),
        (("*.example.org",), "a.mail.example.org", False),
        (("*.example.org",), "example.org", False),
        ((), "mail.example.org", False),
    ],
)
def test_a_wildcard_stands_for_one_label(names: tuple[str, ...], name: str, has: bool) -> None:
    assert has_name(names, name) is has


def test_a_running_server_must_show_the_one_in_the_files(tmp_path: Path) -> None:
    files = signed(tmp_path, NAME)
    there = x509.load_pem_x509_certificate(files.certificate.read_bytes()).public_bytes(Encoding.DER)
    assert list(check_served(files, [there, b""], "kill -HUP 1")) == []
    [found] = check_served(files, [there, b"another"], "kill -HUP 1")
    assert found.level is Level.FAULT
    assert found.todo.endswith("kill -HUP 1")


def test_the_user_of_the_server_must_be_able_to_read_the_key(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        cannot_run("only root may ask what another user may")
    files = signed(tmp_path, NAME)
    [found] = check_readable(files, 12345)
    assert found.level is Level.FAULT
    assert list(check_readable(files, 0)) == []
