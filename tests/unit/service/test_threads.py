"""Threads (RFC 5256 §3), against a slow rendering of the rule's own words, and against mail that means harm."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.service.pieces import Work, at_once
from mailkeep.service.threads import Letters, Links, Threads, by_arrival, by_references, by_subject

pytestmark = pytest.mark.rfc("5256", "3")


@dataclass(eq=False)
class Node:
    """A message, or (number None) one that is not there."""

    number: int | None
    parent: Node | None = None
    children: list[Node] = field(default_factory=list)


@dataclass
class Mail:
    date: int = 0
    subject: str = ""
    reply: bool = False
    ids: tuple[int, ...] = (0,)


def letters(mails: Sequence[Mail]) -> Letters:
    dates = sorted(range(len(mails)), key=lambda n: (mails[n].date, n))
    return Letters(
        [dates.index(n) for n in range(len(mails))],
        [mail.subject for mail in mails],
        [mail.reply for mail in mails],
        arrivals=[mail.date for mail in mails],
        ids=[array("q", mail.ids) for mail in mails],
    )


def written(threads: Threads) -> str:
    pieces = [bracket + str(member) for bracket, member in zip(threads.brackets, threads.members, strict=False)]
    return "".join(pieces) + threads.brackets[-1]


def thread(algorithm: object, mails: Sequence[Mail]) -> str:
    work: Work[Threads] = algorithm(letters(mails), *(() if algorithm is by_subject else (Links(),)))  # type: ignore[operator]
    return written(at_once(work))


# --- the rule


class Rule:
    """REFERENCES in the words of RFC 5256."""

    def __init__(self, mails: Sequence[Mail]) -> None:
        self.mails = mails
        self.key = lambda node: (mails[n].date, n) if (n := self.first(node)) is not None else (0, 0)
        self.nodes = [Node(n) for n in range(len(mails))]
        self.known: dict[int, Node] = {}
        for node, mail in zip(self.nodes, mails, strict=True):
            if mail.ids[0]:
                self.known.setdefault(mail.ids[0], node)

    def first(self, node: Node) -> int | None:
        return node.number if node.number is not None else node.children[0].number if node.children else None

    def link(self, parent: Node, child: Node) -> None:
        above: Node | None = parent
        while above is not None:
            if above is child:
                return
            above = above.parent
        child.parent = parent
        parent.children.append(child)

    def step1(self) -> None:
        for node, mail in zip(self.nodes, self.mails, strict=True):
            last = None
            for each in mail.ids[1:]:
                other = self.known.setdefault(each, Node(None))
                if last is not None and other.parent is None:
                    self.link(last, other)
                last = other
            if node.parent is not None:
                node.parent.children.remove(node)
                node.parent = None
            if last is not None:
                self.link(last, node)

    def prune(self, nodes: list[Node], *, top: bool) -> list[Node]:
        kept: list[Node] = []
        for node in nodes:
            node.children = self.prune(node.children, top=False)
            if node.number is not None or (top and len(node.children) > 1):
                kept.append(node)
            else:
                kept += node.children
        return kept

    def sort(self, nodes: list[Node]) -> None:
        for node in nodes:
            self.sort(node.children)
        nodes.sort(key=self.key)

    def forest(self) -> list[Node]:
        self.step1()
        tops = [node for node in (*self.nodes, *self.known.values()) if node.parent is None]
        roots = self.prune(list(dict.fromkeys(tops)), top=True)
        self.sort(roots)
        return roots

    def merge(self, roots: list[Node]) -> list[Node]:
        table: dict[str, Node] = {}

        def mail(node: Node) -> Mail:
            number = self.first(node)
            assert number is not None
            return self.mails[number]

        for root in roots:
            subject = mail(root).subject
            if not subject:
                continue
            old = table.get(subject)
            better = old is not None and (root.number is None or (mail(old).reply and not mail(root).reply))
            if old is None or (old.number is not None and better):
                table[subject] = root
        result = list(roots)
        replies = {root: mail(root).reply for root in roots}
        for root in roots:
            subject = mail(root).subject
            if not subject or table[subject] is root:
                continue
            old = table[subject]
            result.remove(root)
            if old.number is None:
                old.children += root.children if root.number is None else [root]
            elif replies[root] and not replies[old]:
                old.children.append(root)
            else:
                table[subject] = made = Node(None, children=[old, root])
                result.remove(old)
                result.append(made)
        self.sort(result)
        return result


def spelled(roots: Sequence[Node]) -> str:
    def members(node: Node) -> str:
        here = "" if node.number is None else str(node.number)
        if len(node.children) == 1:
            return f"{here} {members(node.children[0])}"
        split = "".join(f"({members(child)})" for child in node.children)
        return f"{here} {split}" if here and split else here + split

    return "".join(f"({members(root)})" for root in roots)


MAILS = st.lists(
    st.builds(
        Mail,
        date=st.integers(0, 5),
        subject=st.sampled_from(["", "a", "b"]),
        reply=st.booleans(),
        ids=st.lists(st.integers(1, 8), max_size=5).flatmap(
            lambda refs: st.integers(0, 8).map(lambda own: (own, *refs))
        ),
    ),
    max_size=10,
)


@given(MAILS)
def test_references_are_threaded_by_the_rule(mails: list[Mail]) -> None:
    rule = Rule(mails)
    assert thread(by_references, mails) == spelled(rule.merge(rule.forest()))


@given(MAILS)
def test_refs_is_the_same_without_subjects_the_latest_arrival_last(mails: list[Mail]) -> None:
    rule = Rule(mails)
    roots = rule.forest()

    def latest(node: Node) -> int:
        own = -1 if node.number is None else mails[node.number].date
        return max([own, *map(latest, node.children)])

    roots.sort(key=latest)
    assert thread(by_arrival, mails) == spelled(roots)


@given(MAILS)
def test_ordered_subject_has_no_grandchildren(mails: list[Mail]) -> None:
    groups: dict[str, list[int]] = {}
    for number in sorted(range(len(mails)), key=lambda n: (mails[n].date, n)):
        groups.setdefault(mails[number].subject, []).append(number)
    roots = [Node(first, children=[Node(n) for n in others]) for first, *others in groups.values()]
    assert thread(by_subject, mails) == spelled(roots)


@given(MAILS, st.integers(0, 10))
def test_links_go_on_from_where_they_are(mails: list[Mail], known: int) -> None:
    links = Links()
    at_once(by_arrival(letters(mails[:known]), links))
    assert written(at_once(by_references(letters(mails), links))) == thread(by_references, mails)


# --- examples


def test_the_tree_of_the_rfc() -> None:
    """RFC 5256 §4: (2)(3 6 (4 23)(44 7 96))"""
    parents = {2: None, 3: None, 6: 3, 4: 6, 23: 4, 44: 6, 7: 44, 96: 7}
    order = sorted(parents)
    mails = [
        Mail(date=[2, 3, 6, 4, 23, 44, 7, 96].index(n), ids=(n, *([p] if (p := parents[n]) else []))) for n in order
    ]
    threads = at_once(by_references(letters(mails), Links()))
    assert written(Threads([order[n] for n in threads.members], threads.brackets)) == "(2)(3 6 (4 23)(44 7 96))"


def test_siblings_of_a_parent_that_is_not_there() -> None:
    assert thread(by_references, [Mail(ids=(3, 1)), Mail(ids=(5, 1))]) == "((0)(1))"


def test_a_reply_without_references_joins_by_its_subject() -> None:
    mails = [Mail(date=1, subject="x", ids=(1,)), Mail(date=2, subject="x", reply=True, ids=(2,))]
    assert thread(by_references, mails) == "(0 1)"
    assert thread(by_arrival, mails) == "(0)(1)"


# --- what means harm


def test_loops_and_doubled_ids_leave_every_message_in_some_thread() -> None:
    mails = [Mail(ids=(1, 2, 1, 1)), Mail(ids=(2, 1, 3)), Mail(ids=(1, 2)), Mail(ids=(3, 3)), Mail(ids=(0, 1, 2, 3, 1))]
    threads = at_once(by_references(letters(mails), Links()))
    assert sorted(threads.members) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("step", [1, -1], ids=["parents first", "children first"])
def test_a_thread_50_000_deep_is_threaded_and_written_down(step: int) -> None:
    many = 50_000
    ids = [array("q", (n, n - 1)) for n in range(1, many + 1)][::step]
    started = perf_counter()
    threads = at_once(by_references(Letters(range(many), [""] * many, [0] * many, ids=ids), Links()))
    assert len(threads.members) == many
    assert written(threads).count("(") == 1
    assert perf_counter() - started < 5


def test_a_ladder_of_splits_5_000_deep_is_written_down() -> None:
    ids: list[array[int]] = []
    for n in range(1, 5001):
        ids += [array("q", (2 * n, 2 * n - 2)), array("q", (2 * n + 1, 2 * n - 2))]
    many = len(ids)
    threads = at_once(by_arrival(Letters(range(many), arrivals=range(many), ids=ids), Links()))
    text = written(threads)
    assert len(threads.members) == many
    assert text.count("(") == text.count(")") > 5000


def test_50_000_answers_to_one_subject_take_no_time() -> None:
    many = 50_000
    started = perf_counter()
    for replies in ([0] * many, [1] * many, [0] + [1] * (many - 1)):
        threads = at_once(
            by_references(Letters(range(many), ["x"] * many, replies, ids=[array("q", (0,))] * many), Links())
        )
        assert len(threads.members) == many
    assert perf_counter() - started < 5


def test_mail_made_to_be_climbed_for_ever_ends() -> None:
    """A deep thread, and thousands of small ones that hang themselves beneath its last message."""
    deep, small = 20_000, 5_000
    ids = [array("q", (n, n - 1)) for n in range(1, deep + 1)]
    for n in range(deep + 1, deep + 2 * small, 2):
        ids += [array("q", (n + 1, n)), array("q", (n, deep))]
    many = len(ids)
    started = perf_counter()
    threads = at_once(by_references(Letters(range(many), [""] * many, [0] * many, ids=ids), Links()))
    assert sorted(threads.members) == list(range(many))
    assert perf_counter() - started < 20
