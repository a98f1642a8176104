"""docs/rfc/index.toml is true as far as a machine can tell."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
INDEX = tomllib.loads((ROOT / "docs/rfc/index.toml").read_text(encoding="utf-8"))["rfc"]


def test_numbers_ascend_and_come_once() -> None:
    numbers = [row["number"] for row in INDEX]
    assert numbers == sorted(set(numbers))


def test_what_is_not_whole_says_why_or_is_planned() -> None:
    assert [row["number"] for row in INDEX if row["support"] in ("partial", "no") and not row.get("why")] == []
    assert {row["support"] for row in INDEX} <= {"yes", "partial", "planned", "no"}


def test_what_is_supported_has_code_and_tests() -> None:
    lacking = [
        r["number"] for r in INDEX if r["support"] in ("yes", "partial") and not (r.get("code") and r.get("tests"))
    ]
    assert lacking == []


def test_the_places_exist() -> None:
    places = [place for row in INDEX for place in (*row.get("code", ()), *row.get("tests", ()))]
    assert [place for place in places if not (ROOT / place).exists()] == []


def test_every_rfc_that_a_test_is_marked_with_is_listed() -> None:
    cited = {
        int(number)
        for path in (ROOT / "tests").rglob("*.py")
        for number in re.findall(r"mark\.rfc\(\"([0-9]+)\"", path.read_text(encoding="utf-8"))
    }
    # what is cited for one remark only: 3461 DSN is parsed and ignored
    assert cited - {row["number"] for row in INDEX} <= {3461}
