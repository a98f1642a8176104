"""What senders are told of mail to other servers (RFC 3461, RFC 3464): the whole server, before a scripted one."""

from __future__ import annotations

from email.message import EmailMessage, Message

import pytest
from tests.conformance.smtp.scripted import Start

from mailkeep.config import Queue


def groups(report: EmailMessage) -> dict[str, Message]:
    """The fields about each recipient, by address."""
    _, status, _ = report.iter_parts()
    payload = status.get_payload()
    assert isinstance(payload, list)
    return {group["Final-Recipient"].partition("; ")[2]: group for group in payload[1:]}


@pytest.mark.rfc("3464", "2.3")
def test_what_another_server_refuses_comes_back_with_its_words(world: Start) -> None:
    here = world({"RCPT": "550 5.1.1 No such user here"})
    here.send("bob@example.net")
    report = here.report()
    assert report["Return-Path"] == "<>"
    assert report["Subject"] == "Not delivered: Lunch"
    group = groups(report)["bob@example.net"]
    assert (group["Action"], group["Status"]) == ("failed", "5.1.1")
    assert group["Diagnostic-Code"] == "smtp; 550 5.1.1 No such user here"
    assert group["Remote-MTA"] == "dns; mx.example.net"
    assert "At noon?" in report.as_string()


@pytest.mark.parametrize(("domain", "status"), [("null.example", "5.1.10"), ("nowhere.example", "5.1.2")])
def test_mail_to_where_no_mail_is_taken_comes_back(world: Start, domain: str, status: str) -> None:
    here = world({})
    here.send(f"bob@{domain}")
    [group] = groups(here.report()).values()
    assert (group["Action"], group["Status"], group["Remote-MTA"]) == ("failed", status, None)


def test_who_waits_too_long_is_told_so(world: Start) -> None:
    here = world({"RCPT": "450 4.2.0 Greylisted"}, Queue(retry=(1,), warn_after=1))
    here.send("bob@example.net")
    report = here.report()
    assert report["Subject"] == "Delayed: Lunch"
    group = groups(report)["bob@example.net"]
    assert (group["Action"], group["Diagnostic-Code"]) == ("delayed", "smtp; 450 4.2.0 Greylisted")
    assert group["Will-Retry-Until"]
    assert list(report.iter_parts())[2].get_content_type() == "text/rfc822-headers"


@pytest.mark.rfc("3461", "5.2.2")
def test_a_server_that_does_not_report_is_spoken_for(world: Start) -> None:
    here = world({})
    here.send("bob@example.net NOTIFY=SUCCESS", "cy@example.net", "dan@example.net NOTIFY=FAILURE")
    [(address, group)] = groups(here.report()).items()
    assert (address, group["Action"], group["Remote-MTA"]) == ("bob@example.net", "relayed", "dns; mx.example.net")


@pytest.mark.rfc("3461", "5.2.1")
def test_a_server_that_reports_is_asked_to(world: Start) -> None:
    here = world({"RCPT TO:<eve": "550 5.1.1 Nobody"}, offers=("PIPELINING", "DSN"))
    here.send(
        "bob@example.net NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;b+2B1@here", "eve@example.net", parameters=" ENVID=e1"
    )
    assert list(groups(here.report())) == ["eve@example.net"]
    assert any(command.endswith("NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;b+2B1@here") for command in here.peer.commands)
    assert any("ENVID=e1" in command for command in here.peer.commands)


@pytest.mark.rfc("3461", "5.2.6")
def test_who_wants_to_know_nothing_is_told_nothing(world: Start) -> None:
    here = world({"RCPT": "550 5.1.1 Nobody"})
    here.send("bob@example.net NOTIFY=NEVER", "cy@example.net NOTIFY=SUCCESS", "eve@example.net NOTIFY=FAILURE")
    assert list(groups(here.report())) == ["eve@example.net"]


@pytest.mark.rfc("3461", "4.3")
@pytest.mark.parametrize(("ret", "kind"), [("FULL", "message/rfc822"), ("HDRS", "text/rfc822-headers")])
def test_as_much_comes_back_as_was_asked_for(world: Start, ret: str, kind: str) -> None:
    here = world({"RCPT": "550 5.1.1 Nobody"})
    here.send("bob@example.net", parameters=f" RET={ret}")
    assert list(here.report().iter_parts())[2].get_content_type() == kind
