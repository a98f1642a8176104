"""What a view remembers of changes."""

from __future__ import annotations

from array import array

from mailkeep.model.change import Delta
from mailkeep.model.ids import AccountId, MailboxId, ModSeq, Uid
from mailkeep.model.message import FlagState
from mailkeep.model.uidset import EMPTY
from mailkeep.service.view import View


def make_view(counter: object = None) -> View:
    empty = array("I"), array("q"), array("q"), {}
    return View(AccountId(1), MailboxId(1), ModSeq(1), *empty, counter)  # type: ignore[arg-type]


def test_what_a_delta_brought_from_before_is_not_a_change_since() -> None:
    view = make_view()
    changed = tuple(FlagState(Uid(n), 0, (), ModSeq(10 + n)) for n in (1, 2, 3))
    view.apply(Delta(ModSeq(13), changed, EMPTY))
    assert [state.uid for state in view.changed_since(ModSeq(12))] == [3]
    assert [state.uid for state in view.changed_since(ModSeq(10))] == [1, 2, 3]


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
