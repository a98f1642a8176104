"""Where other servers answer otherwise, and the RFC's word on it.  Whatever is not here fails the test.

A row names the server, what it is about, a test as narrow as can be of the step and of what each server has there,
and who is right.  `diverges`: the servers have different mail from here on, so the episode ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tests.differential.script import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What differs: after which step, at which place of its outcome ("the mailbox": of what it left behind)."""

    step: Step
    where: str
    place: str
    ours: Any
    theirs: Any
    read_only: bool  # how the session has its mailbox open
    count: int  # messages in it

    @property
    def text(self) -> str:
        """The command, in capitals."""
        return self.step.text.decode("utf-8", "replace").upper()

    @property
    def name(self) -> str:
        """The command's name, whether by UID or by number."""
        return self.step.name.removeprefix("UID ")

    def is_result(self, ours: str, theirs: str) -> bool:
        """Whether the results are these."""
        return self.place == "result" and (self.ours, self.theirs) == (ours, theirs)


Test = Callable[[Case], bool]


@dataclass(frozen=True, slots=True)
class Difference:
    """One row."""

    name: str
    servers: tuple[str, ...]
    applies: Test
    word: str
    diverges: bool = False


BOTH: Final = ("dovecot", "cyrus")
DOVECOT: Final = ("dovecot",)
CYRUS: Final = ("cyrus",)

SEARCHES: Final = ("SEARCH", "SORT", "THREAD")
NEGATED_DATES: Final = r"NOT \(?OR ((?:SENT)?)(SINCE|BEFORE|ON) \S+ \1\2 "

LISTED: Final[tuple[Difference, ...]] = (
    # ---- a mailbox that EXAMINE opened
    Difference(
        "EXPUNGE is refused in a mailbox that EXAMINE opened",
        DOVECOT,
        lambda c: c.read_only and c.name == "EXPUNGE" and c.is_result("NO", "OK"),
        "RFC 9051 §6.4.3: NO, can't expunge (e.g. permission denied).  Dovecot says OK and does nothing",
    ),
    Difference(
        "a set without messages can be neither stored nor moved in a mailbox that EXAMINE opened",
        BOTH,
        lambda c: c.read_only and c.step.name in ("UID STORE", "UID MOVE") and c.is_result("NO", "OK"),
        "RFC 9051 §6.3.3: no changes are permitted; it is silent on a change of nothing",
        diverges=True,
    ),
    Difference(
        "MOVE is refused in a mailbox that EXAMINE opened",
        DOVECOT,
        lambda c: c.read_only and c.name == "MOVE" and c.is_result("NO", "OK"),
        "RFC 9051 §6.3.3: no changes to the permanent state of the mailbox are permitted.  Dovecot makes copies, and"
        " leaves the messages where they are",
        diverges=True,
    ),
    Difference(
        "STORE is refused in a mailbox that EXAMINE opened",
        DOVECOT,
        lambda c: c.read_only and c.name == "STORE" and c.is_result("NO", "OK"),
        "RFC 9051 §6.3.3: no changes are permitted.  Dovecot says OK and does nothing",
    ),
    Difference(
        "of two reasons for a refusal, EXAMINE's is told",
        BOTH,
        lambda c: c.read_only and c.name == "MOVE" and c.place == "code" and (c.ours, c.theirs) == ("", "TRYCREATE"),
        "RFC 9051 §7.1, TRYCREATE: as opposed to some other reason",
    ),
    Difference(
        "a mailbox that EXAMINE opened is read-only whatever the message numbers",
        BOTH,
        lambda c: c.read_only and c.step.name in ("STORE", "MOVE") and c.is_result("NO", "BAD"),
        "RFC 9051 §9: a number beyond the mailbox should be BAD; with two mistakes either is told",
    ),
    # ---- sets of messages
    Difference(
        "* in an empty mailbox is an empty set",
        BOTH,
        lambda c: c.count == 0 and (c.is_result("OK", "BAD") or c.is_result("NO", "BAD")) and "*" in c.text,
        "RFC 9051 §9, seq-number: the server *should* say BAD.  Clients send FETCH 1:* without looking, and take BAD"
        " for a broken server: leniency by decision",
    ),
    Difference(
        "a set without messages cannot be copied to a mailbox that is not there",
        BOTH,
        lambda c: c.name in ("COPY", "MOVE") and c.is_result("NO", "OK"),
        "RFC 9051 §6.4.7: if the destination does not exist, the server MUST return an error",
    ),
    Difference(
        "messages can be copied into the mailbox in which they are",
        CYRUS,
        lambda c: c.name in ("COPY", "MOVE") and c.is_result("OK", "NO") and '"INBOX"' in c.text,
        "RFC 9051 §6.4.7: the end of the specified destination mailbox, whichever; Cyrus refuses some such copies",
        diverges=True,
    ),
    # ---- messages
    Difference(
        "STORE tells the flags of what it did not change",
        BOTH,
        lambda c: c.name == "STORE" and c.place.isdigit() and c.theirs is None,
        "RFC 9051 §6.4.6: STORE returns the updated value with an untagged FETCH response; they, only of what changed",
    ),
    Difference(
        "a part that is not there is NIL",
        DOVECOT,
        lambda c: c.name == "FETCH" and "[2" in c.place and c.ours is None and c.theirs == b"",
        "RFC 9051 §4.5: NIL is what is not there; an empty string is a part that is empty",
    ),
    Difference(
        "a partial beyond the end does not end the session",
        DOVECOT,
        lambda c: c.name == "FETCH" and "<100000.5>" in c.text and c.is_result("OK", "ENDED"),
        "RFC 9051 §6.4.5: if the starting octet is beyond the end of the text, an empty string is returned; Dovecot 2.3"
        " hangs up at times",
        diverges=True,
    ),
    Difference(
        "all header fields that are asked for are given",
        DOVECOT,
        lambda c: c.name == "FETCH" and "HEADER.FIELDS (" in c.place and some_lines(c.theirs, c.ours),
        "RFC 9051 §6.4.5.1: the fields that match any of the names; Dovecot 2.3 forgets one that it had cached"
        " for something else",
    ),
    # ---- searches
    Difference(
        "the date of a message is that of its header",
        DOVECOT,
        lambda c: c.name in SEARCHES and bool(re.search(r"\bSENT(BEFORE|ON|SINCE) ", c.text)),
        "RFC 9051 §6.4.4, SENTBEFORE: the Date header field, disregarding time and timezone; Dovecot 2.3 finds a"
        " message of 2025 before 2024 once it has sorted copies.  (Cyrus is held to the dates.)",
    ),
    Difference(
        "sharp s matches SS",
        BOTH,
        lambda c: c.name in SEARCHES and "GRÖSSE" in c.step.text.decode(),
        "RFC 9051 §6.4.4: matching in any case SHOULD be for ASCII at least; they fold as RFC 5051, letter by letter",
    ),
    Difference(
        "texts in other charsets than UTF-8 are searched",
        CYRUS,
        lambda c: c.name in SEARCHES and bool(re.search(r"\b(BODY|TEXT) ", c.text)),
        "RFC 9051 §6.4.4: the charset of the command is not that of the message; Debian's Cyrus finds nothing in bodies"
        " in ISO-8859-1",
    ),
    Difference(
        "NOT of an OR of dates of one kind",
        DOVECOT,
        lambda c: c.name in SEARCHES and bool(re.search(NEGATED_DATES, c.text)),
        "RFC 9051 §6.4.4: NOT and OR are what they say; Dovecot 2.3 merges the two dates and forgets the NOT",
    ),
    Difference(
        "threads by REFS are in the order of the last arrival",
        BOTH,
        lambda c: c.name == "THREAD" and "REFS" in c.text and same_members(c.ours, c.theirs),
        "draft-ietf-morg-inthread, which became no RFC: the threads by the latest INTERNALDATE; Dovecot takes Date",
    ),
    Difference(
        "what REVERSE leaves equal stands in the order of the mailbox",
        DOVECOT,
        lambda c: c.name == "SORT" and "REVERSE" in c.text and same_members(c.ours, c.theirs),
        "RFC 5256 §3: REVERSE does not affect the implicit sequence number sort criterion; Dovecot, once it has kept an"
        " order, mixes equal ones.  (Cyrus is held to the order.)",
    ),
    Difference(
        "subjects in other scripts are in the order of Unicode",
        CYRUS,
        lambda c: c.name == "SORT" and "SUBJECT" in c.text and same_members(c.ours, c.theirs),
        "RFC 5256 §3, RFC 5051: the order of the UTF-8 of what was folded; Cyrus puts Han before Greek.  (Dovecot is"
        " held to the order.)",
    ),
    Difference(
        "* in a search is the last message that is left",
        CYRUS,
        lambda c: c.name in SEARCHES and bool(re.search(r"UID [0-9]+:\*", c.text)),
        "RFC 9051 §9, seq-number: * is the largest number in use; Cyrus goes by UIDNEXT",
    ),
    # ---- names
    Difference(
        "a mailbox does not go below itself",
        CYRUS,
        lambda c: c.name == "RENAME" and c.is_result("NO", "OK") and below_itself(c),
        "RFC 9051 §6.3.6 is silent; what was called b would be called b/c, and b/c/c what was called b/c",
        diverges=True,
    ),
    Difference(
        "children that are not subscribed are children",
        CYRUS,
        lambda c: c.name == "LIST" and "(SUBSCRIBED" in c.text and differ_in_having_children(c),
        "RFC 5258 §4, CHILDREN: whether there are any, not whether they are subscribed",
    ),
    Difference(
        "INBOX cannot be created",
        DOVECOT,
        lambda c: c.name == "CREATE" and '"INBOX"' in c.text and c.is_result("NO", "OK"),
        "RFC 9051 §6.3.4: it is an error to attempt to create INBOX; Dovecot allows it until it has made it itself",
    ),
    Difference(
        "INBOX exists though nothing was ever in it",
        DOVECOT,
        lambda c: c.name == "LIST" and c.place == "INBOX" and bool(c.theirs) and "\\nonexistent" in c.theirs[0],
        "RFC 9051 §6.3.9.3: \\NonExistent is of names that cannot be selected; Dovecot makes INBOX when it is",
    ),
    Difference(
        "the root of a reference is empty",
        BOTH,
        lambda c: c.name == "LIST" and c.text.endswith('/" ""') and c.place in ("", "A/", "a/", "b/", "a", "b"),
        "RFC 9051 §6.3.9: the root MAY be the empty string if the reference is non-rooted",
    ),
    Difference(
        "what is not there can be subscribed",
        BOTH,
        lambda c: c.name == "SUBSCRIBE" and c.is_result("OK", "NO"),
        "RFC 9051 §6.3.7: a server MAY validate the argument; what is deleted later stays subscribed, so such"
        " subscriptions exist anyway",
        diverges=True,
    ),
    Difference(
        "extended LIST tells of children unasked",
        BOTH,
        lambda c: c.name == "LIST" and "CHILDREN" not in c.text and "RETURN" in c.text and differ_in_children(c),
        "RFC 5258 §4: the server MAY give what was not asked for where it costs nothing",
    ),
    Difference(
        "INBOX is listed for a pattern in lower case",
        CYRUS,
        lambda c: c.name in ("LIST", "LSUB") and c.place.startswith("INBOX") and c.theirs is None and '"I*' in c.text,
        "RFC 9051 §5.1: INBOX in any case is INBOX; §6.3.9 asks for a match in capitals at least",
    ),
)


def differ_in_children(case: Case) -> bool:
    """Whether two LIST rows differ in their attributes about children, which ours has and theirs lacks."""
    if not case.ours or not case.theirs:
        return False
    (ours, *rest), (theirs, *others) = case.ours, case.theirs
    return rest == others and not theirs - ours and not ours - theirs - {"\\haschildren", "\\hasnochildren"}


def differ_in_having_children(case: Case) -> bool:
    """Whether ours has children in a LIST row, theirs has none, and all else is the same."""
    if not case.ours or not case.theirs:
        return False
    (ours, *rest), (theirs, *others) = case.ours, case.theirs
    return rest == others and ours ^ theirs == {"\\haschildren", "\\hasnochildren"} and "\\haschildren" in ours


def below_itself(case: Case) -> bool:
    """Whether RENAME's second name lies below its first."""
    old, new = re.findall(r'"([^"]*)"', case.text)
    return bool(new.startswith(old + "/"))


def some_lines(few: Any, many: Any) -> bool:
    """Whether the lines of one header are among those of the other, and not all of them."""
    return bool(few and many) and set(few.splitlines()) < set(many.splitlines())


def same_members(ours: Any, theirs: Any) -> bool:
    """Whether only their order differs."""
    return sorted(map(repr, ours or ())) == sorted(map(repr, theirs or ()))


def find(server: str, case: Case) -> Difference | None:
    """The row that explains a difference."""
    return next((row for row in LISTED if server in row.servers and row.applies(case)), None)
