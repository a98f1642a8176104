"""What `[pop3]` and `limits` say: LOGIN-DELAY, EXPIRE, the exclusive lock (RFC 2449 §6.5, §6.7, §8.1; RFC 1939 §4)."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable

import pytest
from tests.conformance.pop3.pop3_client import Pop3
from tests.live import OWN, Service, eventually
from tests.scram_client import ScramClient

from mailkeep.config import Auth, Limits
from mailkeep.config import Pop3 as Options

Start = Callable[..., Service]


def log_in(service: Service) -> tuple[Pop3, str]:
    session = Pop3(service.pop3s, service.tls())
    return session, session.log_in(OWN.user, OWN.password)


@pytest.mark.rfc("2449", "6.5")
def test_who_comes_again_too_soon_is_told_so(configured: Start) -> None:
    service = configured(pop3=Options(login_delay=600, expire="30"))
    session, answer = log_in(service)
    with session:
        assert answer.startswith("+OK")
        assert {"LOGIN-DELAY 600", "EXPIRE 30"} <= set(session.lines("CAPA"))
        session.ok("QUIT")
    session, answer = log_in(service)
    with session:
        assert answer == "-ERR [LOGIN-DELAY] Log in no more often than every 600 s"
        assert session.log_in(OWN.user, "wrong").startswith("-ERR [AUTH]")  # and nobody else learns of it


@pytest.mark.rfc("2449", "8.1.2")
def test_a_maildrop_may_be_for_one_session_at_a_time(configured: Start) -> None:
    service = configured(pop3=Options(exclusive=True, expire=""))
    first, answer = log_in(service)
    with first:
        assert answer.startswith("+OK")
        assert not [line for line in first.lines("CAPA") if line.startswith("EXPIRE")]
        second, answer = log_in(service)
        with second:
            assert answer == "-ERR [IN-USE] Another session of this account is open"
            assert second.log_in(OWN.user, "wrong").startswith("-ERR [AUTH]")
            first.ok("QUIT")
            assert first.is_closed()
            assert second.log_in(OWN.user, OWN.password).startswith("+OK")

    def enters() -> bool:
        session, answer = log_in(service)
        session.close()
        return answer.startswith("+OK")

    eventually(enters, "a session that was cut leaves no lock behind")


@pytest.mark.rfc("5034", "4")
@pytest.mark.parametrize("password", [OWN.password, "wrong"], ids=["right", "wrong"])
def test_scram_proves_both_sides_to_each_other(configured: Start, password: str) -> None:
    service = configured(auth=Auth(throttle=False, scram=True))
    scram = ScramClient(OWN.user, password)
    with Pop3(service.pop3s, service.tls()) as session:
        assert "SCRAM-SHA-256" in session.lines("AUTH")
        asked = session.say(b"AUTH SCRAM-SHA-256 " + b64encode(scram.first))
        answer = session.say(b64encode(scram.final(b64decode(asked[2:]))))
        if password == OWN.password:
            assert scram.is_server(b64decode(answer[2:]))
            assert session.say("") == "+OK Logged in, 0 messages"
        else:
            assert answer.startswith("-ERR [AUTH]") or session.say("").startswith("-ERR [AUTH]")


def test_connections_of_an_account_are_counted_with_those_of_imap(configured: Start) -> None:
    service = configured(limits=Limits(connections_per_account=1))
    service.connect(OWN)
    session, answer = log_in(service)
    with session:
        assert answer == "-ERR [SYS/TEMP] Too many connections of this account"
