"""Passwords that OpenLDAP checks."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.slapd import BASE, PASSWORD, READER, READER_PASSWORD, Slapd, running_slapd

from mailkeep.formats.ldap import Scope, parse_filter
from mailkeep.model.errors import Unavailable
from mailkeep.service.ldap import WORDS, LdapDirectory, Lookup, Terms


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    with running_slapd(tmp_path_factory.mktemp("slapd")) as running:
        yield running


def terms(slapd: Slapd, **changes: Any) -> Terms:
    """Found by a search, over a connection in the clear."""
    lookup = Lookup(
        base=BASE,
        scope=Scope.SUBTREE,
        condition=parse_filter("(|(uid={name})(mail={user}))", WORDS),
        reader=READER,
        password=READER_PASSWORD,
    )
    return replace(
        Terms(
            urls=(slapd.url,),
            tls=ssl.create_default_context(cafile=slapd.authority),
            starttls=False,
            lookup=lookup,
            name="",
            address="mail",
            within_s=10.0,
        ),
        **changes,
    )


def check(terms: Terms, user: str, password: str) -> str | None:
    async def run(work: Coroutine[Any, Any, None]) -> None:
        await work

    return asyncio.run(LdapDirectory(terms, run).check(user, password))


def direct(slapd: Slapd) -> Terms:
    """The name follows from what the user types."""
    return terms(slapd, lookup=None, name=f"uid={{name}},ou=people,{BASE}")


@pytest.mark.parametrize(
    ("user", "password", "address"),
    [
        ("ann", PASSWORD, "ann@example.org"),
        ("ann@example.org", PASSWORD, "ann@example.org"),
        ("ANN", PASSWORD, "ann@example.org"),
        ("ann", "wrong", None),
        ("ann", "", None),
        ("nobody", PASSWORD, None),
        ("*", PASSWORD, None),  # no filter, but a name that nobody has
        ("ann)(uid=*", PASSWORD, None),
        ("locked", PASSWORD, None),  # has no password
        ("nomail", PASSWORD, None),
        ("a" * 400, PASSWORD, None),
        ("\0", PASSWORD, None),
    ],
)
def test_a_user_that_a_search_finds_logs_in_with_his_password(
    slapd: Slapd, user: str, password: str, address: str | None
) -> None:
    assert check(terms(slapd), user, password) == address


@pytest.mark.parametrize(
    ("user", "address"), [("ann", "ann@example.org"), ("nobody", None), (f"ann,ou=people,{BASE}", None)]
)
def test_a_user_whose_name_follows_logs_in_without_a_search(slapd: Slapd, user: str, address: str | None) -> None:
    assert check(direct(slapd), user, PASSWORD) == address
    assert check(direct(slapd), user, "wrong") is None


def test_without_an_attribute_the_user_gives_his_address(slapd: Slapd) -> None:
    assert check(terms(slapd, address=""), "ann@example.org", PASSWORD) == "ann@example.org"


def test_two_that_fit_are_none(slapd: Slapd) -> None:
    found = terms(slapd).lookup
    assert found
    both = terms(slapd, lookup=replace(found, condition=parse_filter("(cn=Ann)", WORDS)))
    assert check(both, "ann", PASSWORD) is None


def test_tls_from_the_first_octet_and_by_starttls(slapd: Slapd) -> None:
    for secured in (terms(slapd, urls=(slapd.secure_url,)), terms(slapd, starttls=True)):
        assert check(secured, "ann", PASSWORD) == "ann@example.org"
        assert check(secured, "ann", "wrong") is None
        with pytest.raises(Unavailable):  # nobody vouches for it
            check(replace(secured, tls=ssl.create_default_context()), "ann", PASSWORD)


def test_another_server_is_asked_where_one_is_away(slapd: Slapd) -> None:
    assert check(terms(slapd, urls=("ldap://127.0.0.1:1", slapd.url)), "ann", PASSWORD) == "ann@example.org"


def test_what_is_wrong_with_the_directory_is_not_the_password(slapd: Slapd) -> None:
    found = terms(slapd).lookup
    assert found
    for broken in (
        terms(slapd, urls=("ldap://127.0.0.1:1",)),
        terms(slapd, lookup=replace(found, password="wrong")),
        terms(slapd, lookup=replace(found, base="dc=elsewhere")),
    ):
        with pytest.raises(Unavailable):
            check(broken, "ann", PASSWORD)


def test_a_user_who_may_not_be_read_by_strangers_is_not_found_by_them(slapd: Slapd, tmp_path: Path) -> None:
    found = terms(slapd).lookup
    assert found
    with pytest.raises(Unavailable):  # what is hidden does not exist: the base itself is not there
        check(terms(slapd, lookup=replace(found, reader="")), "ann", PASSWORD)
