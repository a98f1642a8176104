"""What one client believes of its mailbox, made of nothing but what the server told it; a lie is a Contradiction.

Pure: it hears responses, one by one, and the name of the command during which each came.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from tests.imap_grammar import Response

NO_EXPUNGE_DURING: Final = ("FETCH", "STORE", "SEARCH", "SORT", "THREAD")  # RFC 9051 §7.5.1; not the UID forms
CHANGING: Final = ("FLAGS", "MODSEQ", "UID")  # of a FETCH; anything else of a message never changes
PARTIAL_VIEWS: Final = ("BODY[", "BINARY[")


class Contradiction(AssertionError):
    """The server said something that cannot be, after what it said before."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the client has enabled; it decides how the server must speak."""

    name: str
    enable: str = ""  # arguments of ENABLE
    rev2: bool = False
    condstore: bool = False
    qresync: bool = False
    uidonly: bool = False  # no message numbers at all (RFC 9586)

    @property
    def vanished(self) -> bool:
        """Whether expunges are told by UID."""
        return self.qresync or self.uidonly


DIALECTS: Final = (
    Dialect("rev1"),
    Dialect("rev2", "IMAP4rev2", rev2=True),
    Dialect("condstore", "CONDSTORE", condstore=True),
    Dialect("qresync", "QRESYNC", condstore=True, qresync=True),
    Dialect("rev2-qresync", "IMAP4rev2 QRESYNC", rev2=True, condstore=True, qresync=True),
)
UIDONLY: Final = Dialect("uidonly", "UIDONLY CONDSTORE", condstore=True, uidonly=True)  # where it is configured


@dataclass(slots=True, eq=False)
class Known:
    """One message: None for what the client has not been told yet."""

    uid: int | None = None
    flags: frozenset[str] | None = None  # in lower case; without the Recent flag, which depends on who looks
    modseq: int | None = None
    fixed: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Replica:
    """The mailbox as the client knows it: `messages[n - 1]` is message number n."""

    dialect: Dialect
    messages: list[Known] = field(default_factory=list)
    keywords: frozenset[str] = frozenset()
    uidvalidity: int = 0
    highest: int = 0  # the largest mod-sequence of which it knows that all up to it has been told
    last_uid: int = 0  # the largest UID that was ever told
    selected: bool = False
    expunged: int = 0  # how many times it was told so
    since_told: int = 0  # the largest mod-sequence heard
    unannounced: frozenset[str] = frozenset()  # keywords seen in FETCH; FLAGS must follow before the command ends

    # ---- what is known

    @property
    def is_complete(self) -> bool:
        """Whether there is nothing left to ask for."""
        return all(m.uid is not None and m.flags is not None for m in self.messages)

    def incomplete(self) -> list[int]:
        """The numbers of which UID or flags are unknown."""
        return [n for n, m in enumerate(self.messages, 1) if m.uid is None or m.flags is None]

    def uids(self) -> list[int]:
        """The UIDs that are known, ascending."""
        return [m.uid for m in self.messages if m.uid is not None]

    def by_uid(self, low: int, high: int) -> Iterator[Known]:
        """Messages that have, or may have, a UID in this range."""
        for place, message in enumerate(self.messages):
            if message.uid is None:
                before, after = self._neighbours(place)
                if before < high and after > low:
                    yield message
            elif low <= message.uid <= high:
                yield message

    def _neighbours(self, place: int) -> tuple[int, int]:
        """The nearest known UIDs around an index."""
        before = next((m.uid for m in reversed(self.messages[:place]) if m.uid is not None), 0)
        after = next((m.uid for m in self.messages[place + 1 :] if m.uid is not None), 1 << 32)
        return before, after

    # ---- what is heard

    def forget(self) -> None:
        """No mailbox is selected."""
        self.messages = []
        self.keywords = self.unannounced = frozenset()
        self.selected = False
        self.uidvalidity = self.highest = self.since_told = 0

    def hear(self, response: Response, running: str | None) -> None:
        """Take in one untagged response; `running` is the command that it came with, None between commands."""
        match response.kind:
            case "EXISTS":
                self._exists(_number(response))
            case "RECENT":
                self._recent(_number(response))
            case "EXPUNGE":
                self._may_expunge(running)
                self._expunge(_number(response))
            case "VANISHED":
                earlier, uids = response.data
                if earlier:
                    self._vanished_earlier(uids, running)
                else:
                    self._may_expunge(running)
                    self._vanished(uids)
            case "FETCH":
                self._need(not self.dialect.uidonly, "FETCH, where UIDONLY asks for UIDFETCH")
                self._fetch(_number(response), response.data, running)
            case "UIDFETCH":
                self._need(self.dialect.uidonly, "UIDFETCH without UIDONLY")
                uid = _number(response)
                self._fetch(self._number_of(uid), {"UID": uid, **response.data}, running)
            case "FLAGS":
                self.keywords = frozenset(str(flag).lower() for flag in response.data)
                self.unannounced -= self.keywords
            case "SEARCH":
                self._found(response.data["numbers"], running)
            case "OK" | "NO" if response.code is not None:
                self.hear_code(response.code.name, response.code.args)
            case "BYE":
                raise Contradiction(f"the server said goodbye: {response.text}")

    def hear_code(self, name: str, args: Any) -> None:
        """A response code, untagged or of the tagged answer."""
        match name:
            case "CLOSED":
                self.forget()
            case "UIDVALIDITY":
                self.uidvalidity = args
            case "UIDNEXT":
                known = max(self.uids(), default=0)
                self._need(args > known, f"UIDNEXT {args} after UID {known}")
            case "HIGHESTMODSEQ":
                self.since_told = max(self.since_told, args)

    def completed(self, *, may_expunge: bool) -> None:
        """A command has ended; after one that may tell expunges, all up to the largest mod-sequence is known."""
        self._need(not self.unannounced, f"keywords that FLAGS did not announce: {sorted(self.unannounced)}")
        if may_expunge and self.dialect.condstore:
            self.highest = max(self.highest, self.since_told)

    def _need(self, condition: object, what: str) -> None:
        if not condition:
            raise Contradiction(what)

    def _may_expunge(self, running: str | None) -> None:
        self._need(running is not None, "an expunge is told while no command runs")
        self._need(running not in NO_EXPUNGE_DURING, f"an expunge is told during {running}")
        self.expunged += 1

    def _exists(self, count: int) -> None:
        self.selected = True
        self._need(count >= len(self.messages), f"EXISTS {count}, but there are {len(self.messages)}")
        self.messages.extend(Known() for _ in range(count - len(self.messages)))

    def _recent(self, count: int) -> None:
        self._need(not self.dialect.rev2, "RECENT is not of IMAP4rev2")
        self._need(count <= len(self.messages), f"RECENT {count} of {len(self.messages)}")

    def _expunge(self, number: int) -> None:
        self._need(not self.dialect.vanished, "EXPUNGE, where QRESYNC or UIDONLY asks for VANISHED")
        self._need(number <= len(self.messages), f"EXPUNGE {number} of {len(self.messages)}")
        del self.messages[number - 1]

    def _vanished(self, uids: Iterable[int]) -> None:
        self._need(self.dialect.vanished, "VANISHED without QRESYNC")
        for uid in uids:
            place = self._place(uid) if not self.dialect.uidonly else self._place_without_numbers(uid)
            self._need(place is not None, f"VANISHED {uid}, which the client was never told of")
            del self.messages[place or 0]

    def _place(self, uid: int) -> int | None:
        """The index of a message with this UID, or else of one in whose place it must be."""
        gap = None
        for place, message in enumerate(self.messages):
            if message.uid is None:
                gap = place
            elif message.uid == uid:
                return place
            elif message.uid > uid:
                return gap
            else:
                gap = None
        return gap

    def _place_without_numbers(self, uid: int) -> int | None:
        """The same where nothing is known of the order: that of a message of which nothing is known will do."""
        known = [place for place, message in enumerate(self.messages) if message.uid == uid]
        unknown = [place for place, message in enumerate(self.messages) if message.uid is None]
        return next(iter(known + unknown), None)

    def _number_of(self, uid: int) -> int:
        """The number of the message that UIDFETCH is about; the known ones are kept in the order of their UIDs."""
        place = self._place_without_numbers(uid)
        self._need(place is not None, f"UIDFETCH {uid}, of which EXISTS did not tell")
        message = self.messages[place or 0]
        message.uid = uid
        self.last_uid = max(self.last_uid, uid)
        self.messages.sort(key=lambda each: each.uid or 1 << 32)
        return self.messages.index(message) + 1

    def _vanished_earlier(self, uids: list[int], running: str | None) -> None:
        self._need(self.dialect.vanished, "VANISHED without QRESYNC")
        self._need(running in ("SELECT", "EXAMINE", "UID FETCH"), f"VANISHED (EARLIER) during {running}")
        still = set(uids) & set(self.uids())
        self._need(not still, f"VANISHED (EARLIER) of messages that were never expunged: {sorted(still)}")

    def _found(self, numbers: list[int], running: str | None) -> None:
        if running == "SEARCH" and numbers:
            self._need(max(numbers) <= len(self.messages), f"found {max(numbers)} of {len(self.messages)}")
        self._need(numbers == sorted(set(numbers)), f"found in no order: {numbers}")

    def _fetch(self, number: int, items: dict[str, Any], running: str | None) -> None:
        self._need(number <= len(self.messages), f"FETCH {number} of {len(self.messages)}")
        message = self.messages[number - 1]
        by_uid = running is not None and running.startswith("UID ")
        if "UID" in items:
            self._is_uid(number, items["UID"])
        else:
            self._need(not by_uid, f"FETCH without UID during {running}")  # RFC 9051 §6.4.9
            # RFC 7162 §3.2.4: whatever was not asked for has the UID; the clients here always ask for it
            self._need(not self.dialect.qresync, "FETCH without UID, with QRESYNC")
        if "MODSEQ" in items:
            self._need(self.dialect.condstore, "MODSEQ without CONDSTORE")
        if "FLAGS" in items:
            self._flags(number, message, items)
        elif "MODSEQ" in items:
            self._need(items["MODSEQ"] >= (message.modseq or 0), f"MODSEQ of {number} fell from {message.modseq}")
        if "MODSEQ" in items:
            message.modseq = items["MODSEQ"]
            self.since_told = max(self.since_told, items["MODSEQ"])
        for name, value in items.items():
            if name not in CHANGING:
                digest = hashlib.sha256(repr(value).encode()).hexdigest()[:16]
                was = message.fixed.setdefault(name, digest)
                self._need(was == digest, f"{name} of message {number}, UID {message.uid}, is another now")

    def _is_uid(self, number: int, uid: int) -> None:
        message = self.messages[number - 1]
        if message.uid is None:
            before, after = self._neighbours(number - 1)
            self._need(before < uid < after, f"UID {uid} of {number} stands between {before} and {after}")
            message.uid = uid
            self.last_uid = max(self.last_uid, uid)
        self._need(message.uid == uid, f"UID of {number} is {uid}, was {message.uid}")

    def _flags(self, number: int, message: Known, items: dict[str, Any]) -> None:
        flags = frozenset(str(flag).lower() for flag in items["FLAGS"]) - {"\\recent"}
        if self.dialect.rev2:
            self._need("\\Recent" not in items["FLAGS"], "\\Recent is not of IMAP4rev2")
        self.unannounced |= {flag for flag in flags if not flag.startswith("\\")} - self.keywords
        if "MODSEQ" in items and message.modseq is not None and message.flags is not None:
            self._need(items["MODSEQ"] >= message.modseq, f"MODSEQ of {number} fell from {message.modseq}")
            if items["MODSEQ"] == message.modseq:
                self._need(
                    flags == message.flags,
                    f"flags of {number}, UID {message.uid}, are {sorted(flags)}, were {sorted(message.flags)},"
                    " and the mod-sequence is the same",
                )
        message.flags = flags


def _number(response: Response) -> int:
    assert response.number is not None
    return response.number
