"""Putting messages together as threads (RFC 5256 §3, draft-ietf-morg-inthread §4).

Messages are numbers from 0, in the order of the mailbox.  Nothing here recurses, whatever references say, and every
function is a work in pieces.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from mailkeep.service.pieces import Work, sort_in_pieces

PIECE: Final = 1000  # messages between two pieces
# Looking whether a link would make a loop climbs up a thread.  Mail made to be climbed for ever has flatter threads.
CLIMBS: Final = 200  # steps, on average, that each message and reference is worth
NOBODY: Final = -1

_OPEN: Final = -2
_CLOSE: Final = -3


@dataclass(frozen=True, slots=True)
class Letters:
    """What is known of the messages.

    `dates`: all different, ascending by sent date and then by number.  `subjects`: ranks of base subjects, NOBODY for
    an empty one.  `arrivals`: ranks of internal dates.  `ids`: of each, its own id (0: none) and those it refers to.
    """

    dates: Sequence[int]
    subjects: Sequence[int] = ()
    replies: Sequence[int] = ()
    arrivals: Sequence[int] = ()
    ids: Sequence[Sequence[int]] = ()


@dataclass(frozen=True, slots=True)
class Threads:
    """Threads written down: `members` in the order of reading, and what stands before each, and after the last.

    ``(1 2 (3)(4))``: 2 answers 1; 3 and 4 answer 2.  ``((5)(6))``: 5 and 6 answer a message that is not there.
    """

    members: Sequence[int]
    brackets: Sequence[str]


NO_THREADS: Final = Threads((), ("",))


def by_subject(letters: Letters) -> Work[Threads]:
    """ORDEREDSUBJECT: a thread for each base subject, all answers beneath its first message."""
    dates, subjects = letters.dates, letters.subjects
    ordered = yield from sort_in_pieces(range(len(dates)), dates.__getitem__)
    ordered = yield from sort_in_pieces(ordered, subjects.__getitem__)
    forest = _Forest(len(dates))
    roots: list[int] = []
    for _, group in groupby(ordered, subjects.__getitem__):
        first, *others = group
        roots.append(first)
        if others:
            forest.children[first] = others
    yield
    forest.roots = yield from sort_in_pieces(roots, dates.__getitem__)
    return (yield from forest.write())


def by_references(letters: Letters) -> Work[Threads]:
    """REFERENCES."""
    forest = _Forest(len(letters.dates))
    yield from _link(forest, letters)
    yield from forest.sort(letters.dates)
    _merge_subjects(forest, letters)
    yield from forest.sort(letters.dates)
    return (yield from forest.write())


def by_arrival(letters: Letters) -> Work[Threads]:
    """REFS: threads as references alone make them, the one that something came to last at the end."""
    forest = _Forest(len(letters.dates))
    yield from _link(forest, letters)
    yield from forest.sort(letters.dates)
    latest: dict[int, int] = {}
    for number, root in enumerate(forest.roots):
        latest[root] = max(letters.arrivals[each] for each in forest.below(root) if each < forest.count)
        if not number % PIECE:
            yield
    forest.roots = yield from sort_in_pieces(forest.roots, latest.__getitem__)
    return (yield from forest.write())


class _Forest:
    """Threads as trees of numbers; those from `count` on are messages that are not there."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.roots: list[int] = []
        self.children: list[list[int] | None] = [None] * count

    def add_absent(self) -> int:
        """A message that is not there."""
        self.children.append(None)
        return len(self.children) - 1

    def first(self, number: int) -> int:
        """The message itself, or the first of the children of one that is not there."""
        children = self.children[number]
        return number if number < self.count or not children else children[0]

    def adopt(self, parent: int, children: Iterable[int]) -> None:
        """More children."""
        siblings = self.children[parent]
        if siblings is None:
            self.children[parent] = [*children]
        else:
            siblings += children

    def sort(self, dates: Sequence[int]) -> Work[None]:
        """Steps 4 and 6: all siblings by date, those that are not there by their first child."""
        key = dates.__getitem__
        for number, children in enumerate(self.children):
            if children is not None and len(children) > 1:
                children.sort(key=key)
            if not number % PIECE:
                yield
        self.roots = yield from sort_in_pieces(self.roots, lambda root: dates[self.first(root)])

    def below(self, root: int) -> Iterable[int]:
        """All of a thread."""
        waiting = [root]
        while waiting:
            number = waiting.pop()
            yield number
            waiting += self.children[number] or ()

    def write(self) -> Work[Threads]:
        """Write them down."""
        members: array[int] = array("I")
        brackets: list[str] = []
        before = ""
        known: dict[str, str] = {}
        for done, root in enumerate(self.roots):
            waiting = [_CLOSE, root, _OPEN]
            while waiting:
                number = waiting.pop()
                if number == _OPEN:
                    before += "("
                elif number == _CLOSE:
                    before += ")"
                else:
                    here = number < self.count
                    if here:
                        members.append(number)
                        brackets.append(known.setdefault(before, before))
                        if not len(members) % PIECE:
                            yield
                        before = ""
                    children = self.children[number]
                    if children:
                        before += " " if here else ""
                        if len(children) == 1:
                            waiting.append(children[0])
                        else:
                            for child in reversed(children):
                                waiting += (_CLOSE, child, _OPEN)
            if not done % PIECE:
                yield
        brackets.append(before)
        return Threads(members, brackets)


def _link(forest: _Forest, letters: Letters) -> Work[None]:
    """Steps 1 to 3: who answers whom; of those that are not there, only roots with several children remain."""
    count = forest.count
    parents = yield from _Linker(letters.ids).run()
    tops: list[int] = [NOBODY] * (len(parents) - count)  # of those not there: under what their children come
    children: list[list[int] | None] = [None] * len(parents)
    for number in range(count):
        parent = parents[number]
        if parent >= count:
            parent = _present(parents, tops, parent, count)
        if parent != NOBODY:
            siblings = children[parent]
            if siblings is None:
                children[parent] = [number]
            else:
                siblings.append(number)
        else:
            forest.roots.append(number)
        if not number % PIECE:
            yield
    forest.children = children
    for number in range(count, len(parents)):
        only = children[number]
        if only:
            forest.roots.append(number if len(only) > 1 else only[0])
    yield


def _present(parents: Sequence[int], tops: list[int], number: int, count: int) -> int:
    """The nearest message above one that is not there, or the topmost of those that are not."""
    path: list[int] = []
    while number >= count and (known := tops[number - count]) == NOBODY:
        path.append(number)
        if parents[number] == NOBODY:
            break
        number = parents[number]
    else:
        number = number if number < count else known
    for each in path:
        tops[each - count] = number
    return number


class _Linker:
    """Step 1: parents of messages, and of those that are only referred to."""

    def __init__(self, ids: Sequence[Sequence[int]]) -> None:
        self._ids = ids
        count = len(ids)
        self._parents = [NOBODY] * count
        self._is_parent = bytearray(count)
        self._climbs = CLIMBS * count + 1_000_000

    def run(self) -> Work[list[int]]:
        ids, parents, is_parent = self._ids, self._parents, self._is_parent
        numbers = {
            own[0]: number for number, own in zip(range(len(ids) - 1, -1, -1), reversed(ids), strict=True) if own
        }
        numbers.pop(0, None)
        yield
        find = numbers.get
        for number, own in enumerate(ids):
            above = NOBODY
            for each in own[1:]:
                at = find(each)
                if at is None:
                    at = numbers[each] = len(parents)
                    parents.append(NOBODY)
                    is_parent.append(0)
                if above != NOBODY and parents[at] == NOBODY and not self._is_above(at, above):
                    parents[at] = above
                    is_parent[above] = 1
                above = at
            if parents[number] != above:
                parents[number] = NOBODY
                if above != NOBODY and not self._is_above(number, above):
                    parents[number] = above
                    is_parent[above] = 1
            if not number % PIECE:
                yield
        return parents

    def _is_above(self, number: int, other: int) -> bool:
        """Whether `other` is `number`, or somewhere below it; yes if that takes too long to say."""
        if number == other:
            return True
        if not self._is_parent[number]:
            return False
        parents = self._parents
        climbs = self._climbs
        while other != NOBODY and other != number and climbs:
            other = parents[other]
            climbs -= 1
        self._climbs = climbs
        return other != NOBODY


def _merge_subjects(forest: _Forest, letters: Letters) -> None:
    """Step 5: threads of the same base subject become one.  `forest.roots` are sorted."""
    subjects, replies, count = letters.subjects, letters.replies, forest.count
    table: dict[int, int] = {}
    for root in forest.roots:
        first = forest.first(root)
        subject = subjects[first]
        if subject == NOBODY:
            continue
        other = table.setdefault(subject, root)
        if other < count and (root >= count or (replies[other] and not replies[first])):
            table[subject] = root
    absorbed: set[int] = set()
    made: list[int] = []
    for root in forest.roots:
        first = forest.first(root)
        subject = subjects[first]
        if subject == NOBODY or table[subject] == root:
            continue
        other = table[subject]
        absorbed.add(root)
        if other >= count:
            adopted = [root] if root < count else forest.children[root] or []
            forest.adopt(other, adopted)
        elif replies[first] and not replies[other]:
            forest.adopt(other, (root,))
        else:
            table[subject] = absent = forest.add_absent()
            forest.children[absent] = [other, root]
            absorbed.add(other)
            made.append(absent)
    forest.roots = [root for root in (*forest.roots, *made) if root not in absorbed]
