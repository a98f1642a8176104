"""Challenges as files, and as handshakes."""

import datetime as dt
import hashlib
import ssl
from pathlib import Path

import pytest
from cryptography import x509

from mailkeep.acme.challenges import HTTP, IDENTIFIER, TLS_ALPN, Challenges, answer_handshakes
from mailkeep.certificates import TlsContext, ensure_self_signed

NAME = "mail.example.org"


@pytest.fixture
def challenges(tmp_path: Path) -> Challenges:
    return Challenges(tmp_path)


@pytest.mark.rfc("8555", "8.3")
def test_an_answer_is_told_for_its_token_alone(challenges: Challenges) -> None:
    challenges.present(HTTP, name=NAME, token="to-ken_1", authorization="to-ken_1.print")
    assert challenges.find_answer("to-ken_1") == "to-ken_1.print"
    assert challenges.find_answer("to-ken_2") is None


@pytest.mark.parametrize(
    "token", ["", ".", "..", "../account.pem", "a/b", "a\0", "ä", "a" * 201, "mail.example.org.pem"]
)
def test_what_is_no_token_leads_to_no_file(challenges: Challenges, token: str) -> None:
    challenges.present(TLS_ALPN, name=NAME, token="t", authorization="t.print")
    assert challenges.find_answer(token) is None
    if token:
        with pytest.raises(ValueError, match="no token"):
            challenges.present(HTTP, name=NAME, token=token, authorization="x")


@pytest.mark.parametrize("name", ["", "..", "../account", "mail", "MAIL.example.org", "a\0b.example", "x/y.example"])
def test_what_is_no_host_name_leads_to_no_file(challenges: Challenges, name: str) -> None:
    challenges.present(TLS_ALPN, name=NAME, token="t", authorization="t.print")
    assert challenges.find_certificate(name) is None


def test_after_clear_nothing_is_answered(challenges: Challenges) -> None:
    challenges.clear()  # there is nothing yet
    challenges.present(HTTP, name=NAME, token="t", authorization="t.print")
    challenges.present(TLS_ALPN, name=NAME, token="t", authorization="t.print")
    challenges.clear()
    assert challenges.find_answer("t") is None
    assert challenges.find_certificate(NAME) is None


def test_nobody_else_may_read_them(challenges: Challenges, tmp_path: Path) -> None:
    challenges.present(TLS_ALPN, name=NAME, token="t", authorization="t.print")
    assert (tmp_path / "acme/challenges").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / f"acme/challenges/{NAME}.pem").stat().st_mode & 0o777 == 0o600


# --- handshakes


class Handshakes:
    """A server's context for HTTPS, and clients without a network."""

    def __init__(self, directory: Path) -> None:
        self.tls = TlsContext(ensure_self_signed(directory, ("usual.example",), dt.datetime.now(dt.UTC)))
        self.challenges = Challenges(directory)
        answer_handshakes(self.tls.web, self.challenges)

    def agree(self, name: str | None, *protocols: str, version: ssl.TLSVersion) -> tuple[x509.Certificate, str | None]:
        """The server's certificate, and the protocol."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.maximum_version = version
        if protocols:
            context.set_alpn_protocols(protocols)
        up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = context.wrap_bio(down, up, server_hostname=name)
        server = self.tls.web.wrap_bio(up, down, server_side=True)
        for side in (client, server) * 3:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
        certificate = client.getpeercert(binary_form=True)
        assert certificate is not None
        return x509.load_der_x509_certificate(certificate), client.selected_alpn_protocol()


@pytest.fixture
def handshakes(tmp_path: Path) -> Handshakes:
    return Handshakes(tmp_path)


def names(certificate: x509.Certificate) -> list[str]:
    return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
        x509.DNSName
    )


VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])


@VERSIONS
@pytest.mark.rfc("8737", "3")
def test_the_authority_is_shown_the_proof(handshakes: Handshakes, version: ssl.TLSVersion) -> None:
    handshakes.challenges.present(TLS_ALPN, name=NAME, token="t", authorization="t.print")
    certificate, protocol = handshakes.agree(NAME, "acme-tls/1", version=version)
    assert protocol == "acme-tls/1"
    assert names(certificate) == [NAME]
    proof = certificate.extensions.get_extension_for_oid(IDENTIFIER)
    assert proof.critical
    assert isinstance(proof.value, x509.UnrecognizedExtension)
    assert proof.value.value == b"\x04\x20" + hashlib.sha256(b"t.print").digest()


@VERSIONS
@pytest.mark.parametrize("protocols", [(), ("http/1.1",), ("h2", "http/1.1"), ("acme-tls/1", "http/1.1")])
def test_everybody_else_is_shown_the_usual_certificate_meanwhile(
    handshakes: Handshakes, version: ssl.TLSVersion, protocols: tuple[str, ...]
) -> None:
    handshakes.challenges.present(TLS_ALPN, name=NAME, token="t", authorization="t.print")
    certificate, protocol = handshakes.agree(NAME, *protocols, version=version)
    assert names(certificate) == ["usual.example"]
    assert protocol == ("http/1.1" if "http/1.1" in protocols else None)


@pytest.mark.parametrize("name", ["other.example.org", None])
def test_where_no_challenge_waits_the_usual_certificate_is_shown(handshakes: Handshakes, name: str | None) -> None:
    handshakes.challenges.present(TLS_ALPN, name=NAME, token="t", authorization="t.print")
    certificate, protocol = handshakes.agree(name, "acme-tls/1", version=ssl.TLSVersion.TLSv1_3)
    assert names(certificate) == ["usual.example"]
    assert protocol is None


def test_a_challenge_that_cannot_be_read_spoils_no_handshake(handshakes: Handshakes, tmp_path: Path) -> None:
    handshakes.challenges.present(TLS_ALPN, name=NAME, token="t", authorization="t.print")
    (tmp_path / f"acme/challenges/{NAME}.pem").write_text("nonsense")
    certificate, _ = handshakes.agree(NAME, "acme-tls/1", version=ssl.TLSVersion.TLSv1_3)
    assert names(certificate) == ["usual.example"]
