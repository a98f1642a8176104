import datetime as dt
import hashlib
import ssl
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

from mailkeep.certificates import (
    LIFE,
    RENEW_BEFORE,
    CertificateError,
    CertificateFiles,
    TlsContext,
    ensure_self_signed,
    first_expiry,
    names_for,
)
from mailkeep.net.secured import secured_by

NOW = dt.datetime.now(dt.UTC)
NAMES = names_for("mail.example.org", ["example.org"])


def served_names(files: CertificateFiles) -> set[str]:
    certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    return {
        str(name.value) for name in certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    }


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> ssl.SSLObject:
    """TLS between the two in memory; the client's end."""
    return shake_hands(server, client, name)[1]


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """The same; both ends."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    s = server.wrap_bio(to_server, to_client, server_side=True)
    c = client.wrap_bio(to_client, to_server, server_hostname=name)
    pending = [c, s]
    for _ in range(10):
        for end in tuple(pending):
            try:
                end.do_handshake()
                pending.remove(end)
            except ssl.SSLWantReadError:
                pass
    assert not pending
    return s, c


def test_names_are_those_that_clients_of_a_domain_look_for() -> None:
    assert NAMES[:4] == ("localhost", "127.0.0.1", "::1", "mail.example.org")
    assert {"example.org", "autoconfig.example.org", "autodiscover.example.org", "imap.example.org"} <= set(NAMES)
    assert len(NAMES) == len(set(NAMES))


def test_a_self_signed_certificate_is_its_own_root_and_valid_for_its_names(tmp_path: Path) -> None:
    files = ensure_self_signed(tmp_path, NAMES, NOW)
    context = TlsContext(files).context
    for name in ("localhost", "127.0.0.1", "::1", "autoconfig.example.org"):
        client = ssl.create_default_context(cafile=files.certificate)
        assert handshake(context, client, name).version() == "TLSv1.3"


def test_strict_verification_accepts_it(tmp_path: Path) -> None:
    files = ensure_self_signed(tmp_path, NAMES, NOW)
    client = ssl.create_default_context(cafile=files.certificate)
    client.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN  # Python's defaults from 3.13 on
    assert handshake(TlsContext(files).context, client, "localhost").version()


def test_the_key_is_for_the_owner_only(tmp_path: Path) -> None:
    assert ensure_self_signed(tmp_path, NAMES, NOW).key.stat().st_mode & 0o777 == 0o600


def test_a_certificate_is_kept_while_it_has_the_names_and_time_left(tmp_path: Path) -> None:
    first = ensure_self_signed(tmp_path, NAMES, NOW).certificate.read_bytes()
    assert ensure_self_signed(tmp_path, NAMES[:4], NOW).certificate.read_bytes() == first
    late = NOW + LIFE - RENEW_BEFORE + dt.timedelta(days=1)
    assert ensure_self_signed(tmp_path, NAMES, late).certificate.read_bytes() != first


def test_a_certificate_made_while_the_clock_was_ahead_is_not_kept(tmp_path: Path) -> None:
    first = ensure_self_signed(tmp_path, NAMES, NOW + dt.timedelta(days=300)).certificate.read_bytes()
    assert ensure_self_signed(tmp_path, NAMES, NOW).certificate.read_bytes() != first


def test_a_new_name_makes_a_new_certificate_that_has_the_old_names_too(tmp_path: Path) -> None:
    ensure_self_signed(tmp_path, NAMES, NOW)
    files = ensure_self_signed(tmp_path, ("localhost", "example.net"), NOW)
    assert {"example.net", "autoconfig.example.org"} <= served_names(files)


@pytest.mark.parametrize("damage", ["certificate.pem", "key.pem"])
def test_a_pair_that_does_not_match_is_made_anew(tmp_path: Path, damage: str) -> None:
    other = tmp_path / "other"
    other.mkdir()
    ensure_self_signed(other, NAMES, NOW)
    files = ensure_self_signed(tmp_path, NAMES, NOW)
    (tmp_path / damage).write_bytes((other / damage).read_bytes())
    ensure_self_signed(tmp_path, NAMES, NOW)
    TlsContext(files)


def test_old_tls_tickets_and_renegotiation_are_off(tmp_path: Path) -> None:
    context = TlsContext(ensure_self_signed(tmp_path, NAMES, NOW)).context
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.num_tickets == 0
    assert context.options & ssl.OP_NO_RENEGOTIATION


def test_reload_serves_the_new_certificate_from_the_same_context(tmp_path: Path) -> None:
    tls = TlsContext(ensure_self_signed(tmp_path, NAMES, NOW))
    context = tls.context
    tls.reload(ensure_self_signed(tmp_path, ("example.net",), NOW))
    assert tls.context is context
    client = ssl.create_default_context(cafile=tls.files.certificate)
    assert handshake(context, client, "example.net").version()


def test_a_reload_that_fails_changes_nothing(tmp_path: Path) -> None:
    files = ensure_self_signed(tmp_path, NAMES, NOW)
    tls = TlsContext(files)
    broken = CertificateFiles(files.certificate, files.certificate)
    with pytest.raises(CertificateError, match="not a PEM certificate and its unencrypted key"):
        tls.reload(broken)
    assert tls.files is files
    assert handshake(tls.context, ssl.create_default_context(cafile=files.certificate), "localhost").version()


def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_its_password(tmp_path: Path) -> None:
    files = ensure_self_signed(tmp_path, NAMES, NOW)
    encrypted = tmp_path / "encrypted.pem"
    subprocess.run(
        ("openssl", "ec", "-in", files.key, "-aes256", "-passout", "pass:x", "-out", encrypted),
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    with pytest.raises(CertificateError, match="the key is encrypted"):
        TlsContext(CertificateFiles(files.certificate, encrypted))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match=r"none\.pem: cannot be read: No such file"):
        TlsContext(CertificateFiles(tmp_path / "none.pem", tmp_path / "none.pem"))


# --- hosts that have certificates of their own


def pair(directory: Path, *names: str) -> CertificateFiles:
    directory.mkdir()
    return ensure_self_signed(directory, names, NOW)


def shows(tls: TlsContext, name: str, files: CertificateFiles, *, web: bool = False) -> bool:
    """Whether a client that trusts `files` alone believes that it talks to `name`."""
    server = tls.web if web else tls.context
    try:
        return bool(handshake(server, ssl.create_default_context(cafile=files.certificate), name).version())
    except ssl.SSLCertVerificationError:
        return False


@pytest.mark.parametrize("web", [False, True], ids=["mail", "web"])
def test_a_host_with_a_certificate_of_its_own_is_shown_with_it_and_all_others_with_the_first(
    tmp_path: Path, web: bool
) -> None:
    host = pair(tmp_path / "host", "mail.example.org", "example.net")
    domain = pair(tmp_path / "domain", "example.net")
    tls = TlsContext(host, {"example.net": domain})
    assert shows(tls, "example.net", domain, web=web)
    assert shows(tls, "EXAMPLE.net", domain, web=web)
    assert shows(tls, "mail.example.org", host, web=web)


def test_after_a_reload_hosts_are_shown_with_their_new_certificates(tmp_path: Path) -> None:
    host = pair(tmp_path / "host", "mail.example.org", "example.net")
    old, new = pair(tmp_path / "old", "example.net"), pair(tmp_path / "new", "example.net")
    tls = TlsContext(host, {"example.net": old})
    assert shows(tls, "example.net", old)
    tls.reload(host, {"example.net": new})
    assert shows(tls, "example.net", new)
    tls.reload(host)
    assert shows(tls, "example.net", host)


def test_a_certificate_of_a_host_that_cannot_be_used_spoils_no_handshake(tmp_path: Path) -> None:
    host = pair(tmp_path / "host", "mail.example.org", "example.net")
    gone = CertificateFiles(tmp_path / "none.pem", tmp_path / "none.pem")
    assert shows(TlsContext(host, {"example.net": gone}), "example.net", host)


def test_it_can_be_told_which_certificate_a_connection_shows(tmp_path: Path) -> None:
    host, domain = pair(tmp_path / "host", "mail.example.org"), pair(tmp_path / "domain", "example.net")
    tls = TlsContext(host, {"example.net": domain})
    assert shows(tls, "example.net", domain)
    assert tls.files_of(tls.context) == host
    (made,) = tls._made.values()
    assert tls.files_of(made) == domain


def test_https_alone_is_offered_for_the_web(tmp_path: Path) -> None:
    host, domain = pair(tmp_path / "host", "mail.example.org"), pair(tmp_path / "domain", "example.net")
    tls = TlsContext(host, {"example.net": domain})
    for name, files in (("mail.example.org", host), ("example.net", domain)):
        client = ssl.create_default_context(cafile=files.certificate)
        client.set_alpn_protocols(["h2", "http/1.1"])
        assert handshake(tls.web, client, name).selected_alpn_protocol() == "http/1.1"


def test_the_first_end_of_several_is_told_and_one_that_cannot_be_read_counts_for_nothing(tmp_path: Path) -> None:
    late = pair(tmp_path / "late", "a.example")
    (tmp_path / "early").mkdir()
    early = ensure_self_signed(tmp_path / "early", ("b.example",), NOW - dt.timedelta(days=9))
    gone = CertificateFiles(tmp_path / "none.pem", tmp_path / "none.pem")
    ends = x509.load_pem_x509_certificate(early.certificate.read_bytes()).not_valid_after_utc.timestamp()
    assert first_expiry((late, gone, early)) == ends
    assert first_expiry((gone,)) is None


def make_pair(
    directory: Path, name: str, key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
) -> CertificateFiles:
    """A certificate that is signed with its own key, of whatever kind."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + dt.timedelta(days=1))
        .sign(key, hashes.SHA384() if isinstance(key, ec.EllipticCurvePrivateKey) else None)
    )
    files = CertificateFiles(directory / f"{name}.pem", directory / f"{name}.key")
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


def end_point_of(context: ssl.SSLContext, name: str) -> tuple[bytes, bytes]:
    """What binds a connection to `name`: as the server has it, and the certificate as the client sees it."""
    client = ssl.create_default_context()
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    server, seen = shake_hands(context, client, name)
    return secured_by(server).bindings.get("tls-server-end-point", b""), seen.getpeercert(binary_form=True) or b""


@pytest.mark.rfc("5929", "4.1")
def test_a_connection_is_bound_to_the_certificate_that_it_shows(tmp_path: Path) -> None:
    one = make_pair(tmp_path, "one", ec.generate_private_key(ec.SECP256R1()))
    two = make_pair(tmp_path, "two", ec.generate_private_key(ec.SECP256R1()))
    three = make_pair(tmp_path, "three", ed25519.Ed25519PrivateKey.generate())
    tls = TlsContext(one, {"two.example": two, "three.example": three})
    for name in ("one.example", "two.example"):
        bound, certificate = end_point_of(tls.context, name)
        assert bound == hashlib.sha384(certificate).digest()
    assert end_point_of(tls.context, "three.example")[0] == b""  # not defined: it has no hash of its own
    tls.reload(two)
    bound, certificate = end_point_of(tls.context, "one.example")
    assert bound == hashlib.sha384(certificate).digest()
    assert secured_by(None).bindings == {}
