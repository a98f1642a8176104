"""What a view remembers of changes."""

from __future__ import annotations

from array import array

from mailkeep.model.change import Delta
from mailkeep.model.ids import AccountId, MailboxId, ModSeq, Uid
from mailkeep.model.message import FlagState
from mailkeep.model.uidset import EMPTY
from mailkeep.service.view import MANY, View


def make_view(counter: object = None) -> View:
    empty = array("I"), array("q"), array("q"), {}
    return View(AccountId(1), MailboxId(1), ModSeq(1), *empty, counter)  # type: ignore[arg-type]


def test_what_a_delta_brought_from_before_is_not_a_change_since() -> None:
    view = make_view()
    changed = tuple(FlagState(Uid(n), 0, (), ModSeq(10 + n)) for n in (1, 2, 3))
    view.apply(Delta(ModSeq(13), changed, EMPTY))
    assert [state.uid for state in view.changed_since(ModSeq(12))] == [3]
    assert [state.uid for state in view.changed_since(ModSeq(10))] == [1, 2, 3]


def test_after_many_changes_at_once_the_arrays_tell_what_has_changed() -> None:
    view = make_view()
    view.apply(Delta(ModSeq(2), tuple(FlagState(Uid(n), 0, (), ModSeq(2)) for n in (1, 2)), EMPTY))
    many = range(3, MANY + 4)
    view.apply(Delta(ModSeq(3), tuple(FlagState(Uid(n), 0, (), ModSeq(3)) for n in many), EMPTY))
    view.apply(Delta(ModSeq(4), (FlagState(Uid(2), 1, (), ModSeq(4)),), EMPTY))
    assert [state.uid for state in view.changed_since(ModSeq(3))] == [2]
    assert [state.uid for state in view.changed_since(ModSeq(2))] == [2, *many]
    assert [state.uid for state in view.changed_since(ModSeq(1))] == [1, 2, *many]
    assert view.changed_since(ModSeq(4)) == []


def test_a_view_is_stale_when_hinted_or_when_the_counter_moved_after_the_last_look() -> None:
    count = 5
    view = make_view(lambda: count)
    view.begin_refresh()
    assert not view.stale
    count = 6
    assert view.stale
    view.begin_refresh()
    view.doubt()
    assert view.stale
