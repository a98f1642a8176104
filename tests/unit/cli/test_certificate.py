"""What is said about certificates."""

from __future__ import annotations

import datetime as dt

import pytest

from mailkeep.administration import CertificateLine
from mailkeep.cli.certificate import lines

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
DAY = 86400


def certificate(**changes: object) -> CertificateLine:
    told = {
        "domain": "", "source": "acme", "file": "/data/c.pem", "names": ("a.example", "b.example"),
        "issuer": "CN=Authority", "since": 0, "until": int(NOW.timestamp()) + 40 * DAY,
        "renew_at": int(NOW.timestamp()) + 10 * DAY, "fault": "", "next_at": 0, "left_out": (),
    }  # fmt: skip
    return CertificateLine(**{**told, **changes})  # type: ignore[arg-type]


def said(**changes: object) -> dict[str, str]:
    return dict(lines(certificate(**changes), NOW))


def test_names_life_and_renewal_are_told() -> None:
    assert said() == {
        "from": "an authority (ACME)",
        "file": "/data/c.pem",
        "names": "a.example, b.example",
        "issuer": "CN=Authority",
        "until": "2026-07-11 00:00 UTC (40 days left)",
        "renewal": "2026-06-11 00:00 UTC",
    }


@pytest.mark.parametrize(
    ("left_s", "text"), [(40 * DAY, "40 days left"), (DAY, "24 hours left"), (-1, "it has run out")]
)
def test_how_long_is_left_is_told(left_s: int, text: str) -> None:
    assert f"({text})" in said(until=int(NOW.timestamp()) + left_s)["until"]


def test_what_is_lacking_and_what_went_wrong_is_told() -> None:
    told = said(left_out=(("c.example", "has no address"),), fault="too many", next_at=int(NOW.timestamp()))
    assert told["without"] == "c.example: has no address"
    assert (told["fault"], told["again"]) == ("too many", "2026-06-01 00:00 UTC")


def test_files_that_cannot_be_used_are_told_and_one_that_is_yet_to_be_made() -> None:
    assert said(names=(), source="files")["file"] == "/data/c.pem cannot be used"
    assert said(names=(), source="self-signed")["file"] == "/data/c.pem is made when the server starts"
