import datetime as dt

import pytest
import typer

from mailkeep.cli.count import count
from mailkeep.cli.deliver import with_crlf
from mailkeep.cli.size import parse_size
from mailkeep.cli.undelete import parse_time

NOW = 1_800_000_000.5


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("5m", 300), ("2h", 7200), ("3d", 259_200), ("1w", 604_800)],
)
def test_a_time_may_be_given_as_an_age(text: str, seconds: int) -> None:
    assert parse_time(text, NOW) == int(NOW) - seconds


def test_a_time_may_be_given_in_iso_8601() -> None:
    assert parse_time("2026-11-24T08:00+00:00", NOW) == int(dt.datetime(2026, 11, 24, 8, tzinfo=dt.UTC).timestamp())
    local = dt.datetime(2026, 11, 24, 8).astimezone()
    assert parse_time("2026-11-24T08:00", NOW) == int(local.timestamp())


def test_no_time_is_none_and_a_wrong_one_is_refused() -> None:
    assert parse_time(None, NOW) is None
    with pytest.raises(typer.BadParameter, match="yesterday is no time"):
        parse_time("yesterday", NOW)


def test_sizes_have_units() -> None:
    assert parse_size("2 GiB") == 2 << 30
    assert parse_size("1000") == 1000
    assert parse_size(None) is None
    with pytest.raises(typer.BadParameter, match="a lot is no size"):
        parse_size("a lot")


def test_unix_line_ends_become_those_of_mail_and_others_stay() -> None:
    assert with_crlf(b"Subject: x\n\nbody\n") == b"Subject: x\r\n\r\nbody\r\n"
    assert with_crlf(b"Subject: x\r\n\r\nmixed\n") == b"Subject: x\r\n\r\nmixed\n"


def test_one_is_not_many() -> None:
    assert [count(number, "message") for number in (0, 1, 1.0, 12345, 12345.0)] == [
        "0 messages",
        "1 message",
        "1 message",
        "12345 messages",
        "12,345 messages",
    ]
    assert count(2, "alias", "aliases") == "2 aliases"
