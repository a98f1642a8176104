"""Documents for mail programs: octet by octet as in tests/golden/discovery, and held against their schemas.

After a change that is meant: ``python -m tests.unit.service.discovery.test_documents`` writes the files anew.
"""

from __future__ import annotations

import json
import plistlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from mailkeep.model.errors import NotFound
from mailkeep.service.discovery import autodiscover
from mailkeep.service.discovery.autoconfig import client_config
from mailkeep.service.discovery.files import list_files
from mailkeep.service.discovery.pacc import digest_record, user_agent_configuration
from mailkeep.service.discovery.profile import build_profile
from mailkeep.service.wellknown import OAuth, Site

GOLDEN = Path(__file__).parents[3] / "golden"
NOON = datetime(2026, 1, 2, 12, 0, 0, 123456, UTC)
FULL = Site(
    hostname="mail.example.org",
    imap=143,
    imaps=993,
    pop3=110,
    pop3s=995,
    submission=587,
    submissions=465,
    https=443,
    names=(("example.org", "Example Mail & Friends of Long Names"),),
)
SMALL = Site(hostname="mx.example.net", imaps=993, submission=587)
IDN = "xn--bcher-kva.example"
TOKENS = OAuth(
    issuer="https://login.example.org",
    scopes=("imap", "smtp", "offline_access"),
    authorize_url="https://login.example.org/authorize?a=1&b=2",
    token_url="https://login.example.org/token",
    client_id="mail-programs",
)
WITH_TOKENS = replace(FULL, oauth=TOKENS)


def documents() -> Mapping[str, bytes]:
    """By the names of their golden files."""
    return {
        "autoconfig.xml": client_config("example.org", FULL),
        "autoconfig-1.1.xml": client_config("example.org", WITH_TOKENS, "1.1"),
        "autoconfig-oauth.xml": client_config("example.org", WITH_TOKENS),
        "autoconfig-small.xml": client_config(IDN, SMALL),
        "autodiscover.xml": autodiscover.outlook_settings("ann@example.org", FULL),
        "autodiscover-small.xml": autodiscover.outlook_settings(f"o'neill&sons@{IDN}", SMALL),
        "autodiscover-600.xml": autodiscover.error(autodiscover.Fault.INVALID_REQUEST, NOON, "line 1, <column> 2"),
        "autodiscover-601.xml": autodiscover.error(autodiscover.Fault.NO_PROVIDER, NOON),
        "autodiscover.json": autodiscover.find_protocol("AUTODISCOVERv1", FULL) or b"",
        "autodiscover-other.json": autodiscover.refuse_protocol('ActiveSync"<'),
        "autodiscover-none.json": autodiscover.refuse_protocol(""),
        "pacc.json": user_agent_configuration("example.org", FULL),
        "pacc-oauth.json": user_agent_configuration("example.org", WITH_TOKENS),
        "pacc-small.json": user_agent_configuration(IDN, SMALL),
        "profile.mobileconfig": build_profile("ann@example.org", FULL, "Ann Ex"),
        "profile-pop3.mobileconfig": build_profile(f"ben@{IDN}", replace(FULL, imap=None, imaps=None)),
    }


@pytest.mark.parametrize("name", documents())
def test_a_document_is_octet_by_octet_the_golden_one(name: str) -> None:
    assert documents()[name] == (GOLDEN / "discovery" / name).read_bytes()


def test_no_golden_file_is_left_over() -> None:
    assert {file.name for file in (GOLDEN / "discovery").iterdir()} == set(documents())


@pytest.mark.parametrize("name", [name for name in documents() if name.endswith(".xml")])
def test_a_document_in_xml_is_valid_by_its_schema(name: str) -> None:
    schema = etree.RelaxNG(etree.parse(GOLDEN / "schemas" / f"{name.partition('-')[0].removesuffix('.xml')}.rng"))
    octets = documents()[name]
    schema.assertValid(etree.fromstring(octets))
    assert octets.startswith(b"<?xml ")  # no byte order mark
    assert b"<!" not in octets


@pytest.mark.parametrize("name", [name for name in documents() if name.startswith("pacc")])
def test_a_configuration_for_user_agents_has_the_keys_of_the_draft_alone(name: str) -> None:
    document = json.loads(documents()[name])
    assert set(document) == {"protocols", "authentication", "info"}
    assert all(set(value) == {"host"} for value in document["protocols"].values())
    assert document["authentication"].pop("password") is True
    assert set(document["authentication"]) <= {"oauth-public"}
    assert set(document["info"]) == {"provider", "help"}
    assert len(document["info"]["provider"]["name"]) <= 60
    assert len(document["info"]["provider"]["shortName"]) <= 20
    assert set(document["info"]["help"]) <= {"documentation", "contact", "developer"}


def test_services_at_other_ports_than_the_default_are_not_in_the_configuration_for_user_agents() -> None:
    assert json.loads(documents()["pacc-small.json"])["protocols"] == {"imap": {"host": "mx.example.net"}}


def test_the_record_of_dns_is_the_digest_of_the_file() -> None:
    record = digest_record(b"abc")  # FIPS 180-2, appendix B.1
    assert record == "v=UAAC1; a=sha256; d=ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="


def test_a_profile_has_what_apple_asks_for_and_no_password() -> None:
    profile = plistlib.loads(documents()["profile.mobileconfig"])
    [mail] = profile["PayloadContent"]
    assert (profile["PayloadType"], mail["PayloadType"]) == ("Configuration", "com.apple.mail.managed")
    for payload in (profile, mail):
        assert {"PayloadVersion", "PayloadIdentifier", "PayloadUUID", "PayloadDisplayName"} <= set(payload)
        assert payload["PayloadVersion"] == 1
    assert (mail["EmailAccountType"], mail["EmailAddress"]) == ("EmailTypeIMAP", "ann@example.org")
    assert (mail["IncomingMailServerPortNumber"], mail["OutgoingMailServerPortNumber"]) == (993, 465)
    assert not {"IncomingPassword", "OutgoingPassword"} & set(mail)


def test_profiles_of_one_account_have_the_same_ids_and_of_another_others() -> None:
    def ids(address: str) -> set[str]:
        profile = plistlib.loads(build_profile(address, FULL))
        return {profile["PayloadUUID"], profile["PayloadContent"][0]["PayloadUUID"]}

    assert ids("ann@example.org") == ids("ann@example.org")
    assert len(ids("ann@example.org") | ids("ben@example.org")) == 4


def test_without_tls_from_the_first_octet_there_is_no_profile() -> None:
    with pytest.raises(NotFound):
        build_profile("ann@example.org", SMALL)


@pytest.mark.parametrize(
    ("site", "servers"),
    [
        (FULL, [("imap", "993", "SSL"), ("pop3", "995", "SSL"), ("smtp", "465", "SSL")]),
        (SMALL, [("imap", "993", "SSL"), ("smtp", "587", "STARTTLS")]),
    ],
    ids=["everything", "little"],
)
def test_programs_find_the_best_server_of_each_protocol_alone(site: Site, servers: list[tuple[str, str, str]]) -> None:
    """Evolution (3.46) takes the last of several, others the first."""
    root = etree.fromstring(client_config("example.org", site))
    assert servers == [
        (server.get("type"), server.findtext("port"), server.findtext("socketType"))
        for server in root.iter("incomingServer", "outgoingServer")
    ]


def test_the_short_name_of_a_provider_ends_with_a_whole_word() -> None:
    assert FULL.name_of("example.org") == "Example Mail & Friends of Long Names"
    assert FULL.short_name_of("example.org") == "Example Mail &"
    assert FULL.short_name_of("a" * 30) == "a" * 20
    assert FULL.name_of("other.example") == "other.example"


def test_files_for_another_web_server_are_what_ours_would_answer() -> None:
    files = {f"{host}/{path}": octets for host, path, octets in list_files("example.org", FULL)}
    assert files["autoconfig.example.org/mail/config-v1.1.xml"] == documents()["autoconfig.xml"]
    assert files["example.org/.well-known/autoconfig/mail/config-v1.1.xml"] == documents()["autoconfig.xml"]
    assert files["ua-auto-config.example.org/.well-known/user-agent-configuration.json"] == documents()["pacc.json"]
    assert files["mta-sts.example.org/.well-known/mta-sts.txt"].startswith(b"version: STSv1\r\n")


if __name__ == "__main__":
    for golden, content in documents().items():
        (GOLDEN / "discovery" / golden).write_bytes(content)
