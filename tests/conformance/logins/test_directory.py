"""Passwords that OpenLDAP or a hook checks, over every protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.conformance.pop3.pop3_client import Pop3
from tests.conformance.smtp.smtp_client import Smtp
from tests.imap_client import Literal
from tests.live import OWN, Service, free_port
from tests.slapd import BASE, PASSWORD, READER, READER_PASSWORD, Slapd, running_slapd

from mailkeep.config import Accounts, Auth, Ldap

HOOK = """
from mailkeep.hook import Login

def on_login(login: Login):
    if login.user == "broken":
        raise RuntimeError
    return "own@example.org" if (login.user, login.password) == ("staff-7", "let me in") else None
"""


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    with running_slapd(tmp_path_factory.mktemp("slapd")) as running:
        yield running


def test_a_user_of_the_directory_logs_in_and_gets_an_account(
    configured: Callable[..., Service], slapd: Slapd, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(READER_PASSWORD + "\n")
    ldap = Ldap(
        servers=(slapd.url,),
        authorities=slapd.authority,
        base=BASE,
        filter="(|(uid={name})(mail={user}))",
        reader=READER,
        password_file=secret,
    )
    service = configured(ldap=ldap, accounts=Accounts(at_login=True))
    for user in ("ann@example.org", "ann"):
        client = service.connect()
        client.ok("LOGIN", user, Literal(PASSWORD.encode()))
        client.ok("SELECT INBOX")
    service.connect().no("LOGIN ann wrong", code="AUTHENTICATIONFAILED")
    service.connect().no("LOGIN nobody wrong", code="AUTHENTICATIONFAILED")
    service.connect(OWN)  # whom the directory does not know
    with Smtp(service.submissions, service.tls()) as smtp:
        smtp.hello()
        assert smtp.log_in("ann", PASSWORD).codes == (235, "2.7.0")


def test_a_directory_that_is_away_is_a_passing_fault_but_not_for_those_it_need_not_be_asked_about(
    configured: Callable[..., Service],
) -> None:
    service = configured(ldap=Ldap(servers=(f"ldap://127.0.0.1:{free_port()}",), base=BASE))
    service.connect(OWN)
    service.connect().no("LOGIN ann password", code="UNAVAILABLE")
    service.connect().no(f"LOGIN {OWN.user} wrong", code="UNAVAILABLE")
    with Smtp(service.submissions, service.tls()) as smtp:
        smtp.hello()
        assert smtp.log_in("ann", "x").codes == (454, "4.7.0")
    with Pop3(service.pop3s, service.tls()) as pop:
        assert pop.log_in("ann", "x").startswith("-ERR [SYS/TEMP]")


def test_a_hook_says_whose_account_is_opened(configured: Callable[..., Service], tmp_path: Path) -> None:
    file = tmp_path / "hook.py"
    file.write_text(HOOK)
    service = configured(auth=Auth(throttle=False, hook=file))
    for _ in range(2):
        service.connect().ok('LOGIN staff-7 "let me in"')
    service.connect().no('LOGIN staff-7 "let me out"', code="AUTHENTICATIONFAILED")
    service.connect().no("LOGIN broken x", code="UNAVAILABLE")
    service.connect(OWN)
