"""SELECT and EXAMINE (RFC 9051 §6.3.2, RFC 7162 §3.1.8, §3.2.5)."""

from __future__ import annotations

from dataclasses import dataclass

from mailkeep.imap.wire.lexer import Lexer

Range = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Qresync:
    """What the client remembers (RFC 7162 §3.2.5); ranges (low, high) ascend.

    `known_uids`: None when not given.  `matches`: equally long ranges of sequence numbers and UIDs in pairs
    (§3.2.5.2): message number `low + i` had UID `low + i` of its partner; () when not given.
    """

    uidvalidity: int
    modseq: int
    known_uids: tuple[Range, ...] | None = None
    matches: tuple[tuple[Range, Range], ...] = ()


@dataclass(frozen=True, slots=True)
class Select:
    """The command, for both names.  `condstore`: CONDSTORE was given."""

    mailbox: str
    condstore: bool = False
    qresync: Qresync | None = None


def parse(lexer: Lexer) -> Select:
    """The arguments of SELECT and EXAMINE."""
    lexer.space()
    mailbox = lexer.mailbox()
    is_condstore = False
    qresync: Qresync | None = None

    def parameter() -> None:
        nonlocal is_condstore, qresync
        match lexer.word():
            case b"CONDSTORE":
                lexer.needs("CONDSTORE")
                is_condstore = True
            case b"QRESYNC" if qresync is None:
                lexer.needs("QRESYNC")
                lexer.space()
                qresync = _qresync(lexer)
            case word:
                raise lexer.error(f"Unknown parameter {word[:30].decode()}")

    if lexer.more():
        lexer.items(parameter)
    lexer.end()
    return Select(mailbox, is_condstore, qresync)


def _qresync(lexer: Lexer) -> Qresync:
    lexer.expect(b"(")
    uidvalidity = lexer.nz_number()
    lexer.space()
    modseq = lexer.number64()  # 0 breaks the grammar but harms nobody
    known_uids: tuple[Range, ...] | None = None
    matches: tuple[tuple[Range, Range], ...] = ()
    if lexer.skip(b" "):
        if lexer.peek() != b"(":
            known_uids = tuple(sorted(_plain_set(lexer)))
        if known_uids is None or lexer.skip(b" "):
            matches = _matches(lexer)
    lexer.expect(b")")
    return Qresync(uidvalidity=uidvalidity, modseq=modseq, known_uids=known_uids, matches=matches)


def _plain_set(lexer: Lexer) -> tuple[Range, ...]:
    """A set in which ``*`` and ``$`` are not allowed."""
    numbers = lexer.sequence_set()
    if numbers.saved or numbers.has_star:
        raise lexer.error("* and $ are not allowed here")
    return numbers.ranges


def _matches(lexer: Lexer) -> tuple[tuple[Range, Range], ...]:
    lexer.expect(b"(")
    numbers = list(reversed(_plain_set(lexer)))
    lexer.space()
    uids = list(reversed(_plain_set(lexer)))
    lexer.expect(b")")
    pairs: list[tuple[Range, Range]] = []
    while numbers and uids:
        (number, last_number), (uid, last_uid) = numbers.pop(), uids.pop()
        more = min(last_number - number, last_uid - uid)
        pairs.append(((number, number + more), (uid, uid + more)))
        if number + more < last_number:
            numbers.append((number + more + 1, last_number))
        if uid + more < last_uid:
            uids.append((uid + more + 1, last_uid))
    if numbers or uids:
        raise lexer.error("The two sets must be equally long")
    return tuple(pairs)
