"""NOTIFY (RFC 5465 §3.1, §8)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from mailkeep.imap.wire.fetch import FetchItem, read_attributes
from mailkeep.imap.wire.filter_mailboxes import FilterMailboxes, Which, filter_mailboxes
from mailkeep.imap.wire.lexer import Lexer, Refusal


class Event(Enum):
    """What can be told; the value is the RFC's word."""

    MESSAGE_NEW = "MessageNew"
    MESSAGE_EXPUNGE = "MessageExpunge"
    FLAG_CHANGE = "FlagChange"
    MAILBOX_NAME = "MailboxName"
    SUBSCRIPTION_CHANGE = "SubscriptionChange"
    MAILBOX_METADATA_CHANGE = "MailboxMetadataChange"
    SERVER_METADATA_CHANGE = "ServerMetadataChange"


MESSAGE_EVENTS: Final = frozenset({Event.MESSAGE_NEW, Event.MESSAGE_EXPUNGE, Event.FLAG_CHANGE})
SELECTED: Final = (Which.SELECTED, Which.SELECTED_DELAYED)
MAX_GROUPS: Final = 100


@dataclass(frozen=True, slots=True)
class Group:
    """What to tell of which mailboxes.  `items` are told of new messages, in the selected mailbox only."""

    source: FilterMailboxes
    events: frozenset[Event]
    items: tuple[FetchItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Notify:
    """The command; NOTIFY NONE has no groups.  `status`: begin with the STATUS of what is watched."""

    groups: tuple[Group, ...] = ()
    status: bool = False


_EVENTS: Final = {event.value.upper().encode("ascii"): event for event in Event}
_SUPPORTED: Final = f"BADEVENT ({' '.join(event.value for event in Event)})"


def parse(lexer: Lexer) -> Notify:
    """The arguments of NOTIFY.  Raises: Refusal (BADEVENT)."""
    lexer.space()
    word = lexer.word()
    if word == b"NONE":
        lexer.end()
        return Notify()
    if word != b"SET":
        raise lexer.error("SET or NONE is expected")
    lexer.space()
    status = lexer.skip(b"STATUS ")
    groups = [_group(lexer)]
    while lexer.more():
        groups.append(_group(lexer))
        if len(groups) > MAX_GROUPS:
            raise lexer.error(f"More than {MAX_GROUPS} groups")
    lexer.end()
    if sum(group.source.which in SELECTED for group in groups) > 1:
        raise lexer.error("The selected mailbox may be named once")
    return Notify(tuple(groups), status)


def _group(lexer: Lexer) -> Group:
    lexer.expect(b"(")
    source = filter_mailboxes(lexer)
    lexer.space()
    selected = source.which in SELECTED
    group = Group(source, frozenset()) if lexer.skip(b"NONE)") else _events(lexer, source)
    if selected and not group.events <= MESSAGE_EVENTS:
        raise lexer.error("Only events of messages belong to the selected mailbox")
    if group.items and not selected:
        raise lexer.error("Items are told of messages in the selected mailbox only")
    _require_together(lexer, group.events)
    return group


def _events(lexer: Lexer, source: FilterMailboxes) -> Group:
    events: set[Event] = set()
    items: tuple[FetchItem, ...] = ()

    def one() -> None:
        nonlocal items
        start = lexer.pos
        event = _EVENTS.get(lexer.word())
        if event is None:
            raise Refusal(_SUPPORTED, "There is no such event here", start)
        events.add(event)
        if event is Event.MESSAGE_NEW and lexer.skip(b" ("):
            lexer.pos -= 1
            items = read_attributes(lexer)

    lexer.items(one)
    lexer.expect(b")")
    return Group(source, frozenset(events), items)


def _require_together(lexer: Lexer, events: frozenset[Event]) -> None:
    both = {Event.MESSAGE_NEW, Event.MESSAGE_EXPUNGE}
    if events & MESSAGE_EVENTS and not both <= events:
        raise lexer.error("MessageNew and MessageExpunge belong together, and to FlagChange")  # RFC 5465 §5
