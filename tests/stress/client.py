"""A client that works at random, pipelines now and then, and keeps a replica of its mailbox."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from tests.stress.replica import Contradiction, Dialect, Known, Replica
from tests.stress.talk import Command, Talk

MAILBOXES: Final = ("INBOX", "Elsewhere")
FLAGS: Final = ("\\Seen", "\\Flagged", "\\Answered", "\\Draft", "\\Deleted", "$Forwarded", "$A", "$B", "odd-word")
FEW: Final = 15  # messages; then rather append
MANY: Final = 150  # then rather expunge
REFUSALS: Final = ("EXPUNGEISSUED", "MODIFIED")  # a NO for what another session has done meanwhile
FIXED: Final = (
    "INTERNALDATE",
    "RFC822.SIZE",
    "ENVELOPE",
    "BODYSTRUCTURE",
    "BODY.PEEK[HEADER.FIELDS (SUBJECT)]",
    "BODY.PEEK[TEXT]",
    "BODY[]<5.20>",
    "BODY.PEEK[]",
    "EMAILID",
)


def message(chance: random.Random) -> bytes:
    """A small message like no other."""
    word = f"{chance.getrandbits(40):x}"
    lines = [f"Subject: {word}", f"From: {word}@example.org", "", "text " * chance.randrange(1, 60), word, ""]
    return "\r\n".join(lines).encode()


def chosen(uids: Sequence[int], text: str) -> list[int]:
    """Those of `uids`, all that there are, that a set names."""
    last = max(uids, default=0)
    out: set[int] = set()
    for piece in text.split(","):
        low, high = sorted(last if end == "*" else int(end) for end in (piece.split(":") * 2)[:2])
        out.update(uid for uid in uids if low <= uid <= high)
    return sorted(out)


def after(flags: frozenset[str] | None, sign: str, words: frozenset[str]) -> frozenset[str] | None:
    """What STORE makes of flags."""
    if not sign:
        return words
    if flags is None:
        return None
    return flags | words if sign == "+" else flags - words


def believe(
    command: Command, targets: Callable[[], list[Known]], sign: str, words: frozenset[str], *, certain: bool
) -> None:
    """A client believes that a silent STORE does what it says; what the server tells meanwhile counts more."""
    changed: list[Known] = []

    def started() -> None:
        changed.extend(targets())
        for known in changed:
            known.flags = after(known.flags, sign, words) if certain else None

    def ended() -> None:
        if not command.is_ok:
            for known in changed:
                known.flags = None

    command.started, command.ended = started, ended


class Client:
    """One session at work.  `tree`: what a guest has before the owner's names of the mailboxes."""

    def __init__(self, name: str, dialect: Dialect, chance: random.Random, tree: str = "") -> None:
        self.talk = Talk(name, dialect)
        self.tree = tree
        self.chance = chance
        self.mailbox = MAILBOXES[0]
        self.verbs: Counter[str] = Counter()

    @property
    def replica(self) -> Replica:
        """What it believes."""
        return self.talk.replica

    def name(self, mailbox: str) -> str:
        """What this client calls a mailbox."""
        return f'"{self.tree}{mailbox}"'

    def any_name(self) -> str:
        return self.name(self.chance.choice(MAILBOXES))

    def likely_name(self, how_likely: float) -> str:
        """That of the mailbox that is open, or of any."""
        return self.name(self.mailbox) if self.chance.random() < how_likely else self.any_name()

    # ---- the round

    async def work(self, steps: int) -> None:
        """So many steps, each one command or a burst of them."""
        for _ in range(steps):
            if self.chance.random() < 0.2:
                await self.burst()
            else:
                self.send(self.any_command())
                await self.talk.land()
            if self.chance.random() < 0.5:
                await self.complete()
            if self.chance.random() < 0.03:
                await self.reopen()

    async def burst(self) -> None:
        """Several commands at once; message numbers only where none before can tell of expunges (RFC 9051 §5.5)."""
        for _ in range(self.chance.randrange(2, 6)):
            numbers_hold = not any(command.may_expunge for command in self.talk.flying)
            self.send(self.any_command() if numbers_hold else self.command_without_numbers())
            if self.talk.flying[-1].waits:
                break
        await self.talk.land()

    def send(self, command: Command) -> None:
        self.verbs[command.name] += 1
        self.talk.send(command)

    async def settle(self) -> None:
        """Hear all that there is to hear, and ask for what was only announced."""
        await self.talk.ok(Command("NOOP", "NOOP"))
        await self.complete()

    async def complete(self) -> None:
        """Ask for what was only announced."""
        while (missing := self.replica.incomplete()) and self.replica.dialect.uidonly:
            await self.talk.ok(Command("UID FETCH", "UID FETCH 1:* (FLAGS)"))
        while missing := self.replica.incomplete():
            numbers = f"{missing[0]}:{missing[-1]}"
            await self.talk.ok(Command("FETCH", f"FETCH {numbers} (UID FLAGS)"))
            if self.replica.incomplete()[:1] == missing[:1]:
                raise Contradiction(f"nothing of message {missing[0]}, though it was asked for")

    # ---- opening

    async def open_(self, mailbox: str) -> None:
        """SELECT, and learn all."""
        self.mailbox = mailbox
        self.replica.forget()
        parameter = " (CONDSTORE)" if self.replica.dialect.condstore else ""
        await self.talk.ok(Command("SELECT", f"SELECT {self.name(mailbox)}{parameter}"))
        await self.complete()

    async def reopen(self) -> None:
        """Leave the mailbox and come back, or go to another."""
        if self.replica.dialect.qresync and self.replica.highest:
            await self.settle()
            await self.return_by_qresync()
            return
        if self.chance.random() < 0.7:
            await self.talk.ok(Command("UNSELECT", "UNSELECT"))
        await self.open_(self.chance.choice(MAILBOXES))

    async def return_by_qresync(self) -> None:
        """RFC 7162 §3.2.5: what is left of the old copy and what is told must make exactly the mailbox."""
        before = {m.uid: m for m in self.replica.messages if m.uid is not None}
        validity, highest = self.replica.uidvalidity, self.replica.highest
        await self.talk.ok(Command("UNSELECT", "UNSELECT"))
        self.replica.forget()
        await asyncio.sleep(self.chance.random() * 0.1)  # the others go on
        known = self._sample(sorted(before))
        last = max(before, default=0) if known else 0
        select = Command("SELECT", f"SELECT {self.name(self.mailbox)} (QRESYNC ({validity} {highest}{known}))")
        await self.talk.ok(select)
        for response in select.untagged:
            if response.kind == "VANISHED":
                for uid in response.data[1]:
                    before.pop(uid, None)
        self._join(before, last)
        await self.complete()
        self.replica.completed(may_expunge=True)

    def _sample(self, uids: list[int]) -> str:
        """Sometimes the known UIDs, and some numbers with their UIDs (RFC 7162 §3.2.5.2)."""
        if not uids or self.chance.random() < 0.4:
            return ""
        if self.chance.random() < 0.5:
            return f" 1:{uids[-1]}"
        places = sorted(self.chance.sample(range(len(uids)), min(len(uids), 4)))
        return " 1:{} ({} {})".format(
            uids[-1], ",".join(str(place + 1) for place in places), ",".join(str(uids[place]) for place in places)
        )

    def _join(self, before: dict[int, Known], last: int) -> None:
        """What is left and what was told, in their places; of what came after UID `last`, if given, nothing is told."""
        messages = self.replica.messages
        told = {m.uid: m for m in messages if m.uid is not None}
        uids = sorted(before.keys() | told.keys())
        if len(uids) > len(messages) or (len(uids) < len(messages) and not last):
            raise Contradiction(f"QRESYNC leaves {len(uids)} messages, EXISTS said {len(messages)}")
        if last and told and max(told) > last:
            raise Contradiction(f"QRESYNC tells of UID {max(told)}, asked for up to {last}")
        for place, uid in enumerate(uids):
            if uid not in told:
                if messages[place].uid is not None:
                    raise Contradiction(f"QRESYNC puts UID {messages[place].uid} where UID {uid} must be")
                messages[place] = before[uid]
            elif messages[place] is not told[uid]:
                raise Contradiction(f"QRESYNC puts UID {uid} in another place than {place + 1}")
            elif uid in before:
                told[uid].fixed = before[uid].fixed | told[uid].fixed

    # ---- commands

    def any_command(self) -> Command:
        """One at random; it may name messages by their numbers, as they are now."""
        count = len(self.replica.messages)
        makers: list[Callable[[], Command]] = [self.command_without_numbers] * 6
        if count and not self.replica.dialect.uidonly:
            makers += [self.fetch, self.fetch, self.store, self.store, self.store, self.copy, self.search, self.saved]
            if count > FEW:
                makers.append(self.move)
            if "REPLACE" in self.talk.offers:
                makers.append(self.replace)
        return self.chance.choice(makers)()

    def command_without_numbers(self) -> Command:
        """One that means the same whatever was expunged before."""
        count = len(self.replica.messages)
        makers: list[Callable[[], Command]] = [self.noop, self.noop, self.idle, self.status, self.uid_search]
        if count < MANY:
            makers += [self.append] * (6 if count < FEW else 2)
        if self.replica.uids():
            makers += [self.uid_fetch, self.uid_fetch, self.uid_store, self.uid_store, self.uid_copy, self.uid_expunge]
            if count > FEW:
                makers += [self.uid_move, self.expunge]
            if "REPLACE" in self.talk.offers:
                makers.append(self.uid_replace)
            if count > MANY:
                makers += [self.expunge] * 5
            if self.replica.dialect.condstore:
                makers.append(self.changed_since)
        return self.chance.choice(makers)()

    def noop(self) -> Command:
        word = self.chance.choice(["NOOP", "CHECK"])
        return Command(word, word)

    def idle(self) -> Command:
        async def a_while() -> None:
            await self.talk.listen(self.chance.random() * 0.2)

        return Command("IDLE", "IDLE", idle=a_while)

    def status(self) -> Command:
        return Command("STATUS", f"STATUS {self.any_name()} (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)")

    def append(self) -> Command:
        octets = message(self.chance)
        flags = self.chance.choice(["", " (\\Seen)", " ($A \\Flagged)"])
        return self._with_message("APPEND", f"APPEND {self.likely_name(0.8)}{flags}", octets)

    def replace(self) -> Command:
        number = self.chance.randrange(1, len(self.replica.messages) + 1)
        return self._with_message("REPLACE", f"REPLACE {number} {self.likely_name(0.7)} ($A)", message(self.chance))

    def uid_replace(self) -> Command:
        uid = self.chance.choice(self.replica.uids())
        return self._with_message("UID REPLACE", f"UID REPLACE {uid} {self.likely_name(0.7)}", message(self.chance))

    def _with_message(self, name: str, text: str, octets: bytes) -> Command:
        """With a literal at its end, which waits where nothing else is on its way."""
        if not self.talk.flying:
            return Command(name, text, literal=octets)
        return Command(name, f"{text} {{{len(octets)}+}}\r\n{octets.decode()}")

    def expunge(self) -> Command:
        return Command("EXPUNGE", "EXPUNGE")

    def search(self) -> Command:
        return Command("SEARCH", f"SEARCH {self.key()}")

    def uid_search(self) -> Command:
        returns = self.chance.choice(["", "RETURN (ALL) ", "RETURN (COUNT MAX) "])
        return Command("UID SEARCH", f"UID SEARCH {returns}{self.key()}")

    def saved(self) -> Command:
        """Both in one go: the result is kept and used (RFC 9051 §6.4.4.1)."""
        self.send(Command("SEARCH", f"SEARCH RETURN (SAVE) {self.key()}"))
        return Command("FETCH", "FETCH $ (UID FLAGS)")

    def key(self) -> str:
        """A search key that the replica can check too, at a quiet point."""
        simple = ["ALL", "SEEN", "UNSEEN", "FLAGGED", "DELETED", "UNDELETED", "KEYWORD $A", "UNKEYWORD $B", "DRAFT"]
        one, two = self.chance.choice(simple), self.chance.choice(simple)
        return self.chance.choice([one, f"{one} {two}", f"OR {one} {two}", f"NOT {one}", f"OR {one} NOT {two}"])

    def items(self) -> str:
        names = ["FLAGS", *self.chance.sample(FIXED, self.chance.randrange(3))]
        if self.replica.dialect.condstore and self.chance.random() < 0.5:
            names.append("MODSEQ")
        return "(UID " + " ".join(names) + ")"

    def fetch(self) -> Command:
        return Command("FETCH", f"FETCH {self.numbers()} {self.items()}")

    def uid_fetch(self) -> Command:
        return Command("UID FETCH", f"UID FETCH {self.uid_set()} {self.items()}")

    def changed_since(self) -> Command:
        since = self.chance.choice([1, max(1, self.replica.highest - 20), max(1, self.replica.highest)])
        vanished = " VANISHED" if self.replica.dialect.qresync and self.chance.random() < 0.5 else ""
        return Command("UID FETCH", f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {since}{vanished})")

    def copy(self) -> Command:
        return Command("COPY", f"COPY {self.numbers(3)} {self.any_name()}")

    def move(self) -> Command:
        return Command("MOVE", f"MOVE {self.numbers(3)} {self.any_name()}")

    def uid_copy(self) -> Command:
        return Command("UID COPY", f"UID COPY {self.few_uids()} {self.any_name()}")

    def uid_move(self) -> Command:
        return Command("UID MOVE", f"UID MOVE {self.few_uids()} {self.any_name()}")

    def uid_expunge(self) -> Command:
        return Command("UID EXPUNGE", f"UID EXPUNGE {self.few_uids()}")

    def store(self) -> Command:
        numbers = self.numbers()

        def targets() -> list[Known]:  # asked for when the server begins: "*" may be another message by then
            everything = range(1, len(self.replica.messages) + 1)
            return [self.replica.messages[number - 1] for number in chosen(everything, numbers)]

        return self._store("STORE", numbers, targets, silent=self.chance.random() < 0.4)

    def uid_store(self) -> Command:
        if self.chance.random() < 0.6:
            return self._store("UID STORE", self.uid_set(), list, silent=False)
        uids = self.few_uids()
        targets = [m for m in self.replica.messages if str(m.uid) in uids.split(",")]
        return self._store("UID STORE", uids, lambda: targets, silent=True)

    def _store(self, name: str, numbers: str, targets: Callable[[], list[Known]], *, silent: bool) -> Command:
        sign = self.chance.choice(["+", "+", "-", ""])
        flags = self.chance.sample(FLAGS, self.chance.randrange(1, 3))
        condition = ""
        if self.replica.dialect.condstore and self.chance.random() < 0.3:
            condition = f" (UNCHANGEDSINCE {self.chance.choice([1, self.replica.highest or 1, 1 << 40])})"
        command = Command(
            name, f"{name} {numbers}{condition} {sign}FLAGS{'.SILENT' if silent else ''} ({' '.join(flags)})"
        )
        if silent:
            believe(command, targets, sign, frozenset(map(str.lower, flags)), certain=not condition)
        return command

    # ---- sets

    def numbers(self, most: int = 0) -> str:
        """A set of message numbers, in one of its many forms."""
        count = len(self.replica.messages)
        one, two = self.chance.randrange(1, count + 1), self.chance.randrange(1, count + 1)
        few = ",".join(str(self.chance.randrange(1, count + 1)) for _ in range(self.chance.randrange(1, 4)))
        if most:
            return few
        return self.chance.choice([str(one), f"{one}:{two}", few, few, "*", f"{one}:*", "1:*"])

    def few_uids(self) -> str:
        """One to three UIDs that are, or may have been, there."""
        known = self.replica.uids()
        return ",".join(str(self.chance.choice(known)) for _ in range(self.chance.randrange(1, 4)))

    def uid_set(self) -> str:
        """A set of UIDs; of those in a range some may be gone or never have been."""
        known = self.replica.uids()
        one, two = self.chance.choice(known), self.chance.choice(known)
        return self.chance.choice([str(one), f"{one}:{two}", self.few_uids(), f"{one}:*", "1:*", f"{known[-1] + 5}:*"])
