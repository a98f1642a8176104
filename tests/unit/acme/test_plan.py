"""When a certificate is asked for, and for which names."""

import datetime as dt
from pathlib import Path

import pytest

from mailkeep.acme.folder import HOST, Held, Notes, Refusal
from mailkeep.acme.plan import Wanted, failed, find_reason, gains, is_worth_it, renewal_time, succeeded, unchanged
from mailkeep.certificates import CertificateFiles

DAY = 86400.0
BEGIN = 1_700_000_000.0
FILES = CertificateFiles(Path("certificate.pem"), Path("key.pem"))


def held(*names: str) -> Held:
    """For 90 days."""
    since = dt.datetime.fromtimestamp(BEGIN, dt.UTC)
    return Held(FILES, names, "CN=authority", since, since + dt.timedelta(days=90), "id")


def wanted(*names: str, group: str = HOST) -> Wanted:
    return Wanted(group, names, {}, {})


def test_without_a_certificate_one_is_asked_for() -> None:
    assert find_reason(wanted("a.example"), None, Notes(), BEGIN) == "there is none"


def test_without_a_name_that_leads_here_none_is_asked_for() -> None:
    assert find_reason(wanted(group="example.org"), None, Notes(), BEGIN) == ""


def test_a_certificate_is_renewed_when_two_thirds_of_its_life_are_over() -> None:
    now = held("a.example")
    assert renewal_time(now, Notes()) == BEGIN + 60 * DAY
    assert find_reason(wanted("a.example"), now, Notes(), BEGIN + 60 * DAY - 1) == ""
    assert find_reason(wanted("a.example"), now, Notes(), BEGIN + 60 * DAY) == "it is time to renew it"


@pytest.mark.rfc("9773", "4.2")
def test_a_certificate_is_renewed_when_the_authority_advises_but_before_it_runs_out() -> None:
    assert renewal_time(held("a.example"), Notes(renew_at=BEGIN + 20 * DAY)) == BEGIN + 20 * DAY
    assert renewal_time(held("a.example"), Notes(renew_at=BEGIN + 900 * DAY)) == BEGIN + 75 * DAY


def test_advice_to_renew_at_once_is_not_followed_again_and_again() -> None:
    assert renewal_time(held("a.example"), Notes(renew_at=BEGIN - DAY)) == BEGIN + 15 * DAY


def test_a_certificate_of_an_authority_that_is_no_longer_asked_is_replaced() -> None:
    notes = Notes(directory="https://new.example/", made_by="https://old.example/")
    assert find_reason(wanted("a.example"), held("a.example"), notes, BEGIN).startswith("it is from another authority")
    assert gains(("a.example",), held("a.example"), notes, BEGIN)
    after = succeeded(notes, ("a.example",), {}, BEGIN)
    assert find_reason(wanted("a.example"), held("a.example"), after, BEGIN) == ""


def test_a_name_that_is_missing_is_a_reason_unless_it_was_refused_within_a_day() -> None:
    now, both = held("a.example"), wanted("a.example", "b.example")
    refused = Notes(refused={"b.example": Refusal("no", BEGIN)})
    assert find_reason(both, now, Notes(), BEGIN) == "it lacks b.example"
    assert find_reason(both, now, refused, BEGIN + DAY - 1) == ""
    assert find_reason(both, now, refused, BEGIN + DAY) == "it lacks b.example"


def test_a_name_too_many_is_no_reason() -> None:
    assert find_reason(wanted("a.example"), held("a.example", "b.example"), Notes(), BEGIN) == ""


def test_no_certificate_without_the_hosts_own_name_is_worth_it() -> None:
    both = wanted("host.example", "b.example")
    assert not is_worth_it(both, ("b.example",), None, BEGIN)
    assert is_worth_it(both, ("host.example",), None, BEGIN)
    assert is_worth_it(wanted("a.example", "b.example", group="example"), ("b.example",), None, BEGIN)
    assert not is_worth_it(wanted("a.example", group="example"), (), None, BEGIN)


def test_a_certificate_that_lacks_a_name_of_the_old_one_is_worth_it_only_when_that_has_nearly_run_out() -> None:
    both, now = wanted("a.example", "b.example"), held("a.example", "b.example")
    assert not is_worth_it(both, ("a.example",), now, BEGIN + 74 * DAY)
    assert is_worth_it(both, ("a.example",), now, BEGIN + 76 * DAY)
    assert is_worth_it(wanted("a.example"), ("a.example",), now, BEGIN)  # nobody wants the other one any more


def test_a_name_of_which_dns_says_nothing_now_is_kept_too() -> None:
    now, silent = held("a.example", "b.example"), Wanted(HOST, ("a.example",), {}, {"b.example": "SERVFAIL"})
    assert not is_worth_it(silent, ("a.example",), now, BEGIN + 74 * DAY)
    assert is_worth_it(silent, ("a.example",), now, BEGIN + 76 * DAY)
    assert is_worth_it(silent, ("a.example",), None, BEGIN)


def test_a_certificate_with_nothing_new_is_made_only_when_it_is_time() -> None:
    now = held("a.example", "b.example")
    assert not gains(("a.example",), now, Notes(), BEGIN)
    assert gains(("a.example", "c.example"), now, Notes(), BEGIN)
    assert gains(("a.example",), now, Notes(), BEGIN + 60 * DAY)
    assert gains(("a.example",), None, Notes(), BEGIN)


def test_after_each_failure_the_wait_is_longer_up_to_a_day() -> None:
    notes, waits = Notes(), []
    for _ in range(8):
        notes = failed(notes, "fault", {}, BEGIN)
        waits.append(notes.next_at - BEGIN)
    assert waits == [600, 1800, 7200, 21600, 43200, 86400, 86400, 86400]
    assert (notes.failures, notes.fault) == (8, "fault")


def test_an_authority_that_wants_more_time_gets_it() -> None:
    assert failed(Notes(), "slow down", {}, BEGIN, retry_after_s=5000.0).next_at == BEGIN + 5000
    assert failed(Notes(), "slow down", {}, BEGIN, retry_after_s=1.0).next_at == BEGIN + 600


def test_success_forgets_failures_and_refusals_of_names_that_are_in_the_certificate() -> None:
    before = failed(
        Notes(elsewhere={"c.example": "has no address"}), "x", {"a.example": "no", "b.example": "no"}, BEGIN
    )
    after = succeeded(before, ("a.example",), {}, BEGIN)
    assert after == Notes(refused={"b.example": Refusal("no", BEGIN)}, elsewhere={"c.example": "has no address"})


def test_an_attempt_that_shows_nothing_new_keeps_what_is_known() -> None:
    before = failed(Notes(renew_at=5.0, advice_at=6.0), "x", {}, BEGIN)
    after = unchanged(before, {"b.example": "no"}, BEGIN)
    assert after == Notes(renew_at=5.0, advice_at=6.0, refused={"b.example": Refusal("no", BEGIN)})
