"""Episodes: the same steps on every server, each answer compared with ours."""

from __future__ import annotations

import itertools
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

from tests.differential import normal
from tests.differential.differences import Case, find
from tests.differential.normal import Outcome
from tests.differential.script import Author, Step
from tests.differential.servers import SESSIONS, Server, empty
from tests.differential.wire import Answer, Connection, Ended

STEPS: Final = 60  # of an episode


class Unlisted(AssertionError):
    """A difference that no row of the list explains; its text holds the steps that lead to it."""

    def __init__(self, steps: Sequence[Step], server: str, where: str, what: tuple[str, Any, Any]) -> None:
        self.steps, self.server, self.where, self.what = tuple(steps), server, where, what
        place, ours, theirs = what
        text = "\n".join(f"  {step}" for step in steps)
        super().__init__(f"{where} beside {server}, {place}:\n  ours   {ours!r}\n  theirs {theirs!r}\nafter\n{text}")

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes two of them the same, when steps are left out."""
        return self.server, self.steps[-1].name, re.sub("[0-9]+", "", self.what[0])


@dataclass(slots=True)
class Report:
    """What was done, and which listed differences were met."""

    episodes: int = 0
    commands: int = 0
    compared: int = 0
    met: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Party:
    """One server in an episode."""

    server: Server
    capabilities: frozenset[str]
    connections: list[Connection]
    uids: list[list[int]]  # of each session's mailbox, by message number
    marks: list[dict[str, str]]  # of each session: what stands for {modseq} and {uidvalidity}

    def run(self, step: Step) -> Answer:
        """Have the step carried out.  Raises: Ended."""
        text = step.text
        for word, value in self.marks[step.session].items():
            text = text.replace(b"{%b}" % word.encode(), value.encode())
        [answer] = self.connections[step.session].run(text)
        if step.name in ("SELECT", "EXAMINE"):
            codes = dict(row.values[0].partition(" ")[::2] for row in answer.all("OK"))
            self.marks[step.session] = {"modseq": codes.get("HIGHESTMODSEQ", "1")}
        return answer

    def look(self, session: int) -> dict[int, frozenset[str]]:
        """The state of the selected mailbox, with all that has happened.  Raises: Ended."""
        self.connections[session].run(b"NOOP")  # not with what follows: Dovecot would put off its news
        [answer] = self.connections[session].run(b"UID FETCH 1:* (FLAGS)")
        state = normal.state(answer)
        self.uids[session] = sorted(state)
        return state


@dataclass(slots=True)
class Referee:
    """The servers, ours first, and what has been found."""

    servers: Sequence[Server]
    report: Report = field(default_factory=Report)
    accounts: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def random_episode(self, chance: random.Random, steps: int = STEPS) -> None:
        """One at random.  Raises: Unlisted, with as few steps as show the same."""
        author = Author(chance, SESSIONS)
        left = itertools.repeat(None, steps)

        def source(looks: Callable[[int], None]) -> Step | None:
            if next(left, self) is self:
                return None
            session = author.pick()
            looks(session)
            return author.write(session)

        try:
            self._play(source, author)
        except Unlisted as found:
            raise self._shortest(found) from None

    def replay(self, steps: Sequence[Step]) -> None:
        """Given ones.  Raises: Unlisted."""
        rest = iter(steps)

        def source(looks: Callable[[int], None]) -> Step | None:
            step = next(rest, None)
            for session in range(len(SESSIONS)) if step is None else (step.session,):
                looks(session)
            return step

        self._play(source, None)

    def _shortest(self, found: Unlisted) -> Unlisted:
        """Leave out one step after another, as long as the same comes of it."""
        report, self.report = self.report, Report()
        at = 0
        while at < len(found.steps) - 1:
            try:
                self.replay(found.steps[:at] + found.steps[at + 1 :])
            except Unlisted as shorter:
                if shorter.key == found.key:
                    found = shorter
                    continue
            except StopIteration:  # no account is left to try on
                break
            at += 1
        self.report = report
        return found

    # ---- one episode

    def _play(self, source: Callable[[Callable[[int], None]], Step | None], author: Author | None) -> None:
        with ExitStack() as stack:
            episode = _Episode(self, self._open(stack), author)
            self.report.episodes += 1
            while (step := source(episode.look)) is not None and episode.carry_out(step):
                pass

    def _open(self, stack: ExitStack) -> list[Party]:
        number = next(self.accounts)
        parties = []
        for server in self.servers:
            connections = [stack.enter_context(server.log_in(number)) for _ in SESSIONS]
            capabilities = server.capabilities(number)
            empty(connections[0])
            for connection, enable in zip(connections, SESSIONS, strict=True):
                if enable:
                    connection.run(f"ENABLE {enable}".encode())
            nothing: list[list[int]] = [[] for _ in SESSIONS]
            marks: list[dict[str, str]] = [{} for _ in SESSIONS]
            parties.append(Party(server, capabilities, connections, nothing, marks))
        return parties


@dataclass(slots=True)
class _Episode:
    referee: Referee
    parties: list[Party]
    author: Author | None
    steps: list[Step] = field(default_factory=list)
    selected: dict[int, bool] = field(default_factory=dict)  # sessions with a mailbox open: only for reading?
    diverged: bool = False

    def look(self, session: int) -> None:
        """Everyone hears the news of this session; what its mailbox holds is compared."""
        if session not in self.selected:
            return
        states = [party.look(session) for party in self.parties]
        for party, state in zip(self.parties[1:], states[1:], strict=True):
            if state != states[0] and not self.diverged:
                what = [
                    (f"UID {uid}", states[0].get(uid), state.get(uid))
                    for uid in sorted(states[0].keys() | state.keys())
                ]
                [first, *_] = [each for each in what if each[1] != each[2]]
                self._judge(party, "the mailbox", [first])
        if self.author is not None:
            self.author.seen[session].uids = self.parties[0].uids[session]

    def carry_out(self, step: Step) -> bool:
        """One step everywhere; whether the servers still have the same mail, as far as is known."""
        if self.diverged:
            return False
        self.steps.append(step)
        self.referee.report.commands += 1
        before = [party.uids[step.session] for party in self.parties]
        outcomes: list[Outcome | None] = []
        for party, uids in zip(self.parties, before, strict=True):
            if step.needs <= party.capabilities:
                try:
                    outcomes.append(normal.outcome(step, party.run(step), uids))
                except Ended as ended:
                    outcomes.append(Outcome("ENDED", str(ended)))
            else:
                outcomes.append(None)
        ours = outcomes[0]
        assert ours is not None, f"{step.needs}"
        for party, theirs in zip(self.parties[1:], outcomes[1:], strict=True):
            if theirs is not None:
                self.referee.report.compared += 1
                self._judge(party, step.name, normal.differences(ours, theirs))
        self._remember(step, ours)
        return not self.diverged

    def _judge(self, party: Party, where: str, found: list[tuple[str, Any, Any]]) -> None:
        for place, mine, theirs in found:
            step = self.steps[-1]
            case = Case(
                step=step,
                where=where,
                place=place,
                ours=mine,
                theirs=theirs,
                read_only=self.selected.get(step.session, False),
                count=len(self.parties[0].uids[step.session]),
            )
            row = find(party.server.name, case)
            if row is None:
                raise Unlisted(self.steps, party.server.name, where, (place, mine, theirs))
            self.referee.report.met[f"{party.server.name}: {row.name}"] += 1
            self.diverged |= row.diverges

    def _remember(self, step: Step, ours: Outcome) -> None:
        """Which sessions have a mailbox open, and for the author which mailboxes there are."""
        if step.name in ("SELECT", "EXAMINE", "CLOSE", "UNSELECT"):
            self.selected.pop(step.session, None)
            if ours.result == "OK" and step.name in ("SELECT", "EXAMINE"):
                self.selected[step.session] = step.name == "EXAMINE"
            else:
                self.parties[0].uids[step.session] = []
        if self.author is not None:
            self.author.remember(step, is_ok=ours.result == "OK")
