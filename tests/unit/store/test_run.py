"""Sets of UIDs in statements."""

from __future__ import annotations

import random

import apsw
import pytest

from mailkeep.model.uidset import UidSet
from mailkeep.store.sqlite.run import bind

TEXT = "SELECT uid FROM t WHERE a = ? AND uid IN ? AND b = ?"


@pytest.mark.parametrize(
    ("uids", "condition"),
    [
        ([], "FALSE"),
        ([7], "uid BETWEEN ? AND ?"),
        ([1, 2, 3], "uid BETWEEN ? AND ?"),
        ([1, 2, 4, 5], "(uid BETWEEN ? AND ? AND (uid BETWEEN ? AND ? OR uid BETWEEN ? AND ?))"),
        ([1, 1000], "uid IN carray(?)"),
        (range(1, 100, 2), "uid IN carray(?)"),
    ],
    ids=["empty", "one", "range", "dense", "sparse", "many ranges"],
)
def test_a_set_takes_the_form_that_suits_it(uids: list[int], condition: str) -> None:
    text, args = bind(TEXT, (1, UidSet(uids), 2))
    assert text == TEXT.replace("uid IN ?", condition)
    assert (args[0], args[-1], len(args)) == (1, 2, text.count("?"))


def test_every_form_selects_the_members_and_nothing_else() -> None:
    db = apsw.Connection(":memory:")
    db.execute("CREATE TABLE t (a, b, uid PRIMARY KEY)").fetchall()
    db.executemany("INSERT INTO t VALUES (1, 2, ?)", ((uid,) for uid in range(1, 200))).fetchall()
    choice = random.Random(1)
    for size in (0, 1, 2, 3, 10, 150):
        uids = UidSet(choice.sample(range(1, 250), size))
        found = [row[0] for row in db.execute(*bind(TEXT + " ORDER BY uid", (1, uids, 2))).fetchall()]
        assert found == [uid for uid in uids if uid < 200]
    db.close()
