"""Where the body begins, and who a message says it is from."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailkeep.service.spool import Octets, Spool
from mailkeep.smtp.verify.header import MAX_HEADER, Authors, HeaderTooLarge, parse_header, read_authors, read_head


def octets(message: bytes) -> Octets:
    return Octets(len(message), b"", message, None)


def authors(header: str) -> Authors:
    return read_authors(parse_header(read_head(octets(header.encode() + b"\r\n\r\nbody\r\n"))))


@pytest.mark.parametrize(
    ("message", "size"),
    [
        (b"A: b\r\n\r\nbody", 8),
        (b"A: b\r\n c\r\n\r\n\r\nbody", 12),
        (b"\r\nbody\r\n\r\n", 2),
        (b"A: b\r\n", 6),
        (b"A: b", 4),
        (b"", 0),
        (b"A: b\n\nbody", 6),
    ],
)
def test_the_body_begins_after_the_first_empty_line(message: bytes, size: int) -> None:
    assert len(read_head(octets(message))) == size


def test_a_header_in_a_file_is_read(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10_000_000, in_memory=10)
    spool.write(b"A: b\r\nC: d\r\n\r\n" + b"x" * 3_000_000)
    found = parse_header(read_head(spool.finish()))
    assert found.fields == ((b"A", b" b\r\n"), (b"C", b" d\r\n"))
    assert found.size == 14


def test_a_header_without_end_is_too_large() -> None:
    with pytest.raises(HeaderTooLarge):
        read_head(octets(b"A: b\r\n" * MAX_HEADER))


def test_a_header_of_the_largest_size_is_read() -> None:
    assert len(read_head(octets(b"A:" + b"x" * (MAX_HEADER - 6) + b"\r\n\r\n" + b"body"))) == MAX_HEADER


@pytest.mark.rfc("9989", "5.3.1")
@pytest.mark.parametrize(
    ("header", "domains"),
    [
        ("From: Ann <ann@Example.ORG>", ("example.org",)),
        ('From: "ceo@bank.example" <ann@example.org>', ("example.org",)),
        ("From: ann@example.org (ceo@bank.example)", ("example.org",)),
        ("From: ann@bücher.example", ("xn--bcher-kva.example",)),
        ("From: a@example.org, b@example.org", ("example.org",)),
        ("from:\r\n\tann@example.org", ("example.org",)),
        ("From: ann@[192.0.2.1]", ("[192.0.2.1]",)),
        ("From: ceo@bank.example <ann@example.org>", ("example.org",)),
        ("From: <@relay.example:ann@example.org>(her)", ("example.org",)),
        ("From: ann@example.org(her)", ("example.org",)),
        ("From: Team: a@example.org;", ("example.org",)),
    ],
)
def test_one_domain_is_the_author(header: str, domains: tuple[str, ...]) -> None:
    assert authors(header) == Authors(domains, doubtful=False)


@pytest.mark.rfc("9989", "11.5")
@pytest.mark.parametrize(
    ("header", "domains"),
    [
        ("Subject: nobody", ()),
        ("From: ", ()),
        ("From: undisclosed:;", ()),
        ("From: just a name", ()),
        ("From: ann@", ()),
        ("From: ann@-bad-.example", ()),
        ("From: ceo@bank.example, x@-bad-", ("bank.example",)),
        ("From: @a@bank.example", ("a",)),
        ('From: ceo@bank.example"x"', ("bank.examplex",)),
        ("From: ceo@bank.example>é", ("bank.xn--example-hya",)),
        ("From: <x@<ceo@bank.example>", ("ceobank.example",)),
        ("From: a@example.org\r\nFrom: ceo@bank.example", ("example.org", "bank.example")),
        ("From : a@example.org\r\nFROM: ceo@bank.example", ("example.org", "bank.example")),
        ("From: " + ", ".join(f"a@d{number}.example" for number in range(9)), tuple(f"d{n}.example" for n in range(4))),
        ("From: a@example.org," + " " * 9000 + "ceo@bank.example", ("example.org",)),
    ],
)
def test_none_or_several_authors_are_doubtful(header: str, domains: tuple[str, ...]) -> None:
    assert authors(header) == Authors(domains, doubtful=True)


def test_two_domains_in_one_field_are_both_asked() -> None:
    assert authors("From: a@example.org, ceo@bank.example") == Authors(("example.org", "bank.example"), doubtful=False)


def test_of_very_many_from_fields_only_the_first_are_looked_at() -> None:
    found = authors("\r\n".join(f"From: a@d{number}.example" for number in range(10_000)))
    assert found == Authors(tuple(f"d{number}.example" for number in range(4)), doubtful=True)
