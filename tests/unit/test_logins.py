"""What the configuration says about others who say who may log in."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailkeep.config import ConfigError, parse, show
from mailkeep.logins import require_login_files
from mailkeep.offices import build_site
from mailkeep.service.wellknown import OAuth

ISSUER = "issuer = 'https://id.example.org'\naudiences = ['x']\n"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("[oauth]\nissuer = 'https://id.example.org'\n", "options.toml:1: oauth.audiences"),
        ("[oauth]\naudiences = ['x']\nissuer = 'http://id.example.org'\n", "options.toml:3: oauth.issuer"),
        (f"[oauth]\n{ISSUER}url = 'http://id.example.org/keys'\n", "options.toml:4: oauth.url"),
        (f"[oauth]\n{ISSUER}check = 'introspection'\n", "options.toml:1: oauth.client"),
        ("[oauth]\naudiences = ['a b']\n", "options.toml:2: oauth.audiences"),
        ("[ldap]\nservers = ['ldap://localhost']\n", "options.toml:1: ldap.base"),
        ("[ldap]\nservers = ['localhost']\n", "options.toml:2: ldap.servers: ['localhost'] is not allowed"),
        ("[ldap]\nfilter = '(mail={adress})'\n", "there is no {adress}; there are {user}, {name}, {domain}"),
        ("[ldap]\nname = 'uid={uid}'\n", "options.toml:2: ldap.name"),
        ("[ldap]\nservers = ['ldap://x']\nbase = 'dc=x'\nreader = 'cn=r'\n", "options.toml:4: ldap.reader"),
    ],
)
def test_options_that_do_not_go_together_are_told_with_their_line(lines: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(lines, Path("options.toml"))
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("[ldap]\npassword_file = 'missing'\n", "missing: cannot be read"),
        ("[ldap]\npassword_file = 'empty'\n", "its first line is empty"),
        ("[oauth]\nclient_secret_file = 'missing'\n", "oauth.client_secret_file"),
        ("[oauth]\nauthorities = 'empty'\n", "oauth.authorities"),
        ("[auth]\nhook = 'missing.py'\n", "auth.hook"),
        ("[auth]\nhook = 'broken.py'\n", "auth.hook"),
        ("[tls]\nclient_authorities = 'empty'\n", "tls.client_authorities"),
    ],
)
def test_files_that_cannot_be_used_are_told(tmp_path: Path, lines: str, said: str) -> None:
    (tmp_path / "empty").write_text("")
    (tmp_path / "broken.py").write_text("def on_login(")
    with pytest.raises(ConfigError) as error:
        require_login_files(parse(lines, tmp_path / "options.toml"))
    assert said in str(error.value)


def test_mail_programs_are_told_of_the_provider_if_there_is_a_client_for_them() -> None:
    more = "public_client = 'p'\nauthorize_url = 'https://id.example.org/a'\ntoken_url = 'https://id.example.org/t'\n"
    found = build_site(parse(f"[oauth]\n{ISSUER}{more}", Path("/options.toml"))).oauth
    assert found == OAuth(
        issuer="https://id.example.org",
        scopes=("openid", "email", "offline_access"),
        authorize_url="https://id.example.org/a",
        token_url="https://id.example.org/t",
        client_id="p",
    )
    alone = build_site(parse(f"[oauth]\n{ISSUER}public_client = 'p'\n", Path("/options.toml"))).oauth
    assert alone
    assert alone.client_id == ""
    assert build_site(parse("", Path("/options.toml"))).oauth is None


def test_workers_are_told_all_of_it() -> None:
    config = parse(
        f"[oauth]\n{ISSUER}[ldap]\nservers = ['ldaps://[::1]:636/']\nname = 'uid={{name}}'\n", Path("/options.toml")
    )
    assert parse(show(config), Path("/options.toml")) == config
