"""Reports of delivery: read back by the standard library, and as RFC 3464 and RFC 3461 §10 show them."""

from __future__ import annotations

import dataclasses
import email
import email.policy
from email.message import EmailMessage, Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.formats.dsn import MAX_TEXT, Action, Report, Status, compose
from mailkeep.formats.mime.scan import scan

NOW = 1_700_000_000  # Tue, 14 Nov 2023 22:13:20 UTC
MESSAGE = b"From: ann@example.org\r\nSubject: Lunch\r\nMessage-ID: <1@example.org>\r\n\r\nAt noon?\r\n"
FAILED = Status(
    address="bob@example.net",
    action=Action.FAILED,
    status="5.1.1",
    text="No such user",
    code=550,
    host="mx.example.net",
    tried_at=NOW + 60,
)
REPORT = Report(
    hostname="mail.example.org",
    to="ann@example.org",
    token="f00d",
    made_at=NOW + 60,
    arrived_at=NOW,
    recipients=(FAILED,),
    returned=MESSAGE,
    whole=True,
)


def about(status: Status, **changes: object) -> Report:
    return dataclasses.replace(REPORT, recipients=(status,), **changes)  # type: ignore[arg-type]


def parse(report: Report) -> EmailMessage:
    message = email.message_from_bytes(compose(report), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def parts(report: Report) -> tuple[str, list[Message], Message]:
    """The explanation, the groups of status fields, and what is returned."""
    text, status, returned = parse(report).iter_parts()
    groups = status.get_payload()
    assert isinstance(groups, list)
    return text.get_content(), groups, returned


def test_a_report_is_a_multipart_report_of_three_parts() -> None:
    message = parse(REPORT)
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    kinds = [part.get_content_type() for part in message.iter_parts()]
    assert kinds == ["text/plain", "message/delivery-status", "message/rfc822"]


def test_a_report_is_marked_as_an_automatic_reply_to_the_message() -> None:
    message = parse(REPORT)
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["In-Reply-To"] == "<1@example.org>"
    assert message["From"] == "Mail Delivery System <MAILER-DAEMON@mail.example.org>"
    assert message["To"] == "ann@example.org"
    assert message["Message-ID"] == "<f00d@mail.example.org>"
    assert message["Date"] == "Tue, 14 Nov 2023 22:14:20 +0000"


def test_the_subject_says_what_happened_to_which_message() -> None:
    assert parse(REPORT)["Subject"] == "Not delivered: Lunch"
    assert parse(dataclasses.replace(REPORT, returned=b"To: x\r\n\r\n"))["Subject"] == "Not delivered: your message"


def test_a_subject_beyond_ascii_is_encoded_again() -> None:
    subject = b"Subject: =?utf-8?q?F=C3=BCr_dich=2C_und_das_ist_ein_ziemlich_langer_Betreff=2C_wie_man_sieht?=\r\n\r\n"
    message = compose(dataclasses.replace(REPORT, returned=subject, whole=False))
    assert message.partition(b"\r\n\r\n")[0].isascii()
    read = email.message_from_bytes(message, policy=email.policy.default)
    assert read["Subject"].startswith("Not delivered: Für dich, und das ist")


def test_fields_about_the_message() -> None:
    _, groups, _ = parts(dataclasses.replace(REPORT, envelope_id="QQ314159"))
    assert groups[0].items() == [
        ("Original-Envelope-Id", "QQ314159"),
        ("Reporting-MTA", "dns; mail.example.org"),
        ("Arrival-Date", "Tue, 14 Nov 2023 22:13:20 +0000"),
    ]


@pytest.mark.rfc("4865", "5.1.2")
def test_the_wish_to_be_held_back_is_told() -> None:
    _, groups, _ = parts(dataclasses.replace(REPORT, held_until=NOW + 3600))
    assert groups[0]["Future-Release-Request"] == "until;2023-11-14T23:13:20Z"


def test_fields_about_a_recipient() -> None:
    _, groups, _ = parts(about(dataclasses.replace(FAILED, original="rfc822;Bob@Example.NET")))
    assert groups[1].items() == [
        ("Original-Recipient", "rfc822; Bob@Example.NET"),
        ("Final-Recipient", "rfc822; bob@example.net"),
        ("Action", "failed"),
        ("Status", "5.1.1"),
        ("Remote-MTA", "dns; mx.example.net"),
        ("Diagnostic-Code", "smtp; 550 5.1.1 No such user"),
        ("Last-Attempt-Date", "Tue, 14 Nov 2023 22:14:20 +0000"),
    ]


@pytest.mark.parametrize(
    ("host", "told"),
    [("mx.example.net[192.0.2.1]", "mx.example.net"), ("[192.0.2.1]", "[192.0.2.1]"), ("[IPv6:2001:db8::1]",) * 2],
)
def test_the_name_of_a_host_stands_without_its_address(host: str, told: str) -> None:
    _, groups, _ = parts(about(dataclasses.replace(FAILED, host=host)))
    assert groups[1]["Remote-MTA"] == f"dns; {told}"


def test_a_name_without_a_dot_is_not_said_to_be_of_dns() -> None:
    _, groups, _ = parts(dataclasses.replace(REPORT, hostname="localhost"))
    assert groups[0]["Reporting-MTA"] == "x-local-hostname; localhost"


def test_an_enhanced_code_that_the_host_gave_is_not_repeated() -> None:
    _, groups, _ = parts(about(dataclasses.replace(FAILED, text="5.7.1 Go away")))
    assert groups[1]["Diagnostic-Code"] == "smtp; 550 5.7.1 Go away"


def test_what_has_been_tried_for_too_long_tells_what_the_host_said_last() -> None:
    text, groups, _ = parts(about(dataclasses.replace(FAILED, status="5.4.7", code=450, text="Come back later")))
    assert groups[1]["Status"] == "5.4.7"
    assert groups[1]["Diagnostic-Code"] == "smtp; 450 Come back later"
    assert "tried for as long as mail is kept" in text


def test_a_fault_of_our_own_is_not_said_to_be_a_reply() -> None:
    status = Status(address="bob@example.net", action=Action.FAILED, status="5.4.4", text="No such domain")
    text, groups, _ = parts(about(status))
    assert "Remote-MTA" not in groups[1]
    assert groups[1]["Diagnostic-Code"] == "x-mailkeep; No such domain"
    assert "said:" not in text


def test_a_delay_says_until_when_it_is_tried() -> None:
    status = Status(
        address="bob@example.net", action=Action.DELAYED, status="4.4.1", text="No answer", retried_until=NOW + 86400
    )
    text, groups, _ = parts(about(status))
    assert groups[1]["Will-Retry-Until"] == "Wed, 15 Nov 2023 22:13:20 +0000"
    assert "Wed, 15 Nov 2023 22:13:20 +0000" in text.replace("\n", " ")
    assert parse(about(status))["Subject"] == "Delayed: Lunch"


def test_only_a_delay_says_until_when() -> None:
    _, groups, _ = parts(about(dataclasses.replace(FAILED, retried_until=NOW)))
    assert "Will-Retry-Until" not in groups[1]


def test_the_explanation_names_address_server_and_reason() -> None:
    text, _, _ = parts(REPORT)
    assert "bob@example.net" in text
    assert "mx.example.net said: 550 5.1.1 No such user" in text
    assert "typing error" in text


def test_recipients_of_several_kinds_stand_in_one_report() -> None:
    delivered = Status(address="cy@example.org", action=Action.DELIVERED, status="2.1.5")
    report = dataclasses.replace(REPORT, recipients=(delivered, FAILED))
    text, groups, _ = parts(report)
    assert [group["Action"] for group in groups[1:]] == ["delivered", "failed"]
    assert parse(report)["Subject"] == "Not delivered: Lunch"
    assert text.index("could not be delivered") < text.index("has been delivered")


def test_the_whole_message_comes_back_as_it_was() -> None:
    message = b"Subject: x\r\n\r\n--report-f00d\r\n--report-f00d--\r\nend"
    octets = compose(dataclasses.replace(REPORT, returned=message))
    returned = scan(octets).children[2]
    assert octets[returned.body_start : returned.end] == message


def test_the_header_comes_back_as_a_header() -> None:
    _, _, returned = parts(dataclasses.replace(REPORT, returned=b"Subject: x\r\n", whole=False))
    assert returned.get_content_type() == "text/rfc822-headers"


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(b"plain\r\n", "7bit"), (b"\xff\r\n", "8bit"), (b"a\nb\r\n", "binary"), (b"\0", "binary"), (b"x" * 999, "binary")],
)
def test_what_is_returned_says_what_octets_it_has(body: bytes, encoding: str) -> None:
    octets = compose(dataclasses.replace(REPORT, returned=b"Subject: x\r\n\r\n" + body))
    assert scan(octets).children[2].encoding == encoding
    assert scan(octets).encoding == encoding  # RFC 2045 §6.4: the whole has what is inside


def test_addresses_beyond_ascii_make_it_a_global_report() -> None:
    status = dataclasses.replace(FAILED, address="jürgen@example.net", original=r"utf-8;j\x{FC}rgen@example.net")
    octets = compose(about(status, to="ännchen@example.org"))
    part = scan(octets).children[1]
    assert part.subtype == "global-delivery-status"
    assert "Final-Recipient: utf-8; jürgen@example.net\r\n".encode() in octets
    assert "Original-Recipient: utf-8; jürgen@example.net\r\n".encode() in octets


def test_headers_beyond_ascii_come_back_as_global() -> None:
    octets = compose(dataclasses.replace(REPORT, returned="Subject: für\r\n\r\nx".encode()))
    assert (scan(octets).children[2].maintype, scan(octets).children[2].subtype) == ("message", "global")
    octets = compose(dataclasses.replace(REPORT, returned="Subject: für\r\n".encode(), whole=False))
    assert scan(octets).children[2].subtype == "global-headers"


@given(
    st.text(max_size=3 * MAX_TEXT),
    st.text(max_size=300),
    st.text(max_size=100),
    st.text(max_size=100),
    st.text(max_size=50),
    st.sampled_from(list(Action)),
)
def test_nothing_that_a_host_says_breaks_a_report(
    said: str, address: str, host: str, original: str, envelope_id: str, action: Action
) -> None:
    status = Status(
        address=address, action=action, status=said[:7], text=said, code=550, host=host, original="rfc822;" + original
    )
    octets = compose(about(status, envelope_id=envelope_id))
    root = scan(octets)
    assert [part.maintype for part in root.children] == ["text", "message", "message"]
    body = octets[root.children[1].body_start : root.children[1].end]
    assert body.count(b"\r\n\r\n") == 1
    assert octets.count(b"\r") == octets.count(b"\r\n") == octets.count(b"\n")
    names = {line.partition(b":")[0] for line in body.split(b"\r\n") if line and not line.startswith(b" ")}
    assert names <= {
        b"Original-Envelope-Id", b"Reporting-MTA", b"Arrival-Date", b"Original-Recipient", b"Final-Recipient",
        b"Action", b"Status", b"Remote-MTA", b"Diagnostic-Code", b"Last-Attempt-Date", b"Will-Retry-Until",
    }  # fmt: skip
