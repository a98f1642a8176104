"""ESEARCH: a search of several mailboxes (RFC 7377)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mailkeep.imap.wire.filter_mailboxes import FilterMailboxes, Which, filter_mailboxes
from mailkeep.imap.wire.lexer import Lexer
from mailkeep.imap.wire.search import Search, read_search
from mailkeep.imap.wire.search_return import Return

MAX_SOURCES: Final = 100
SELECTED: Final = (FilterMailboxes(Which.SELECTED),)


@dataclass(frozen=True, slots=True)
class Esearch:
    """The command: `search`, of UIDs, in each mailbox that is in one of `sources`."""

    sources: tuple[FilterMailboxes, ...]
    search: Search


def parse(lexer: Lexer) -> Esearch:
    """The arguments of ESEARCH; without IN they are about the selected mailbox."""
    sources: tuple[FilterMailboxes, ...] = SELECTED
    lexer.space()
    if lexer.skip(b"IN "):
        sources = tuple(lexer.items(lambda: _source(lexer)))
        if len(sources) > MAX_SOURCES:
            raise lexer.error(f"More than {MAX_SOURCES} mailbox specifiers")
        lexer.space()
    start = lexer.pos
    search = read_search(lexer, uid=True)
    if any(source.which is not Which.SELECTED for source in sources):
        options = search.returns.options if search.returns else Return.NONE
        for option in (Return.SAVE, Return.UPDATE):
            if option in options:  # RFC 7377 §2.2
                lexer.pos = start
                raise lexer.error(f"{option.name} is about the selected mailbox alone")
    return Esearch(sources, search)


def _source(lexer: Lexer) -> FilterMailboxes:
    start = lexer.pos
    source = filter_mailboxes(lexer)
    if source.which is Which.SELECTED_DELAYED:
        lexer.pos = start
        raise lexer.error("SELECTED-DELAYED is not allowed here")
    return source
