"""Documents by which mail programs set themselves up, through the whole web server."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import plistlib
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from lxml import etree
from tests.live import OWN, Account, Service, mailkeep

from mailkeep.formats.openpgp import directory_hash
from mailkeep.service.discovery.pacc import digest_record

POX = "/autodiscover/autodiscover.xml"
MOBILESYNC = "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006"
OUTLOOK = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
KEY = Path(__file__).parents[2] / "golden/openpgp/ann.asc"
SECRET = base64.b64encode(b"ann@example.org:open-sesame-4711").decode()


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


def ask(
    server: Service,
    method: str,
    host: str,
    path: str,
    body: bytes | None = None,
    *,
    secure: bool = True,
    **headers: str,
) -> Answer:
    connection = (
        http.client.HTTPSConnection("localhost", server.https[1], context=server.tls(), timeout=20)
        if secure
        else http.client.HTTPConnection("localhost", server.http[1], timeout=20)
    )
    fields = {"Host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    connection.request(method, path, body, fields)
    answer = connection.getresponse()
    octets = answer.read()
    connection.close()
    return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, octets)


def pox(address: str, schema: str = OUTLOOK) -> bytes:
    return (
        '<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request>'
        f"<EMailAddress>{address}</EMailAddress><AcceptableResponseSchema>{schema}</AcceptableResponseSchema>"
        "</Request></Autodiscover>"
    ).encode()


@pytest.fixture
def domain(account: Account) -> str:
    return account.user.partition("@")[2]


# --- Autodiscover


@pytest.mark.parametrize("path", [POX, "/Autodiscover/Autodiscover.xml", "/AutoDiscover/AutoDiscover.XML"])
def test_outlook_is_told_the_servers_and_ports_there_are(server: Service, account: Account, path: str) -> None:
    domain = account.user.partition("@")[2]
    answer = ask(server, "POST", f"autodiscover.{domain}", path, pox(account.user.upper()), Content_Type="text/xml")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/xml; charset=utf-8")
    names = {"o": OUTLOOK}
    found = {
        each.findtext("o:Type", "", names): (
            each.findtext("o:Port", "", names),
            each.findtext("o:LoginName", "", names),
        )
        for each in etree.fromstring(answer.body).iterfind(".//o:Protocol", names)
    }
    assert found == {
        "IMAP": (str(server.imaps[1]), account.user),
        "POP3": (str(server.pop3s[1]), account.user),
        "SMTP": (str(server.submissions[1]), account.user),
    }


def test_an_address_that_does_not_exist_gets_the_same_answer(server: Service, account: Account, domain: str) -> None:
    one = ask(server, "POST", domain, POX, pox(account.user))
    other = ask(server, "POST", domain, POX, pox(f"nobody@{domain}"))
    assert one.body.replace(account.user.encode(), b"") == other.body.replace(f"nobody@{domain}".encode(), b"")
    assert {**one.headers, "content-length": "", "date": ""} == {**other.headers, "content-length": "", "date": ""}


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"<Autodiscover><Requ", 400, b"<ErrorCode>600</ErrorCode>"),
        (b"", 400, b"<ErrorCode>600</ErrorCode>"),
        (pox("nobody"), 400, b"user@domain"),
        (pox(""), 400, b"no EMailAddress"),
        (b"<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><Autodiscover/>", 400, b"document type"),
        (pox("ann@example.com"), 404, b"not served here"),
        (b"x" * 70_000, 413, b"too large"),
    ],
    ids=["cut off", "empty", "no address", "none named", "entities", "foreign", "giant"],
)
def test_what_is_no_good_request_is_refused_with_a_reason(
    server: Service, domain: str, body: bytes, status: int, says: bytes
) -> None:
    answer = ask(server, "POST", domain, POX, body)
    assert answer.status == status
    assert says in answer.body


@pytest.mark.parametrize("schema", [MOBILESYNC, "http://schemas.example/other"])
def test_who_asks_for_activesync_or_anything_else_is_told_that_it_is_not_there(
    server: Service, account: Account, domain: str, schema: str
) -> None:
    answer = ask(server, "POST", domain, POX, pox(account.user, schema))
    assert answer.status == 200
    assert b"<ErrorCode>601</ErrorCode>" in answer.body


def test_a_look_at_autodiscover_is_answered_and_without_tls_sent_on(server: Service, domain: str) -> None:
    looked = ask(server, "GET", domain, POX)
    assert (looked.status, b"<ErrorCode>600</ErrorCode>" in looked.body) == (200, True)
    sent_on = ask(server, "GET", f"autodiscover.{domain}", POX, secure=False)
    assert (sent_on.status, sent_on.headers["location"]) == (302, f"https://localhost:{server.https[1]}{POX}")
    assert ask(server, "PUT", domain, POX, b"x").status == 405


def test_autodiscover_in_json_names_the_one_in_xml(server: Service, domain: str) -> None:
    url = f"https://localhost:{server.https[1]}{POX}"
    for path in (
        f"/autodiscover/autodiscover.json?Email=nobody%40{domain}&Protocol=AutodiscoverV1&RedirectCount=1",
        f"/autodiscover/autodiscover.json/v1.0/nobody%40{domain}?protocol=autodiscoverv1",
        "/AutoDiscover/AutoDiscover.json?PROTOCOL=AUTODISCOVERV1",
    ):
        answer = ask(server, "GET", f"autodiscover.{domain}", path)
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json; charset=utf-8"), path
        assert json.loads(answer.body) == {"Protocol": "AutodiscoverV1", "Url": url}
    for query, status, code in (
        ("Protocol=ActiveSync", 404, "InvalidProtocol"),
        ("Protocol=EWS", 404, "InvalidProtocol"),
        ("", 400, "MandatoryParameterMissing"),
    ):
        answer = ask(server, "GET", domain, f"/autodiscover/autodiscover.json?Email=a%40{domain}&{query}")
        assert (answer.status, json.loads(answer.body)["ErrorCode"]) == (status, code)
    assert ask(server, "GET", domain, "/autodiscover/autodiscover.json?Email=a%40example.com").status == 404


def test_a_password_that_is_sent_along_changes_nothing_and_is_in_no_log(
    configured: Callable[..., Service], capfd: pytest.CaptureFixture[str]
) -> None:
    """Thunderbird POSTs it during set-up, to the domain and to ``autodiscover.``."""
    server = configured()  # its log is whole: nobody has set a level
    domain = OWN.user.partition("@")[2]
    plain = ask(server, "POST", domain, POX, pox(OWN.user))
    for host in (domain, f"autodiscover.{domain}"):
        again = ask(server, "POST", host, POX, pox(OWN.user), Authorization=f"Basic {SECRET}")
        assert (again.status, again.body) == (200, plain.body)
        wrong = ask(server, "POST", host, POX, b"<", Authorization=f"Basic {SECRET}")
        assert (wrong.status, b"www-authenticate" in wrong.headers) == (400, False)
    output = "".join(capfd.readouterr())
    assert "http.request" in output
    assert SECRET not in output
    assert "open-sesame" not in output


# --- PACC


def test_the_configuration_for_user_agents_has_the_digest_that_dns_says(server: Service, domain: str) -> None:
    path, host = "/.well-known/user-agent-configuration.json", f"ua-auto-config.{domain}"
    answer = ask(server, "GET", host, path, Accept_Encoding="gzip")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    digest = base64.b64encode(hashlib.sha256(answer.body).digest()).decode()
    assert digest_record(answer.body).endswith(f"d={digest}")
    assert json.loads(answer.body)["authentication"] == {"password": True}
    head = ask(server, "HEAD", host, path)
    assert (head.status, head.body, head.headers["etag"]) == (200, b"", answer.headers["etag"])
    for known in (answer.headers["etag"], f'"x", W/{answer.headers["etag"]}', "*"):
        assert ask(server, "GET", host, path, If_None_Match=known).status == 304
    assert ask(server, "GET", host, path, If_None_Match='"x"').status == 200
    assert ask(server, "GET", "ua-auto-config.example.com", path).status == 404


# --- Apple's profile


def test_the_profile_is_signed_with_the_certificate_of_the_server(
    server: Service, account: Account, tmp_path: Path
) -> None:
    answer = ask(server, "GET", "localhost", f"/mail.mobileconfig?email={account.user}")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/x-apple-aspen-config")
    assert answer.headers["content-disposition"].endswith('.mobileconfig"')
    openssl = shutil.which("openssl")
    assert openssl
    assert server.ca
    done = subprocess.run(
        [openssl, "cms", "-verify", "-inform", "DER", "-binary", "-purpose", "any", "-CAfile", server.ca],
        input=answer.body,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [mail] = plistlib.loads(done.stdout)["PayloadContent"]
    assert mail["EmailAddress"] == mail["IncomingMailServerUsername"] == account.user
    assert mail["IncomingMailServerPortNumber"] == server.imaps[1]
    assert mail["OutgoingMailServerPortNumber"] == server.submissions[1]


def test_a_profile_is_for_any_address_in_a_domain_served_here_and_for_no_other(server: Service, domain: str) -> None:
    for address, status in ((f"nobody%40{domain}", 200), ("ann%40example.com", 404), ("nobody", 400), ("", 400)):
        assert ask(server, "GET", "localhost", f"/mail.mobileconfig?email={address}").status == status


# --- Web Key Directory


def test_a_key_is_found_by_both_methods_once_it_is_published(configured: Callable[..., Service]) -> None:
    server = configured()
    domain = "example.org"
    hashed = directory_hash("ann")
    for arguments in (["account", "add", f"ann@{domain}"], ["account", "openpgp", "set", f"ann@{domain}", str(KEY)]):
        more = ["--password-stdin"] if arguments[1] == "add" else []
        subprocess.run([mailkeep(), *arguments, *more, "--data", str(server.data)], input=b"a-password\n", check=True)
    direct = ask(server, "GET", domain, f"/.well-known/openpgpkey/hu/{hashed}?l=ann")
    advanced = ask(server, "GET", f"openpgpkey.{domain}", f"/.well-known/openpgpkey/{domain}/hu/{hashed}?l=ann")
    assert (direct.status, advanced.status) == (200, 200)
    assert direct.body == advanced.body
    assert direct.body.startswith(b"\x98")  # a public key, in binary
    assert direct.headers["content-type"] == "application/octet-stream"
    assert direct.headers["access-control-allow-origin"] == "*"
    for path in (f"hu/{directory_hash('nobody')}", "hu/x", f"{domain}/hu/{directory_hash('nobody')}", "hu/"):
        assert ask(server, "GET", domain, f"/.well-known/openpgpkey/{path}").status == 404
    for host, path, status in (
        (domain, "policy", 200),
        (f"openpgpkey.{domain}", f"{domain}/policy", 200),
        ("example.com", "policy", 404),
        (f"openpgpkey.{domain}", "example.com/policy", 404),
        (f"openpgpkey.{domain}", f"example.com/hu/{hashed}", 404),
    ):
        assert ask(server, "GET", host, f"/.well-known/openpgpkey/{path}").status == status
