"""What the sessions of an episode do, at random, as far as can be known from what one server says."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.differential import mail

NAMES: Final = ("a", "b", "a/b", "a/b/c", "b/c", "Work", "x y", "&AMQ-pfel", "INBOX/sub", "inbox", "Work/2025", "d.e")
PATTERNS: Final = ("*", "%", "a*", "a/%", "%/%", "INBOX", "i*", "*b", "W%k", "", "a/b", "*/c", "%/b", "x*", "i*b")
NAME: Final = re.compile(r'"([^"]*)"')
FLAGS: Final = ("\\Seen", "\\Flagged", "\\Answered", "\\Draft", "\\Deleted", "$Forwarded", "$Junk", "work")
ITEMS: Final = (
    "FLAGS",
    "INTERNALDATE",
    "RFC822.SIZE",
    "ENVELOPE",
    "BODYSTRUCTURE",
    "RFC822.HEADER",
    "BODY.PEEK[]",
    "BODY.PEEK[HEADER]",
    "BODY.PEEK[TEXT]",
    "BODY[TEXT]",
    "BODY.PEEK[1]",
    "BODY.PEEK[2]",
    "BODY.PEEK[1.MIME]",
    "BODY.PEEK[2.MIME]",
    "BODY.PEEK[HEADER.FIELDS (SUBJECT DATE)]",
    "BODY.PEEK[HEADER.FIELDS.NOT (From To References Cc)]",
    "BODY.PEEK[]<0.20>",
    "BODY.PEEK[TEXT]<10.15>",
    "BODY.PEEK[]<100000.5>",
    "BODY.PEEK[1]<3.4>",
    "BINARY.PEEK[1]",
    "BINARY.SIZE[1]",
    "MODSEQ",
)
ORDERS: Final = ("ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT", "TO")
STATUS: Final = ("MESSAGES", "UIDNEXT", "UNSEEN", "SIZE", "UIDVALIDITY", "HIGHESTMODSEQ")


@dataclass(frozen=True, slots=True)
class Step:
    """One command of one session; `text` may hold {modseq} and {uidvalidity}, which differ from server to server."""

    session: int
    name: str
    text: bytes
    needs: frozenset[str] = frozenset()  # capabilities; who lacks one is not asked

    def __str__(self) -> str:
        return f"{self.session}: {self.text[:300]!r}"


@dataclass(slots=True)
class Seen:
    """What a session knows of its mailbox before the next step."""

    mailbox: str | None = None
    condstore: bool = False  # enabled: without, servers need not count changes
    uids: list[int] = field(default_factory=list)


class Author:
    """Writes the next step, given what has become of those before."""

    def __init__(self, chance: random.Random, sessions: Sequence[str]) -> None:
        self.chance = chance
        self.seen = [Seen(condstore=bool(enabled)) for enabled in sessions]
        self.names: set[str] = {"INBOX"}
        self._appended = 0
        self._next: list[Step] = []

    def pick(self) -> int:
        """Whose turn it is."""
        if self._next:
            return self._next[-1].session
        return self.chance.randrange(len(self.seen))

    def write(self, session: int) -> Step:
        """The next step of a session, whose mailbox has just been looked at."""
        seen = self.seen[session]
        if self._next:
            return self._next.pop()
        if seen.mailbox is None:
            makers = [self._mailbox] * 2 + [self._select] * 3 + [self._append]
        else:
            makers = [self._mailbox, self._select, self._append, self._append, self._leave]
            makers += [self._fetch, self._store, self._search] * (4 if seen.uids else 1)
            makers += [self._copy, self._copy, self._expunge]
            if seen.uids:
                makers += [self._sort, self._sort, self._thread]
        name, text, *needs = self.chance.choice(makers)(seen)
        return Step(session, name, text if isinstance(text, bytes) else text.encode(), frozenset(needs))

    def remember(self, step: Step, *, is_ok: bool) -> None:
        """What a step has made of the mailboxes; `is_ok` of ours."""
        seen = self.seen[step.session]
        names = NAME.findall(step.text.decode())
        match step.name:
            case "SELECT" | "EXAMINE":
                seen.mailbox = names[0] if is_ok else None
            case "CLOSE" | "UNSELECT":
                seen.mailbox = None
            case "CREATE" if is_ok:
                self.names.add(names[0])
                # whether a new mailbox is subscribed, servers may choose (RFC 9051 §6.3.4)
                self._next.append(Step(step.session, "UNSUBSCRIBE", f'UNSUBSCRIBE "{names[0]}"'.encode()))
            case "DELETE" if is_ok:
                self.names.discard(names[0])
            case "RENAME" if is_ok:
                old, new = names
                moved = {name for name in self.names if f"{name}/".startswith(f"{old}/")}
                self.names = self.names - moved | {new + name[len(old) :] for name in moved}
        if seen.mailbox is None:
            seen.uids = []

    # ---- mailboxes

    def _mailbox(self, _: Seen) -> tuple[str, ...]:
        makers: list[Callable[[], tuple[str, ...]]] = [
            lambda: ("CREATE", f"CREATE {self._any_name()}"),
            lambda: ("CREATE", f"CREATE {self._any_name()}"),
            lambda: ("DELETE", f"DELETE {self._free_name()}"),
            lambda: ("RENAME", f"RENAME {self._free_name()} {self._any_name()}"),
            lambda: ("SUBSCRIBE", f"SUBSCRIBE {self._name()}"),
            lambda: ("UNSUBSCRIBE", f"UNSUBSCRIBE {self._name()}"),
            lambda: ("LIST", f'LIST "{self._reference()}" "{self.chance.choice(PATTERNS)}"'),
            lambda: ("LSUB", f'LSUB "" "{self.chance.choice(PATTERNS)}"'),
            self._list_extended,
            lambda: ("STATUS", f"STATUS {self._name()} ({' '.join(self._some(STATUS))})"),
        ]
        return self.chance.choice(makers)()

    def _reference(self) -> str:
        return self.chance.choice(["", "", "", "a/", "b/"])

    def _list_extended(self) -> tuple[str, ...]:
        selection = self.chance.choice(["", "(SUBSCRIBED) ", "(SUBSCRIBED RECURSIVEMATCH) "])
        returns = self.chance.choice(["CHILDREN", "SUBSCRIBED", "SUBSCRIBED CHILDREN", "STATUS (MESSAGES UNSEEN)"])
        pattern = self.chance.choice(['"*"', '"%"', '("a*" "INBOX")', '"a/%"'])
        return "LIST", f'LIST {selection}"" {pattern} RETURN ({returns})'

    def _name(self) -> str:
        """Mostly one that exists."""
        return quoted(self.chance.choice(sorted(self.names)) if self.chance.random() < 0.8 else self._raw_name())

    def _raw_name(self) -> str:
        return self.chance.choice(NAMES)

    def _any_name(self) -> str:
        """One to make, or what is above it first: whether that is made too and can hold mail, servers may choose."""
        name = self._raw_name()
        parent = name.rpartition("/")[0]
        while parent and parent not in self.names:
            name, parent = parent, parent.rpartition("/")[0]
        return quoted(name)

    def _free_name(self) -> str:
        """One that no session has open, nor one below it: what becomes of those is another question."""
        used = [seen.mailbox for seen in self.seen if seen.mailbox]
        free = [n for n in (*NAMES, *self.names) if not any(f"{u}/".startswith(f"{n}/") for u in used) and n != "inbox"]
        return quoted(self.chance.choice(sorted(set(free) - {"INBOX"})))

    # ---- opening and leaving

    def _select(self, seen: Seen) -> tuple[str, ...]:
        word = self.chance.choice(["SELECT", "SELECT", "SELECT", "EXAMINE"])
        return word, f"{word} {self._name()}"

    def _leave(self, seen: Seen) -> tuple[str, ...]:
        word = self.chance.choice(["CLOSE", "UNSELECT"])
        return word, word

    # ---- messages

    def _append(self, seen: Seen) -> tuple[str, bytes]:
        self._appended += 1
        octets = mail.message(self.chance, self._appended)
        name = quoted(seen.mailbox) if seen.mailbox and self.chance.random() < 0.7 else self._name()
        flags = f" ({' '.join(self._some(FLAGS, 2))})" if self.chance.random() < 0.5 else ""
        date = f' "{self.chance.choice(mail.ARRIVALS)}"'
        return "APPEND", f"APPEND {name}{flags}{date} {{{len(octets)}+}}\r\n".encode() + octets

    def _fetch(self, seen: Seen) -> tuple[str, ...]:
        items = self._some(ITEMS, 3)
        needs = ["CONDSTORE"] if "MODSEQ" in items else []
        by_uid, numbers = self._numbers(seen)
        since = ""
        if seen.condstore and self.chance.random() < 0.2 and "BODY[TEXT]" not in items:
            since = " (CHANGEDSINCE {modseq})"
        return f"{by_uid}FETCH", f"{by_uid}FETCH {numbers} (UID {' '.join(items)}){since}", *needs

    def _store(self, seen: Seen) -> tuple[str, ...]:
        by_uid, numbers = self._numbers(seen)
        sign, silent = self.chance.choice("+-+- "), self.chance.choice(["", "", ".SILENT"])
        condition = " (UNCHANGEDSINCE {modseq})" if seen.condstore and self.chance.random() < 0.2 else ""
        flags = " ".join(self._some(FLAGS, 2))
        text = f"{by_uid}STORE {numbers}{condition} {sign.strip()}FLAGS{silent} ({flags})"
        return f"{by_uid}STORE", text

    def _copy(self, seen: Seen) -> tuple[str, ...]:
        by_uid, numbers = self._numbers(seen)
        word = by_uid + self.chance.choice(["COPY", "COPY", "MOVE"])
        return word, f"{word} {numbers} {self._name()}"

    def _expunge(self, seen: Seen) -> tuple[str, ...]:
        if self.chance.random() < 0.5 or not seen.uids:
            return "EXPUNGE", "EXPUNGE"
        return "UID EXPUNGE", f"UID EXPUNGE {self._uid_set(seen)}"

    def _numbers(self, seen: Seen) -> tuple[str, str]:
        if self.chance.random() < 0.5 or not seen.uids:
            return "UID ", self._uid_set(seen)
        count = len(seen.uids)
        one, two = self.chance.randrange(1, count + 1), self.chance.randrange(1, count + 1)
        return "", self.chance.choice([str(one), f"{one}:{two}", f"{one},{two}", "*", "1:*", f"{one}:*"])

    def _uid_set(self, seen: Seen) -> str:
        known = seen.uids or [1]
        one, two = self.chance.choice(known), self.chance.choice(known)
        far = known[-1] + self.chance.randrange(1, 9)
        return self.chance.choice([str(one), f"{one}:{two}", f"{one},{two}", f"{two}:*", f"{one}:{far}", f"{far}:*"])

    # ---- searches

    def _search(self, seen: Seen) -> tuple[str, ...]:
        by_uid = self.chance.choice(["", "UID "])
        returns = self.chance.choice(
            ["", "", "", "RETURN (MIN MAX) ", "RETURN (COUNT) ", "RETURN (ALL) ", "RETURN () "]
        )
        keys = " ".join(self.key(seen) for _ in range(self.chance.randrange(1, 3)))
        charset = "" if keys.isascii() else "CHARSET UTF-8 "
        return f"{by_uid}SEARCH", f"{by_uid}SEARCH {returns}{charset}{keys}"

    def _sort(self, seen: Seen) -> tuple[str, ...]:
        by_uid = self.chance.choice(["", "UID "])
        criteria = " ".join(self.chance.choice(["", "REVERSE "]) + key for key in self._some(ORDERS, 2))
        return f"{by_uid}SORT", f"{by_uid}SORT ({criteria}) UTF-8 {self.key(seen)}", "SORT"

    def _thread(self, seen: Seen) -> tuple[str, ...]:
        by_uid = self.chance.choice(["", "UID "])
        algorithm = self.chance.choice(["REFERENCES", "ORDEREDSUBJECT", "REFS"])
        return f"{by_uid}THREAD", f"{by_uid}THREAD {algorithm} UTF-8 {self.key(seen)}", f"THREAD={algorithm}"

    def key(self, seen: Seen, depth: int = 0) -> str:
        """One search key."""
        if depth < 3 and self.chance.random() < 0.3:
            one, two = self.key(seen, depth + 1), self.key(seen, depth + 1)
            return self.chance.choice([f"NOT {one}", f"OR {one} {two}", f"({one} {two})"])
        makers: list[Callable[[], str]] = [
            lambda: self.chance.choice(["ALL", "SEEN", "UNSEEN", "FLAGGED", "UNDELETED", "ANSWERED", "DRAFT"]),
            lambda: f"{self.chance.choice(['KEYWORD', 'UNKEYWORD'])} {self.chance.choice(FLAGS[5:])}",
            lambda: f"{self.chance.choice(['BEFORE', 'ON', 'SINCE'])} {self._day()}",
            lambda: f"{self.chance.choice(['SENTBEFORE', 'SENTON', 'SENTSINCE'])} {self._day()}",
            lambda: f"{self.chance.choice(['LARGER', 'SMALLER'])} {self.chance.randrange(200, 900)}",
            lambda: f"{self.chance.choice(['SUBJECT', 'BODY', 'TEXT'])} {self._text()}",
            lambda: f"{self.chance.choice(['FROM', 'TO', 'CC', 'BCC'])} {self._person()}",
            lambda: f"HEADER {self.chance.choice(['X-Metal gold', 'X-Metal {0+}', 'Message-ID example', 'Date 2025'])}",
            lambda: f"UID {self._uid_set(seen)}",
            lambda: f"{self.chance.choice(['OLDER', 'YOUNGER'])} {self.chance.choice([60, 10**9])}",
        ]
        if seen.uids:
            makers.append(lambda: f"1:{self.chance.randrange(1, len(seen.uids) + 1)}")
        return self.chance.choice(makers)().replace("{0+}", '""')

    def _day(self) -> str:
        return self.chance.choice(
            ["3-Feb-2025", "4-Feb-2025", "5-Feb-2025", "5-Mar-2024", "01-Jan-2024", '"4-Feb-2025"']
        )

    def _text(self) -> str:
        word = self.chance.choice(mail.WORDS)
        word = self.chance.choice([word, word.upper(), word[:3], word.lower()])
        return f"{{{len(word.encode())}+}}\r\n{word}" if not word.isascii() or " " in word else f'"{word}"'

    def _person(self) -> str:
        return self.chance.choice(['"ann"', "example.com", "CARL", '"bob@"', '"Ann Lee"'])

    def _some(self, names: tuple[str, ...], most: int = 3) -> list[str]:
        return self.chance.sample(names, self.chance.randrange(1, most + 1))


def quoted(name: str) -> str:
    """A mailbox name as a quoted string."""
    return f'"{name}"'
