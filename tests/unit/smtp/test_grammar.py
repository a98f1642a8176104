"""The grammar of command lines, paths, parameters and replies."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailkeep.smtp.wire import auth, bdat, burl, hello, mail, rcpt, xtext
from mailkeep.smtp.wire.bdat import Bdat
from mailkeep.smtp.wire.command import WireError, split
from mailkeep.smtp.wire.mail import Body, Mail, Ret
from mailkeep.smtp.wire.rcpt import Rcpt
from mailkeep.smtp.wire.reply import Reply


def code_of(error: pytest.ExceptionInfo[WireError]) -> tuple[int, str]:
    return error.value.reply.code, error.value.reply.enhanced


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"MAIL FROM:<a@b>", ("MAIL", "FROM:<a@b>")),
        (b"noop", ("NOOP", "")),
        (b"  Rset  ", ("RSET", "")),
        (b"BDAT\t12  LAST ", ("BDAT", "12  LAST")),
        ("RCPT TO:<jörg@b>".encode(), ("RCPT", "TO:<jörg@b>")),
    ],
    ids=repr,
)
def test_a_line_is_a_verb_and_an_argument(line: bytes, expected: tuple[str, str]) -> None:
    assert split(line) == expected


@pytest.mark.parametrize(
    "line", [b"", b"   ", b"\xff\xfe", b"NOOP\0", b"NOOP\r", b"12", b"a" * 33, b"\x16\x03\x01", "ÄÖ".encode()], ids=repr
)
def test_a_line_that_is_no_command_is_refused(line: bytes) -> None:
    with pytest.raises(WireError) as error:
        split(line)
    assert code_of(error) == (500, "5.5.2")


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("FROM:<>", Mail(reverse_path="")),
        ("from: <a@b.example>", Mail(reverse_path="a@b.example")),
        ("FROM:<Joe.O'Neil+x=y@B.example> SIZE=12", Mail(reverse_path="Joe.O'Neil+x=y@B.example", size=12)),
        ("FROM:<@one,@two:joe@three>", Mail(reverse_path="joe@three")),
        ('FROM:<"a b\\"@>"@b.example>', Mail(reverse_path='"a b\\"@>"@b.example')),
        ("FROM:<a@[127.0.0.1]>", Mail(reverse_path="a@[127.0.0.1]")),
        ("FROM:<a@[IPv6:::1]>", Mail(reverse_path="a@[IPv6:::1]")),
        ("FROM:<da..me.@docomo.example>", Mail(reverse_path="da..me.@docomo.example")),
        ("FROM:<a@b> body=8bitmime", Mail(reverse_path="a@b", body=Body.EIGHT_BIT)),
        ("FROM:<a@b> SMTPUTF8", Mail(reverse_path="a@b", smtputf8=True)),
        ("FROM:<jörg@bücher.example> SMTPUTF8", Mail(reverse_path="jörg@bücher.example", smtputf8=True)),
        (
            "FROM:<>  SMTPUTF8   BODY=7BIT SIZE=99999999999999999999",
            Mail(reverse_path="", size=99999999999999999999, smtputf8=True),
        ),
    ],
    ids=repr,
)
@pytest.mark.rfc("5321", "4.1.1.2")
def test_mail_is_read(argument: str, expected: Mail) -> None:
    assert mail.parse(argument) == expected


@pytest.mark.parametrize(
    ("argument", "code"),
    [
        ("", (501, "5.5.4")),
        ("TO:<a@b>", (501, "5.5.4")),
        ("FROM <a@b>", (501, "5.5.4")),
        ("FROM:a@b", (501, "5.1.7")),
        ("FROM:<a@b", (501, "5.1.7")),
        ("FROM:<a b@c>", (501, "5.1.7")),
        ("FROM:<a>", (501, "5.1.7")),
        ("FROM:<postmaster>", (501, "5.1.7")),
        ("FROM:<a\x85@b> SMTPUTF8", (501, "5.1.7")),
        ("FROM:<@b>", (501, "5.1.7")),
        ("FROM:<a@[x>@y]>", (501, "5.1.7")),
        ("FROM:<a@>", (501, "5.1.7")),
        ("FROM:<a@b>SIZE=1", (501, "5.5.4")),
        ("FROM:<a@b> SIZE=", (501, "5.5.4")),
        ("FROM:<a@b> SIZE=-1", (501, "5.5.4")),
        ("FROM:<a@b> SIZE=١", (501, "5.5.4")),
        ("FROM:<a@b> SIZE", (501, "5.5.4")),
        ("FROM:<a@b> SIZE=1 size=1", (501, "5.5.4")),
        ("FROM:<a@b> BODY=BINARYMIME", (501, "5.5.4")),
        ("FROM:<a@b> SMTPUTF8=yes", (501, "5.5.4")),
        ("FROM:<a@b> RET=FULL", (555, "5.5.4")),
        ("FROM:<a@b> =x", (501, "5.5.4")),
        ("FROM:<jörg@b>", (553, "5.6.7")),
    ],
    ids=repr,
)
def test_mail_that_is_not_well_formed_is_refused(argument: str, code: tuple[int, str]) -> None:
    with pytest.raises(WireError) as error:
        mail.parse(argument)
    assert code_of(error) == code


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("TO:<a+b@c>", "a+b@c"),
        ("TO: <@x:a@c>", "a@c"),
        ("to:<PostMaster>", "PostMaster"),
        ("TO:<jörg@bücher.example>", "jörg@bücher.example"),
    ],
    ids=repr,
)
@pytest.mark.rfc("5321", "4.1.1.3")
def test_rcpt_is_read(argument: str, expected: str) -> None:
    assert rcpt.parse(argument) == Rcpt(expected)


@pytest.mark.parametrize(
    ("argument", "code"),
    [
        ("TO:<>", (501, "5.1.3")),
        ("TO:<joe>", (501, "5.1.3")),
        ("FROM:<a@b>", (501, "5.5.4")),
        ("TO:<a@b> NOTIFY=NEVER", (555, "5.5.4")),
    ],
    ids=repr,
)
def test_rcpt_that_is_not_well_formed_is_refused(argument: str, code: tuple[int, str]) -> None:
    with pytest.raises(WireError) as error:
        rcpt.parse(argument)
    assert code_of(error) == code


def test_a_long_hostile_path_is_refused_in_little_time() -> None:
    started = time.process_time()
    for argument in ("TO:<" + "@a," * 20_000, "TO:<" + "a." * 30_000, 'TO:<"' + "\\a" * 30_000, "TO:<@" + "a" * 60_000):
        with pytest.raises(WireError):
            rcpt.parse(argument)
    assert time.process_time() - started < 1.0


@settings(deadline=None)
@given(st.text())
def test_any_argument_is_read_or_refused_as_not_well_formed(argument: str) -> None:
    for parse in (mail.parse, rcpt.parse, bdat.parse, hello.parse):
        with suppress(WireError):
            parse(argument)


@pytest.mark.parametrize(
    ("argument", "expected"),
    [("0", Bdat(0, last=False)), ("86 LAST", Bdat(86, last=True)), ("1  last", Bdat(1, last=True))],
    ids=repr,
)
@pytest.mark.rfc("3030", "2")
def test_bdat_is_read(argument: str, expected: Bdat) -> None:
    assert bdat.parse(argument) == expected


@pytest.mark.parametrize("argument", ["", "LAST", "-1", "1 FIRST", "1 LAST x", "1LAST", "1" * 19, "٣"], ids=repr)
def test_bdat_that_is_not_well_formed_is_refused(argument: str) -> None:
    with pytest.raises(WireError):
        bdat.parse(argument)


@pytest.mark.parametrize("name", ["", "a b", "a\x85b", "a\u2028b", "<a>", "a" * 256], ids=repr)
def test_a_name_in_ehlo_cannot_break_the_trace_line(name: str) -> None:
    with pytest.raises(WireError):
        hello.parse(name)


@pytest.mark.rfc("2034", "4")
def test_a_reply_repeats_its_enhanced_code_on_each_line() -> None:
    assert Reply(250, "2.1.0", "one\ntwo").encode() == b"250-2.1.0 one\r\n250 2.1.0 two\r\n"
    assert Reply(354, "", "go").encode() == b"354 go\r\n"


@settings(deadline=None)
@given(st.text())
def test_a_reply_is_always_lines_of_printable_ascii_within_the_limit(text: str) -> None:
    lines = Reply(550, "5.1.1", text).encode().split(b"\r\n")
    assert lines.pop() == b""
    assert all(len(line) <= 510 and line.isascii() and line.decode().isprintable() for line in lines)


@settings(deadline=None)
@given(st.binary())
def test_xtext_comes_back(octets: bytes) -> None:
    assert xtext.decode(xtext.encode(octets)) == octets


@pytest.mark.parametrize("text", ["a b", "a=b", "+", "+4", "+4g", "+ff", "ä"], ids=repr)
@pytest.mark.rfc("3461", "4")
def test_what_is_not_xtext_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not xtext"):
        xtext.decode(text)


SUBMITTED = mail.SUBMITTED


@pytest.mark.rfc("3461", "4")
@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("RET=full", Mail(reverse_path="a@b", ret=Ret.FULL)),
        ("ret=HDRS ENVID=a+3Db", Mail(reverse_path="a@b", ret=Ret.HDRS, envid="a=b")),
        ("REQUIRETLS", Mail(reverse_path="a@b", require_tls=True)),
        ("HOLDFOR=60", Mail(reverse_path="a@b", hold_for=60)),
        ("HOLDUNTIL=2027-01-15T08:00:00Z", Mail(reverse_path="a@b", hold_until=1_800_000_000)),
        ("HOLDUNTIL=2027-01-15T08:00:00.5-00:30", Mail(reverse_path="a@b", hold_until=1_800_001_800)),
        ("BODY=binarymime", Mail(reverse_path="a@b", body=Body.BINARY)),
        ("AUTH=<>", Mail(reverse_path="a@b")),
    ],
    ids=str,
)
def test_parameters_of_users_are_read(parameters: str, expected: Mail) -> None:
    assert mail.parse(f"FROM:<a@b> {parameters}", SUBMITTED) == expected


@pytest.mark.parametrize(
    "parameters",
    [
        "RET", "RET=ALL", "ENVID", "ENVID=" + "x" * 101, "ENVID=a+zz", "ENVID=+FF", "ENVID=x+0D+0ABcc:", "REQUIRETLS=1",
        "HOLDFOR",
        "HOLDFOR=x", "HOLDFOR=-1", "HOLDFOR=1234567890", "HOLDUNTIL=2027-02-30T08:00:00Z",
        "HOLDUNTIL=0000-01-01T00:00:00Z",
        "HOLDUNTIL=tomorrow", "HOLDUNTIL=2027-01-15", "HOLDUNTIL=2027-01-15T08:00:00", "AUTH", "AUTH=+", "BODY=TEXT",
        "RET=FULL RET=FULL", "SIZE=1e3",
    ],
)  # fmt: skip
def test_parameters_that_are_not_well_formed_are_refused(parameters: str) -> None:
    with pytest.raises(WireError) as error:
        mail.parse(f"FROM:<a@b> {parameters}", SUBMITTED)
    assert code_of(error) == (501, "5.5.4")


@pytest.mark.parametrize("keyword", ["RET=FULL", "ENVID=x", "AUTH=<>", "HOLDFOR=1", "BINARYMIME", "FOO=BAR"])
def test_a_parameter_that_is_not_offered_is_unknown(keyword: str) -> None:
    with pytest.raises(WireError) as error:
        mail.parse(f"FROM:<a@b> {keyword}", mail.RELAYED)
    assert code_of(error) == (555, "5.5.4")


def test_binarymime_is_no_kind_of_body_where_it_is_not_offered() -> None:
    with pytest.raises(WireError) as error:
        mail.parse("FROM:<a@b> BODY=BINARYMIME", mail.BASE)
    assert code_of(error) == (501, "5.5.4")


@pytest.mark.rfc("3461", "4.1")
@pytest.mark.parametrize(
    ("parameters", "notify", "original"),
    [
        ("NOTIFY=NEVER", frozenset(), None),
        ("notify=success,Failure,DELAY", frozenset(rcpt.Event), None),
        ("ORCPT=rfc822;a+2Bb@c", None, "rfc822;a+b@c"),
        ("ORCPT=utf-8;j\\x{F6}rg@b", None, "utf-8;jörg@b"),
        ("ORCPT=utf-8;jörg@b NOTIFY=DELAY", frozenset({rcpt.Event.DELAY}), "utf-8;jörg@b"),
        ("ORCPT=x400;/C=us", None, None),
    ],
)
def test_parameters_of_recipients_are_read(
    parameters: str, notify: frozenset[rcpt.Event] | None, original: str | None
) -> None:
    if "C=us" in parameters:  # an equals sign stands as +3D
        parameters, original = parameters.replace("C=", "C+3D"), "x400;/C=us"
    assert rcpt.parse(f"TO:<a@b> {parameters}", rcpt.DSN) == Rcpt("a@b", notify, original)


@pytest.mark.parametrize(
    "parameters",
    [
        "NOTIFY", "NOTIFY=", "NOTIFY=NEVER,DELAY", "NOTIFY=ALWAYS", "NOTIFY=DELAY,", "ORCPT", "ORCPT=a@b",
        "ORCPT=rfc822;", "ORCPT=rfc822;+0D+0A", "ORCPT=rfc822;+FF", "ORCPT=utf-8;\\x{110000}", "ORCPT=utf-8;\\x{A}",
        "ORCPT=utf-8;\\x{D800}", "ORCPT=rfc822;" + "x" * 500,
    ],
)  # fmt: skip
def test_parameters_of_recipients_that_are_not_well_formed_are_refused(parameters: str) -> None:
    with pytest.raises(WireError) as error:
        rcpt.parse(f"TO:<a@b> {parameters}", rcpt.DSN)
    assert code_of(error) == (501, "5.5.4")


def test_parameters_of_recipients_are_unknown_where_they_are_not_offered() -> None:
    with pytest.raises(WireError) as error:
        rcpt.parse("TO:<a@b> NOTIFY=NEVER")
    assert code_of(error) == (555, "5.5.4")


@given(st.text(max_size=60))
def test_no_text_breaks_a_parser(text: str) -> None:
    for parse, offered in ((mail.parse, SUBMITTED), (rcpt.parse, rcpt.DSN)):
        for start in ("", "FROM:<a@b> ", "TO:<a@b> ", "FROM:<a@b> HOLDUNTIL=", "TO:<a@b> ORCPT=utf-8;"):
            with suppress(WireError):
                parse(start + text, offered)
    for single in (auth.parse, burl.parse, hello.parse, bdat.parse):
        with suppress(WireError):
            single(text)
    with suppress(WireError):
        auth.response(text.encode())


@pytest.mark.rfc("5321", "4.5.3.1.10")
def test_a_path_beyond_the_limit_is_refused() -> None:
    assert mail.parse(f"FROM:<{'x' * 250}@{'y' * 250}.example>")
    for argument, parse, code in (("FROM", mail.parse, "5.1.7"), ("TO", rcpt.parse, "5.1.3")):
        with pytest.raises(WireError) as error:
            parse(f"{argument}:<{'x' * 300}@{'y' * 250}.example>")
        assert code_of(error) == (501, code)
