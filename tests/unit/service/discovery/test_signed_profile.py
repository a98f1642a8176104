"""The signature of a profile, as OpenSSL checks it."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.authority import Authority

from mailkeep.certificates import ensure_self_signed
from mailkeep.model.errors import Unsupported
from mailkeep.service.discovery.profile import build_profile, sign_profile
from mailkeep.service.wellknown import Site

PROFILE = build_profile("ann@example.org", Site(hostname="mail.example.org", imaps=993, submissions=465))


def verify(signed: bytes, tmp_path: Path, *options: str) -> bytes:
    (tmp_path / "signed").write_bytes(signed)
    openssl = shutil.which("openssl")
    assert openssl is not None
    done = subprocess.run(
        [openssl, "cms", "-verify", "-binary", "-inform", "DER", "-in", str(tmp_path / "signed"), *options],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_profile_signed_with_a_certificate_of_an_authority_is_verified_with_its_chain(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    _, file = authority.issue("mail.example.org")
    signed = sign_profile(PROFILE, file.read_bytes(), file.read_bytes())
    assert verify(signed, tmp_path, "-purpose", "any", "-CAfile", str(authority.file)) == PROFILE


def test_a_profile_signed_with_the_self_signed_certificate_has_an_intact_signature(tmp_path: Path) -> None:
    files = ensure_self_signed(tmp_path, ["mail.example.org"], dt.datetime.now(dt.UTC))
    signed = sign_profile(PROFILE, files.certificate.read_bytes(), files.key.read_bytes())
    assert verify(signed, tmp_path, "-noverify") == PROFILE


def test_keys_that_cannot_sign_it_are_refused(tmp_path: Path) -> None:
    files = ensure_self_signed(tmp_path, ["mail.example.org"], dt.datetime.now(dt.UTC))
    key = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(Unsupported):
        sign_profile(PROFILE, files.certificate.read_bytes(), key)
    with pytest.raises(ValueError, match="PEM"):
        sign_profile(PROFILE, b"no certificate", key)
