"""What lies in a data directory."""

from __future__ import annotations

import base64
import datetime as dt
import os
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from tests.authority import Authority

from mailkeep.acme.folder import HOST, Folder, Notes, Refusal, find_certificates, request_for
from mailkeep.certificates import CertificateError

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "data")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def issue(authority: Authority, *names: str) -> tuple[bytes, bytes]:
    """Chain and key, as PEM."""
    _, file = authority.issue(*names)
    pem = file.read_bytes()
    at = pem.index(b"-----BEGIN CERTIFICATE")
    return pem[at:], pem[:at]


def keep(folder: Folder, group: str, authority: Authority, *names: str, now: dt.datetime = NOW) -> None:
    chain, key = issue(authority, *names)
    folder.keep(group, chain=chain, key=key, names=names, now=now)


def test_what_is_kept_is_found_again_with_its_names(folder: Folder, authority: Authority) -> None:
    assert folder.find(HOST) is None
    keep(folder, HOST, authority, "mail.example.org", "example.org")
    held = folder.find(HOST)
    assert held is not None
    assert held.names == ("mail.example.org", "example.org")
    assert held.files.key.stat().st_mode & 0o777 == 0o600
    assert held.files.key.parent.stat().st_mode & 0o777 == 0o700


def test_the_newest_counts_whatever_the_clock_says_and_the_one_before_stays(
    folder: Folder, authority: Authority, tmp_path: Path
) -> None:
    for number, now in enumerate((NOW, NOW, NOW - dt.timedelta(days=9), NOW - dt.timedelta(days=9))):
        keep(folder, "example.org", authority, f"n{number}.example.org", now=now)
        held = folder.find("example.org")
        assert held is not None
        assert held.names == (f"n{number}.example.org",)
    made = [each for each in (tmp_path / "data/acme/domains/example.org").iterdir() if each.is_dir()]
    assert len(made) == 2


def test_what_is_no_pair_is_refused_and_the_old_one_stays(folder: Folder, authority: Authority) -> None:
    keep(folder, HOST, authority, "mail.example.org")
    chain, _ = issue(authority, "other.example.org")
    _, key = issue(authority, "third.example.org")
    with pytest.raises(CertificateError):
        folder.keep(HOST, chain=chain, key=key, names=(), now=NOW + dt.timedelta(days=1))
    for nonsense in (b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"):
        with pytest.raises((CertificateError, ValueError)):
            folder.keep(HOST, chain=nonsense, key=key, names=(), now=NOW + dt.timedelta(days=1))
    held = folder.find(HOST)
    assert held is not None
    assert held.names == ("mail.example.org",)


def test_a_certificate_without_a_name_that_was_asked_for_or_without_life_is_refused(
    folder: Folder, authority: Authority
) -> None:
    chain, key = issue(authority, "mail.example.org")
    with pytest.raises(ValueError, match=r"a certificate without b\.example\.org"):
        folder.keep(HOST, chain=chain, key=key, names=("mail.example.org", "b.example.org"), now=NOW)
    with pytest.raises(ValueError, match="is the clock right"):
        folder.keep(HOST, chain=chain, key=key, names=(), now=dt.datetime.now(dt.UTC) + dt.timedelta(days=9))
    assert folder.find(HOST) is None


def test_where_the_newest_is_damaged_the_one_before_is_used(folder: Folder, authority: Authority) -> None:
    keep(folder, HOST, authority, "first.example.org")
    keep(folder, HOST, authority, "second.example.org", now=NOW + dt.timedelta(days=1))
    newest = folder.newest(HOST)
    assert newest is not None
    newest.key.write_bytes(b"")
    held = folder.find(HOST)
    assert held is not None
    assert held.names == ("first.example.org",)


def test_what_a_crash_has_left_half_made_is_no_certificate(
    folder: Folder, authority: Authority, tmp_path: Path
) -> None:
    keep(folder, HOST, authority, "mail.example.org")
    half = tmp_path / "data/acme/host" / f".{os.getpid()}"
    half.mkdir()
    (half / "key.pem").write_bytes(b"")
    keep(folder, HOST, authority, "new.example.org")
    held = folder.find(HOST)
    assert held is not None
    assert held.names == ("new.example.org",)
    assert not half.exists()


def test_certificates_of_domains_are_found_by_every_name_and_the_hosts_own_is_none_of_them(
    folder: Folder, authority: Authority, tmp_path: Path
) -> None:
    keep(folder, HOST, authority, "mail.example.org")
    keep(folder, "example.org", authority, "example.org", "autoconfig.example.org")
    keep(folder, "example.net", authority, "imap.example.net")
    found = find_certificates(tmp_path / "data")
    assert set(found) == {"example.org", "autoconfig.example.org", "imap.example.net"}
    assert found["example.org"] == found["autoconfig.example.org"]
    assert folder.groups() == (HOST, "example.net", "example.org")


def test_a_domain_is_forgotten_and_the_host_never(folder: Folder, authority: Authority) -> None:
    keep(folder, HOST, authority, "mail.example.org")
    keep(folder, "example.org", authority, "example.org")
    folder.remove("example.org")
    folder.remove(HOST)
    assert folder.groups() == (HOST,)


def test_notes_are_what_was_written_and_damaged_ones_are_none(folder: Folder, tmp_path: Path) -> None:
    notes = Notes(failures=2, fault="x", next_at=5.0, refused={"a.example": Refusal("no", 1.0)})
    folder.write_notes(HOST, notes)
    assert folder.notes(HOST) == notes
    (tmp_path / "data/acme/host/notes.json").write_text("{")
    assert folder.notes(HOST) == Notes()


def test_an_account_belongs_to_one_authority(folder: Folder) -> None:
    assert folder.account("https://ca.example/") is None
    folder.keep_account_key(b"pem")
    folder.keep_account("https://ca.example/", "https://ca.example/1")
    assert folder.account_key() == b"pem"
    assert folder.account("https://ca.example/") == "https://ca.example/1"
    assert folder.account("https://other.example/") is None


@pytest.mark.rfc("8555", "7.4")
def test_a_request_is_for_its_names_and_signed_by_a_new_key() -> None:
    key, request = request_for(("mail.example.org", "example.org"))
    decoded = x509.load_der_x509_csr(base64.urlsafe_b64decode(request + "=" * (-len(request) % 4)))
    names = decoded.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["mail.example.org", "example.org"]
    assert decoded.is_signature_valid
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public = serialization.load_pem_private_key(key, None).public_key()
    assert public.public_bytes(serialization.Encoding.DER, form) == decoded.public_key().public_bytes(
        serialization.Encoding.DER, form
    )
