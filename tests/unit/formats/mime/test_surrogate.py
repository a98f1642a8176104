"""Messages for programs that know ASCII headers alone (RFC 6858)."""

from __future__ import annotations

from email import message_from_bytes, policy

import pytest
from hypothesis import given
from tests.any_mail import MAIL
from tests.corpus import ODD, messages

from mailkeep.formats.mime.scan import scan
from mailkeep.formats.mime.surrogate import MAX_PATCHES, surrogate


def patched(data: bytes) -> bytes:
    out, at = b"", 0
    for patch in surrogate(scan(data), data):
        assert at <= patch.start <= patch.stop <= len(data)
        out += data[at : patch.start] + patch.octets
        at = patch.stop
    return out + data[at:]


def header(field: str) -> str:
    """What becomes of a header of this one field, unfolded."""
    octets = patched(f"{field}\r\nX: y\r\n\r\nbody\r\n".encode())
    assert octets.isascii()
    assert octets.endswith(b"X: y\r\n\r\nbody\r\n")
    return octets[: -len(b"X: y\r\n\r\nbody\r\n")].decode().replace("\r\n ", " ")


@pytest.mark.rfc("6858", "2.1")
@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("From: Ä <a@b.org>", "From: =?utf-8?b?w4Q=?= <a@b.org>\r\n"),
        ("To: ä@b.org", "To: =?utf-8?b?w6RAYi5vcmc=?= <invalid@internationalized-address.invalid>\r\n"),
        ('To: "Ä, B" <a@b.org>, c@d.org', "To: =?utf-8?b?w4QsIEI=?= <a@b.org>, c@d.org\r\n"),
        ('Cc: "Lee, Ann" <a@b.org>, Ä <b@b.org>', 'Cc: "Lee, Ann" <a@b.org>, =?utf-8?b?w4Q=?= <b@b.org>\r\n'),
        ("To: Ä: a@b.org, c@d.org;", "To: =?utf-8?b?w4Q=?=: a@b.org, c@d.org;\r\n"),
        ("To: a@b.org, Ä:;, c@d.org", "To: a@b.org, =?utf-8?b?w4Q=?=:;, c@d.org\r\n"),
        ('From: "a b"@b.org, Ä <x@y>', 'From: "a b"@b.org, =?utf-8?b?w4Q=?= <x@y>\r\n'),
    ],
)
def test_addresses(field: str, expected: str) -> None:
    assert header(field) == expected


@pytest.mark.rfc("6858", "2.2")
@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ('Content-Type: text/plain; name="ä.txt"; x=y', "Content-Type: text/plain; name*=utf-8''%C3%A4.txt; x=y\r\n"),
        ('Content-Disposition: inline; a="b c"; d="é"', "Content-Disposition: inline; a=\"b c\"; d*=utf-8''%C3%A9\r\n"),
        ("Content-Type: ä", "Content-Type: application/octet-stream\r\n"),
    ],
)
def test_parameters(field: str, expected: str) -> None:
    assert header(field) == expected


@pytest.mark.rfc("6858", "2.4")
@pytest.mark.parametrize("field", ["Message-ID: <ä@b>", "X-Any: ä", "Received: from ä", "Ä: b", "not ä field"])
def test_what_cannot_be_written_is_left_out(field: str) -> None:
    assert header(field) == ""


@pytest.mark.rfc("6858", "2.3")
def test_a_subject_in_whatever_charset_can_be_read() -> None:
    assert header("Subject: Ä") == "Subject: =?utf-8?b?w4Q=?=\r\n"
    octets = patched(b"Subject: Gr\xfc\xdfe\r\n\r\n")
    assert message_from_bytes(octets, policy=policy.default)["Subject"] == "Grüße"


def test_ascii_stays_as_it_came() -> None:
    for data in (b"", b"Subject: a\n\n\xff", b"a\r\n", b"Subject: =?utf-8?q?=C3=A4?=\r\n\r\n"):
        assert patched(data) == data


def test_headers_of_parts_and_of_messages_inside_are_changed_too() -> None:
    inner = "Subject: é\r\n\r\ninner\r\n"
    data = (
        'Content-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\nContent-Type: message/rfc822\r\n\r\n'
        f"{inner}--x\r\nContent-Description: ö\r\n\r\nü\r\n--x--\r\n"
    ).encode()
    changed = patched(data)
    assert b"Subject: =?utf-8?b?w6k=?=\r\n\r\ninner\r\n--x" in changed
    assert "Content-Description: =?utf-8?b?w7Y=?=\r\n\r\nü\r\n--x--".encode() in changed


def test_the_work_is_bounded() -> None:
    data = b"".join(b"Subject: \xff%b\r\n" % (b"x" * 900) for _ in range(1100)) + b"\r\n"
    assert sum(len(patch.octets) for patch in surrogate(scan(data), data)) <= MAX_PATCHES
    part = b"--x\r\nSubject: \xff%b\r\n\r\n\r\n" % (b"x" * 50_000)
    data = b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n' + part * 200 + b"--x--\r\n"
    assert 0 < sum(len(patch.octets) for patch in surrogate(scan(data), data)) <= MAX_PATCHES


def _is_sound(data: bytes) -> bool:
    octets = patched(data)
    root = scan(octets)
    return octets[: root.body_start].isascii() and patched(octets) == octets


def test_every_message_of_the_corpus_gets_headers_in_ascii() -> None:
    assert [data for data in (*messages(300), *ODD.values()) if not _is_sound(data)] == []


@given(MAIL)
def test_whatever_a_message_is_its_surrogate_has_an_ascii_header(data: bytes) -> None:
    octets = patched(data)
    root = scan(octets)
    assert octets[: root.body_start].isascii()
