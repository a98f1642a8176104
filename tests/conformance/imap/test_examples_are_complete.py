"""Each example of the RFCs is a dialogue or a test, or has a reason why not."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import pytest
from tests.conformance.imap.dialogue import check_template, load_all

HERE = Path(__file__).parent
INDEX = tomllib.loads(Path(__file__).with_name("examples.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("rfc", sorted(INDEX["counts"]))
def test_every_example_of_every_section_is_listed_once(rfc: str) -> None:
    listed = Counter((e["section"], e["ordinal"]) for e in INDEX["example"] if f"rfc{e['rfc']}" == rfc)
    wanted = Counter((section, n) for section, count in INDEX["counts"][rfc].items() for n in range(1, count + 1))
    assert listed == wanted


def test_each_listed_example_has_one_of_dialogue_test_and_reason() -> None:
    assert [e for e in INDEX["example"] if len({"dialogue", "test", "reason"} & e.keys()) != 1] == []


def test_each_named_test_exists() -> None:
    named = {e["test"] for e in INDEX["example"] if "test" in e}
    missing = [
        name
        for name in named
        if f"def {name.partition('::')[2]}(" not in (HERE / name.partition("::")[0]).read_text(encoding="utf-8")
    ]
    assert missing == []


def test_each_named_dialogue_exists_and_says_that_it_covers_the_example() -> None:
    covered = {(d.rfc, d.section, ordinal): d.name for d in load_all() for ordinal in d.ordinals}
    named = {(e["rfc"], e["section"], e["ordinal"]): e["dialogue"] for e in INDEX["example"] if "dialogue" in e}
    assert named == covered


def test_dialogue_names_are_unique() -> None:
    assert [name for name, n in Counter(d.name for d in load_all()).items() if n > 1] == []


@pytest.mark.parametrize("dialogue", load_all(), ids=lambda d: d.name)
def test_what_a_dialogue_wants_of_the_server_is_imap(dialogue: object) -> None:
    check_template(dialogue)  # type: ignore[arg-type]
