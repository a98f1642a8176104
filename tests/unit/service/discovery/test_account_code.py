from __future__ import annotations

import json

import pytest

from mailkeep.model.errors import NotFound
from mailkeep.service.discovery.account_code import account_code, has_account_code
from mailkeep.service.wellknown import Site

ANN = "ann@example.org"
WITHOUT_TLS = Site(hostname="mail.example.org", imap=143, submission=587)


def test_the_code_holds_both_servers_and_no_password() -> None:
    site = Site(hostname="mail.example.org", imap=143, imaps=993, pop3s=995, submission=587, submissions=465)
    assert json.loads(account_code(ANN, site)) == [
        1,
        [1, 1],
        [0, "mail.example.org", 993, 3, 1, ANN],
        [[[0, "mail.example.org", 465, 3, 1, ANN], [ANN, ""]]],
    ]


def test_starttls_is_told_where_there_is_nothing_better() -> None:
    _, _, server, ((sender, _),) = json.loads(account_code(ANN, WITHOUT_TLS))
    assert server[2:4] == [143, 2]
    assert sender[2:4] == [587, 2]


def test_pop3_is_told_where_there_is_no_imap() -> None:
    site = Site(hostname="mail.example.org", pop3s=995, submissions=465)
    assert json.loads(account_code(ANN, site))[2][:4] == [1, "mail.example.org", 995, 3]


@pytest.mark.parametrize(
    ("address", "site"),
    [
        ("änne@example.org", WITHOUT_TLS),
        (ANN, Site(hostname="mail.example.org", imaps=993)),
        (ANN, Site(hostname="mail.example.org", submissions=465)),
    ],
    ids=["an address beyond ASCII", "no way to send", "no way to read"],
)
def test_what_the_programs_do_not_take_has_no_code(address: str, site: Site) -> None:
    assert not has_account_code(address, site)
    with pytest.raises(NotFound):
        account_code(address, site)
