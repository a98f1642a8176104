"""What a client believes of its mailbox is always true, whatever happens and whenever it is told."""

from __future__ import annotations

from array import array
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from mailkeep.imap.selected import Exists, Expunge, FlagUpdate, NoSuchMessage, SelectedView
from mailkeep.model.change import Delta
from mailkeep.model.ids import AccountId, MailboxId, ModSeq, Uid
from mailkeep.model.message import FlagState
from mailkeep.model.uidset import EMPTY, UidSet
from mailkeep.service.view import View


def a_view(*uids: int) -> View:
    """A mailbox of messages without flags, all of modseq 1."""
    n = len(uids)
    return View(AccountId(1), MailboxId(1), ModSeq(1), array("I", uids), array("q", [0] * n), array("q", [1] * n), {})


def changed(upto: int, *states: tuple[int, int], gone: UidSet = EMPTY) -> Delta:
    """A delta of (uid, mask) at modseq `upto`."""
    return Delta(ModSeq(upto), tuple(FlagState(Uid(uid), mask, (), ModSeq(upto)) for uid, mask in states), gone)


def test_expunge_is_withheld_while_numbers_are_in_use() -> None:
    shared = a_view(1, 2, 3)
    view = SelectedView(shared)
    shared.apply(changed(2, gone=UidSet([2])))
    assert view.apply(may_expunge=False) == []
    assert (view.count, view.uid(2), view.is_withheld(2)) == (3, 2, True)
    assert view.apply(may_expunge=True) == [Expunge((2,), UidSet([2]))]
    assert list(view.all_uids()) == [1, 3]


def test_new_mail_is_told_although_an_expunge_is_withheld() -> None:
    shared = a_view(1, 2, 3)
    view = SelectedView(shared)
    shared.apply(changed(2, (4, 0), gone=UidSet([1])))
    updates = view.apply(may_expunge=False)
    assert updates[0] == Exists(4)
    assert list(view.all_uids()) == [1, 2, 3, 4]
    shared.apply(changed(3, (5, 0)))
    assert view.apply(may_expunge=True)[:2] == [Expunge((1,), UidSet([1])), Exists(4)]


def test_expunges_are_told_from_the_highest_number_down() -> None:
    shared = a_view(1, 2, 3, 4)
    view = SelectedView(shared)
    shared.apply(changed(2, gone=UidSet([1, 3])))
    assert view.apply(may_expunge=True) == [Expunge((3, 1), UidSet([1, 3]))]


@pytest.mark.parametrize("count", [1, 63, 64, 65, 1000])
def test_few_and_many_expunges_are_told_alike(count: int) -> None:
    shared = a_view(*range(1, 1001))
    view = SelectedView(shared)
    doomed = UidSet(Random(count).sample(range(1, 1001), count))
    shared.apply(changed(2, (1001, 0), gone=doomed))
    [told, exists] = view.apply(may_expunge=True)
    assert told == Expunge(tuple(sorted(doomed, reverse=True)), doomed)
    assert exists == Exists(1001 - count)
    assert list(view.all_uids()) == [uid for uid in range(1, 1002) if uid not in doomed]


def test_a_message_that_came_and_went_between_two_tellings_is_never_told() -> None:
    shared = a_view(1)
    view = SelectedView(shared)
    shared.apply(changed(2, (2, 0)))
    shared.apply(changed(3, gone=UidSet([2])))
    assert view.apply(may_expunge=True) == []
    assert view.count == 1


def test_expected_flags_are_not_repeated_but_later_ones_are() -> None:
    shared = a_view(1, 2)
    view = SelectedView(shared)
    shared.apply(changed(2, (1, 1)))
    view.expect([FlagState(Uid(1), 1, (), ModSeq(2))])
    assert view.apply(may_expunge=True) == []
    shared.apply(changed(3, (1, 5)))
    assert view.apply(may_expunge=True) == [FlagUpdate(1, FlagState(Uid(1), 5, (), ModSeq(3)))]


def test_expected_flags_that_others_took_away_and_gave_back_have_another_mod_sequence_to_tell() -> None:
    shared = a_view(1, 2)
    view = SelectedView(shared)
    view.expect([FlagState(Uid(1), 1, (), ModSeq(2))])
    shared.apply(changed(4, (1, 1)))
    assert view.apply(may_expunge=True) == [FlagUpdate(1, FlagState(Uid(1), 1, (), ModSeq(4)))]


def test_a_view_that_was_away_for_long_is_told_from_the_arrays() -> None:
    shared = a_view(*range(1, 301))
    view = SelectedView(shared)
    for uid in range(1, 201):
        shared.apply(changed(uid + 1, (uid, 1)))
    told = view.apply(may_expunge=True)
    assert [u.seq for u in told if isinstance(u, FlagUpdate)] == list(range(1, 201))


def test_a_number_beyond_the_mailbox_is_refused() -> None:
    view = SelectedView(a_view(5, 6))
    with pytest.raises(NoSuchMessage):
        view.uid(3)
    with pytest.raises(NoSuchMessage):
        view.uids_of_numbers([(1, 3)])


def test_recent_counts_only_the_ranges_given_to_this_session() -> None:
    view = SelectedView(a_view(1, 5, 9, 10))
    view.recent_ranges.append((5, 9))
    assert (view.recent, view.is_recent(9), view.is_recent(10)) == (2, True, False)


class SessionsMachine(RuleBasedStateMachine):
    """A mailbox, and two clients that believe only what they are told."""

    def __init__(self) -> None:
        super().__init__()
        self.modseq = 1
        self.next_uid = 1
        self.flags: dict[int, int] = {}
        self.shared = a_view()
        self.views = [SelectedView(self.shared), SelectedView(self.shared)]
        self.beliefs: list[list[int | None]] = [[], []]
        self.known_flags: list[dict[int, int]] = [{}, {}]

    def _happens(self, *states: tuple[int, int], gone: UidSet = EMPTY) -> None:
        self.modseq += 1
        for uid in gone:
            del self.flags[uid]
        self.flags.update(states)
        self.shared.apply(changed(self.modseq, *states, gone=gone))

    @rule(n=st.integers(1, 3))
    def deliver(self, n: int) -> None:
        uids = range(self.next_uid, self.next_uid + n)
        self.next_uid += n
        self._happens(*((uid, 0) for uid in uids))

    @rule(data=st.data())
    def flag(self, data: st.DataObject) -> None:
        if self.flags:
            uid = data.draw(st.sampled_from(sorted(self.flags)))
            self._happens((uid, self.flags[uid] ^ 1))

    @rule(data=st.data())
    def expunge(self, data: st.DataObject) -> None:
        if self.flags:
            uids = data.draw(st.sets(st.sampled_from(sorted(self.flags)), min_size=1))
            self._happens(gone=UidSet(uids))

    @rule(which=st.integers(0, 1), may_expunge=st.booleans())
    def sync(self, which: int, may_expunge: bool) -> None:
        view, belief, known = self.views[which], self.beliefs[which], self.known_flags[which]
        for update in view.apply(may_expunge=may_expunge):
            match update:
                case Expunge(numbers, _):
                    assert may_expunge
                    for number in numbers:
                        del belief[number - 1]
                case Exists(count):
                    assert count > len(belief)
                    new = list(view.all_uids())[len(belief) :]
                    belief += new
                    known.update((uid, self.flags.get(uid, 0)) for uid in new)  # the client asks
                case FlagUpdate(seq, state):
                    assert belief[seq - 1] in (None, state.uid)
                    belief[seq - 1] = state.uid
                    known[state.uid] = state.mask
        assert belief == list(view.all_uids())
        if may_expunge:
            assert belief == sorted(self.flags)
            assert all(known[uid] == mask for uid, mask in self.flags.items())


SessionsMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestSessions = SessionsMachine.TestCase


@pytest.mark.parametrize("step", [1, 7])
def test_many_numbers_at_once_are_those_of_each(step: int) -> None:
    shared = a_view(*range(1, 1000, 3))
    view = SelectedView(shared)
    shared.apply(changed(2, (5000, 0), gone=UidSet([4])))
    uids = range(1, 6000, step)
    assert view.seqs(uids) == [seq for uid in uids if (seq := view.seq(uid))]
