"""Putting messages together as threads (RFC 5256 §3, draft-ietf-morg-inthread §4).

Messages are numbers from 0, in the order of the mailbox.  Nothing here recurses, whatever references say, and every
function is a work in pieces.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mailkeep.service.pieces import Work, sort_in_pieces

PIECE: Final = 1000  # messages between two pieces
# Looking whether a link would make a loop climbs up a thread.  Mail made to be climbed for ever has flatter threads.
CLIMBS: Final = 200  # steps, on average, that each message and reference is worth
NOBODY: Final = -1
MANY: Final = -2

_TOP: Final = 0
_ROOT: Final = -2  # the owner of _TOP
_CLOSE: Final = -1
_OPEN: Final = -2  # and less: a bracket, then a member


@dataclass(frozen=True, slots=True)
class Letters:
    """What is known of the messages.

    `dates`: all different, ascending by sent date and then by number.  `subjects`: base subjects, equal where they are
    one.  `arrivals`: internal dates.  `ids`: of each, its own id (0: none) and those it refers to.
    """

    dates: Sequence[int]
    subjects: Sequence[Any] = ()
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
    forest = _Forest(len(dates))
    first: dict[Any, int] = {}
    for done, number in enumerate((yield from sort_in_pieces(range(len(dates)), dates.__getitem__))):
        root = first.setdefault(subjects[number], number)
        if root == number:
            forest.roots.append(number)
        else:
            forest.adopt(root, (number,))
        if not done % PIECE:
            yield
    return (yield from forest.write())


def by_references(letters: Letters, links: Links) -> Work[Threads]:
    """REFERENCES.  `links` knows the first of the messages, and takes in the others."""
    yield from links.extend(letters.ids[len(links) :])
    forest = yield from links.forest()
    yield from forest.sort(letters.dates)
    _merge_subjects(forest, letters)
    yield from forest.sort(letters.dates)
    return (yield from forest.write())


def by_arrival(letters: Letters, links: Links) -> Work[Threads]:
    """REFS: threads as references alone make them, the one that something came to last at the end."""
    yield from links.extend(letters.ids[len(links) :])
    forest = yield from links.forest()
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
        self.only = [NOBODY] * count  # the only child of each, or MANY: most have none or one, and lists take long
        self.more: dict[int, list[int]] = {}  # the children of those with MANY
        self.unsorted: set[int] = set()  # those whose children are not sorted yet

    def add_absent(self, children: Iterable[int]) -> int:
        """A message that is not there."""
        self.only.append(NOBODY)
        number = len(self.only) - 1
        self.adopt(number, children)
        return number

    def children(self, number: int) -> Sequence[int]:
        """In their order, if they are sorted."""
        only = self.only[number]
        return self.more[number] if only == MANY else () if only == NOBODY else (only,)

    def first(self, number: int) -> int:
        """The message itself, or the first of the children of one that is not there."""
        return number if number < self.count else self.children(number)[0]

    def adopt(self, parent: int, children: Iterable[int]) -> None:
        """More children, in no order."""
        if self.only[parent] == MANY:
            siblings = self.more[parent]
            siblings += children
        else:
            siblings = [*self.children(parent), *children]
        if len(siblings) == 1:
            self.only[parent] = siblings[0]
        elif siblings:
            self.only[parent] = MANY
            self.more[parent] = siblings
            self.unsorted.add(parent)

    def sort(self, dates: Sequence[int]) -> Work[None]:
        """Steps 4 and 6: all siblings by date, those that are not there by their first child."""
        key = dates.__getitem__
        for done, number in enumerate(self.unsorted):
            self.more[number].sort(key=key)
            if not done % PIECE:
                yield
        self.unsorted = set()
        self.roots = yield from sort_in_pieces(self.roots, lambda root: dates[self.first(root)])

    def below(self, root: int) -> Iterable[int]:
        """All of a thread."""
        waiting = [root]
        while waiting:
            number = waiting.pop()
            yield number
            waiting += self.children(number)

    def write(self) -> Work[Threads]:
        """Write them down."""
        members: array[int] = array("I")
        brackets: list[str] = []
        before = ""
        known: dict[str, str] = {}
        only, count = self.only, self.count
        waiting = [_OPEN - root for root in reversed(self.roots)]
        done = 0
        while waiting:
            number = waiting.pop()
            if number == _CLOSE:
                before += ")"
                continue
            opened = number <= _OPEN
            if opened:
                number = _OPEN - number
                before += "("
            child = only[number]
            if number < count:
                members.append(number)
                brackets.append(known.setdefault(before, before))
                before = "" if child == NOBODY else " "
            if child != NOBODY:
                if opened:
                    waiting.append(_CLOSE)
                if child != MANY:
                    waiting.append(child)
                else:
                    waiting += [_OPEN - each for each in reversed(self.more[number])]
            elif opened:
                before += ")"
            done += 1
            if not done % PIECE:
                yield
        brackets.append(before)
        return Threads(members, brackets)


class Links:
    """Steps 1 to 3: who answers whom.  It can be extended by messages that come after those it knows.

    A *node* is a message or one that is only referred to; the latter has no owner, until it comes.  The node _TOP is
    above all others.
    """

    def __init__(self) -> None:
        self._nodes: list[int] = []  # of the messages
        self._owners: list[int] = [_ROOT]  # messages of the nodes
        self._parents: list[int] = [_TOP]  # nodes of the nodes
        self._is_parent = bytearray(1)
        self._by_id: dict[int, int] = {}
        self._climbs = 1_000_000

    def __len__(self) -> int:
        return len(self._nodes)

    def extend(self, ids: Sequence[Sequence[int]]) -> Work[None]:
        """Take in messages; see `Letters.ids`."""
        parents, is_parent, owners, by_id = self._parents, self._is_parent, self._owners, self._by_id
        find, nodes = by_id.get, self._nodes
        self._climbs += CLIMBS * len(ids)
        for own in ids:
            number = find(own[0]) if own and own[0] else None
            if number is None or owners[number] != NOBODY:
                if number is None and own and own[0]:
                    by_id[own[0]] = len(parents)
                number = self._add()
            owners[number] = len(nodes)
            nodes.append(number)
            above = _TOP
            for each in own[1:]:
                at = find(each)
                if at is None:
                    at = by_id[each] = self._add()
                if above != _TOP and parents[at] == _TOP and not self._is_above(at, above):
                    parents[at] = above
                    is_parent[above] = 1
                above = at
            if parents[number] != above:
                parents[number] = _TOP
                if above != _TOP and not self._is_above(number, above):
                    parents[number] = above
                    is_parent[above] = 1
            if not len(nodes) % PIECE:
                yield

    def _add(self) -> int:
        self._parents.append(_TOP)
        self._owners.append(NOBODY)
        self._is_parent.append(0)
        return len(self._parents) - 1

    def _is_above(self, number: int, other: int) -> bool:
        """Whether `other` is `number`, or somewhere below it; yes if that takes too long to say."""
        if number == other:
            return True
        if not self._is_parent[number]:
            return False
        parents = self._parents
        climbs = self._climbs
        while other not in (_TOP, number) and climbs:
            other = parents[other]
            climbs -= 1
        self._climbs = climbs
        return other != _TOP

    def forest(self) -> Work[_Forest]:
        """The threads; of those that are not there, only roots with several children remain."""
        nodes, parents = self._nodes, self._parents
        forest = _Forest(len(nodes))
        roots, only, more = forest.roots, forest.only, forest.more
        above: dict[int, int] = {}
        orphans: dict[int, list[int]] = {}  # by the topmost of those that are not there
        owners = map(self._owners.__getitem__, map(parents.__getitem__, nodes))
        for number, owner in enumerate(owners):
            if owner == NOBODY:
                owner = self._present(parents[nodes[number]], above)
            if owner >= 0:
                child = only[owner]
                if child == NOBODY:
                    only[owner] = number
                elif child == MANY:
                    more[owner].append(number)
                else:
                    more[owner] = [child, number]
                    only[owner] = MANY
            elif owner == _ROOT:
                roots.append(number)
            else:
                orphans.setdefault(owner, []).append(number)
            if not number % PIECE:
                yield
        forest.unsorted = set(more)
        for siblings in orphans.values():
            roots.append(siblings[0] if len(siblings) == 1 else forest.add_absent(siblings))
        return forest

    def _present(self, node: int, known: dict[int, int]) -> int:
        """The nearest message above a node that is none; or, negative, the topmost of those that are none."""
        path: list[int] = []
        found = known.get(node)
        while found is None:
            path.append(node)
            parent = self._parents[node]
            if parent == _TOP:
                found = _ROOT - node
            elif self._owners[parent] != NOBODY:
                found = self._owners[parent]
            else:
                node = parent
                found = known.get(node)
        known.update(dict.fromkeys(path, found))
        return found


def _merge_subjects(forest: _Forest, letters: Letters) -> None:
    """Step 5: threads of the same base subject become one.  `forest.roots` are sorted."""
    subjects, replies, count = letters.subjects, letters.replies, forest.count
    table: dict[Any, int] = {}
    for root in forest.roots:
        first = forest.first(root)
        subject = subjects[first]
        if not subject:
            continue
        other = table.setdefault(subject, root)
        if other < count and (root >= count or (replies[other] and not replies[first])):
            table[subject] = root
    absorbed: set[int] = set()
    made: list[int] = []
    for root in forest.roots:
        first = forest.first(root)
        subject = subjects[first]
        if not subject or table[subject] == root:
            continue
        other = table[subject]
        absorbed.add(root)
        if other >= count:
            forest.adopt(other, (root,) if root < count else forest.children(root))
        elif replies[first] and not replies[other]:
            forest.adopt(other, (root,))
        else:
            table[subject] = absent = forest.add_absent((other, root))
            absorbed.add(other)
            made.append(absent)
    forest.roots = [root for root in (*forest.roots, *made) if root not in absorbed]
