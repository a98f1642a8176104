"""What the configuration says of certificates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mailkeep.acme.folder import HOST
from mailkeep.acme.office import Source
from mailkeep.acme.settings import Binding
from mailkeep.config import Acme, Config, ConfigError, Listen, Tls, parse
from mailkeep.issuing import build_certificates, name_groups, settings_of

ACME = 'hostname = "mail.example.org"\n[tls]\nacme = true\n[acme]\nterms_agreed = true\n'


def config_of(text: str) -> Config:
    return parse(text, Path("/etc/mailkeep.toml"))


def test_an_authority_is_asked_only_if_it_is_switched_on() -> None:
    assert settings_of(Config()) is None
    settings = settings_of(config_of(ACME))
    assert settings is not None
    assert settings.hostname == "mail.example.org"
    assert settings.kinds == ("http-01", "tls-alpn-01")


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        ('hostname = "mail.example.org"\n[tls]\nacme = true\n', "acme.terms_agreed", "read the terms of service"),
        (ACME.replace("mail.example.org", "localhost"), "hostname", "needs a name in public DNS"),
        (ACME.replace("acme = true", 'acme = true\ncertificate = "a"\nkey = "b"'), "tls.acme", "give one or the other"),
        (ACME + "challenges = []\n", "acme.challenges", "no name can be proven"),
        (ACME + 'challenges = ["dns-01"]\n', "acme.challenges", '"http-01", "tls-alpn-01"'),
        (ACME + 'key_id = "a"\n', "acme.key_id", "give both, or neither"),
        (ACME + 'directory = "http://ca.example/"\n', "acme.directory", 'begins with "https://"'),
        (ACME + 'directory = ""\n', "acme.directory", 'begins with "https://"'),
        (ACME + 'contact = ["nobody"]\n', "acme.contact", "a list of mail addresses"),
    ],
)  # fmt: skip
def test_what_stands_in_the_way_is_named(text: str, where: str, why: str) -> None:
    with pytest.raises(ConfigError, match=rf"/etc/mailkeep\.toml:\d+: {where}: .*{why}"):
        config_of(text)


def test_a_challenge_whose_listener_is_off_is_not_used() -> None:
    config = config_of(ACME)
    settings = settings_of(replace(config, listen=replace(Listen(), http=None)))
    assert settings is not None
    assert settings.kinds == ("tls-alpn-01",)


def test_an_account_at_the_authority_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    config = Config(
        hostname="mail.example.org", tls=Tls(acme=True), acme=Acme(terms_agreed=True, key_id="kid", hmac_key_file=file)
    )
    with pytest.raises(ConfigError, match=r"acme\.hmac_key_file: .* cannot be read"):
        settings_of(config)
    file.write_text("no key!\n")
    with pytest.raises(ConfigError, match="no base64url"):
        settings_of(config)
    file.write_text("YWJj\n")
    settings = settings_of(config)
    assert settings is not None
    assert settings.binding == Binding("kid", b"abc")


def test_a_missing_file_of_authorities_is_named(tmp_path: Path) -> None:
    acme = Acme(terms_agreed=True, authorities=tmp_path / "none.pem")
    with pytest.raises(ConfigError, match=r"acme\.authorities: .*none\.pem: there is no such file"):
        settings_of(Config(hostname="mail.example.org", tls=Tls(acme=True), acme=acme))


def test_the_host_has_one_certificate_and_each_domain_another_and_no_name_two() -> None:
    config = Config(hostname="mail.example.org", tls=Tls(names=("more.example",)))
    groups = name_groups(
        config, ["example.org", "example.net", "example.org", "[127.0.0.1]", "localhost", "../x.example"]
    )
    assert list(groups) == [HOST, "example.net", "example.org"]
    assert groups[HOST] == ("mail.example.org", "more.example")
    assert {"example.net", "autoconfig.example.net", "mta-sts.example.net", "mail.example.net"} <= set(
        groups["example.net"]
    )
    assert "mail.example.org" not in groups["example.org"]


def test_until_there_is_a_certificate_the_self_signed_one_is_shown(tmp_path: Path) -> None:
    config = Config(data_dir=tmp_path, hostname="mail.example.org", tls=Tls(acme=True))
    source, files = build_certificates(config).find_host()
    assert (source, files.certificate) == (Source.SELF_SIGNED, tmp_path / "certificate.pem")


def test_files_that_are_named_are_shown(tmp_path: Path) -> None:
    config = Config(data_dir=tmp_path, tls=Tls(certificate=tmp_path / "c.pem", key=tmp_path / "k.pem"))
    assert build_certificates(config).find_host()[0] is Source.FILES
    (report,) = build_certificates(config).report()
    assert (report.held, report.renew_at) == (None, 0.0)
