"""LOGIN (RFC 9051 §6.2.3)."""

from __future__ import annotations

import time

import pytest
from tests.imap_client import ImapClient, Literal
from tests.live import Account, Service

pytestmark = pytest.mark.rfc("9051", "6.2.3")


def test_it_takes_atoms(server: Service, account: Account) -> None:
    server.connect().ok(f"LOGIN {account.user} {account.password}")


@pytest.mark.parametrize("plus", [False, True], ids=["synchronizing", "non-synchronizing"])
def test_it_takes_literals(server: Service, account: Account, plus: bool) -> None:
    """trap 9: a literal in any astring"""
    user, password = (Literal(text.encode(), plus=plus) for text in (account.user, account.password))
    server.connect().ok("LOGIN", user, password)


def test_it_takes_a_quoted_user_and_a_literal_password(server: Service, account: Account) -> None:
    server.connect().ok(f'LOGIN "{account.user}"', Literal(account.password.encode(), plus=True))


def test_the_user_folds_case(server: Service, account: Account, ours: None) -> None:
    server.connect().ok(f"LOGIN {account.user.upper()} {account.password}")


def test_a_wrong_password_is_authenticationfailed(server: Service, fresh_account: Account) -> None:
    """trap 21"""
    client = server.connect()
    client.no(f"LOGIN {fresh_account.user} wrong", code="AUTHENTICATIONFAILED")
    client.login(fresh_account.user, fresh_account.password)


def test_an_unknown_user_is_authenticationfailed_with_the_same_text(
    server: Service, fresh_account: Account, ours: None
) -> None:
    unknown = server.connect().no("LOGIN nobody@example.org wrong", code="AUTHENTICATIONFAILED")
    known = server.connect().no(f"LOGIN {fresh_account.user} wrong", code="AUTHENTICATIONFAILED")
    assert unknown.text == known.text


def test_failures_get_slower(server: Service, fresh_account: Account, ours: None) -> None:
    client = server.connect()
    begin = time.monotonic()
    for _ in range(3):
        client.no(f"LOGIN {fresh_account.user} wrong", code="AUTHENTICATIONFAILED")
    assert time.monotonic() - begin > 0.5


def test_it_is_refused_after_login(client: ImapClient, account: Account) -> None:
    client.bad(f"LOGIN {account.user} {account.password}")


@pytest.mark.parametrize("line", ["LOGIN", "LOGIN one", "LOGIN one two three", 'LOGIN "open two'])
def test_malformed_commands_are_refused(server: Service, line: str) -> None:
    client = server.connect()
    client.bad(line)
    client.ok("NOOP")


def test_a_password_of_eight_bit_octets_is_compared_not_refused(server: Service, fresh_account: Account) -> None:
    """trap 42"""
    server.connect().no(f"LOGIN {fresh_account.user}", Literal("żółw".encode(), plus=True), code="AUTHENTICATIONFAILED")


def test_commands_of_later_states_are_refused_before_login(server: Service) -> None:
    client = server.connect()
    for line in ("SELECT INBOX", 'LIST "" *', "FETCH 1 FLAGS", "STATUS INBOX (MESSAGES)", "CREATE x", "IDLE"):
        client.bad(line)


def test_sixty_connections_of_one_user_are_taken(server: Service, account: Account) -> None:
    """trap 20"""
    clients = [server.connect(account) for _ in range(60)]
    for client in clients:
        client.ok("NOOP")


def test_connections_beyond_the_limit_are_told_so(server: Service, fresh_account: Account, ours: None) -> None:
    """trap 20: 200 for an account; the next is refused with words, not dropped"""
    for _ in range(200):
        server.connect(fresh_account)
    one_more = server.connect()
    reply = one_more.command(f"LOGIN {fresh_account.user} {fresh_account.password}")
    assert reply.kind == "NO"
    assert reply.code
    assert reply.code.name in ("LIMIT", "UNAVAILABLE")
