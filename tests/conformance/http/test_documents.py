"""What mail programs and other servers fetch, by whatever name they ask."""

import http.client
import xml.etree.ElementTree as ET

import pytest
from tests.live import Account, Service


def get(server: Service, host: str, path: str, *, secure: bool = True) -> tuple[int, dict[str, str], bytes]:
    connection = (
        http.client.HTTPSConnection("localhost", server.https[1], context=server.tls(), timeout=20)
        if secure
        else http.client.HTTPConnection("localhost", server.http[1], timeout=20)
    )
    connection.request("GET", path, headers={"Host": host})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body


@pytest.fixture
def domain(account: Account) -> str:
    return account.user.partition("@")[2]


@pytest.mark.rfc("8461", "3.3")
def test_the_policy_of_mta_sts_is_at_the_name_of_its_domain(server: Service, domain: str) -> None:
    status, headers, body = get(server, f"mta-sts.{domain}", "/.well-known/mta-sts.txt")
    assert status == 200
    assert headers["content-type"] == "text/plain; charset=utf-8"
    assert body.startswith(b"version: STSv1\r\n")
    for host in (domain, "mta-sts.example.com", "localhost", f"mta-sts.mta-sts.{domain}"):
        assert get(server, host, "/.well-known/mta-sts.txt")[0] == 404


@pytest.mark.parametrize("secure", [True, False], ids=["https", "http"])
def test_autoconfig_is_at_both_addresses(server: Service, domain: str, secure: bool) -> None:
    places = (
        (f"autoconfig.{domain}", "/mail/config-v1.1.xml"),
        (f"AutoConfig.{domain.upper()}.:443", "/mail/config-v1.1.xml"),
        (domain, "/.well-known/autoconfig/mail/config-v1.1.xml"),
        ("localhost", f"/mail/config-v1.1.xml?emailaddress=nobody%40{domain}"),
    )
    for host, path in places:
        status, headers, body = get(server, host, path, secure=secure)
        assert status == 200, (host, path)
        assert headers["content-type"].startswith("text/xml")
        assert ET.fromstring(body).findtext("./emailProvider/domain") == domain
    assert get(server, f"autoconfig.{domain}", "/mail/config-v1.1.xml?emailaddress=a%40example.com")[0] == 404
    assert get(server, "autoconfig.example.com", "/mail/config-v1.1.xml")[0] == 404
    assert get(server, "localhost", "/mail/config-v1.1.xml?emailaddress=nobody")[0] == 400


def test_answers_carry_a_date_and_no_name_of_a_program(server: Service, domain: str) -> None:
    _, headers, _ = get(server, domain, "/nothing")
    assert "date" in headers
    assert "server" not in headers
    assert headers["x-content-type-options"] == "nosniff"
