"""What a client does with ADDTO and REMOVEFROM gives the results that there are (RFC 5267 §4.3)."""

from __future__ import annotations

from array import array

from hypothesis import given
from hypothesis import strategies as st

from mailkeep.imap.contexts import Context, Sorting
from mailkeep.imap.wire.search import All
from mailkeep.model.ids import ModSeq
from mailkeep.service.order import Collation

UIDS = st.sets(st.integers(1, 40))


def key(uid: int) -> int:
    """Some order that is not that of the mailbox."""
    return uid * 17 % 41


def context(results: set[int], *, ordered: bool) -> Context:
    new = Context(b"t", All(), uid=True, mailbox=None, results=array("I", sorted(results)), upto=ModSeq(1))
    if ordered:
        new.sorting = Sorting((), Collation(), array("I", sorted(results, key=key)))
    return new


@given(UIDS, UIDS, UIDS, UIDS, st.booleans())
def test_the_client_ends_with_the_present_results_in_order(
    before: set[int], tested: set[int], matching: set[int], present: set[int], ordered: bool
) -> None:
    told = context(before, ordered=ordered)
    sorting = told.sorting
    client = sorted(before, key=key if ordered else None)
    told.take_in(tested, frozenset(matching))
    if sorting:
        sorting.now = sorted({*told.results, *told.coming}, key=key)
    told.forget(frozenset(range(1, 41)) - present, frozenset(present))
    gone = told.remove()
    for position, what in sorting.remove(frozenset(gone)) if sorting else [(0, gone)]:
        if sorting:
            assert client[position - 1 : position - 1 + len(what)] == what
        client = [uid for uid in client if uid not in what]
    new = told.add()
    for position, what in sorting.add(frozenset(new)) if sorting else [(0, new)]:
        if sorting:
            client[position - 1 : position - 1] = what
        else:
            client = sorted([*client, *what])
    expected = ((before - tested) | (tested & matching)) & present
    assert client == sorted(expected, key=key if ordered else None)
    assert [*told.results] == sorted(expected)
    assert not told.leaving
    assert not told.coming
