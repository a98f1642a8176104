"""LIST, LSUB and XLIST."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from mailkeep.imap.commands.acl import tell_rights
from mailkeep.imap.commands.metadata import Notes
from mailkeep.imap.commands.status import tell_status
from mailkeep.imap.session import Authenticated
from mailkeep.imap.wire import response
from mailkeep.imap.wire.list_ import List, Lsub, Return, Selection
from mailkeep.imap.wire.list_match import Pattern
from mailkeep.model.mailbox import DELIMITER, INBOX, MAX_DEPTH
from mailkeep.service.pace import Pace
from mailkeep.service.places import Place
from mailkeep.service.trees import OTHERS, SHARED

_WILDCARD: Final = re.compile("[%*]")
PIECE: Final = 64 * 1024  # octets given out before others get their turn


@dataclass(frozen=True, slots=True)
class _Tree:
    """The account's names: mailboxes, subscriptions, and who has children."""

    places: dict[str, Place]
    subscribed: frozenset[str]
    parents: frozenset[str]
    above_subscribed: frozenset[str]

    @classmethod
    def of(cls, places: Iterable[Place], subscriptions: Iterable[str]) -> _Tree:
        by_name = {place.name: place for place in places}
        subscribed = frozenset(subscriptions)
        return cls(by_name, subscribed, _all_above(by_name), _all_above(subscribed))


def _all_above(names: Iterable[str]) -> frozenset[str]:
    found: set[str] = set()
    for name in names:
        for parent in _above(name):
            if parent in found:
                break  # and so are those above it
            found.add(parent)
    return frozenset(found)


def _above(name: str) -> Iterable[str]:
    """The names above a name, nearest first."""
    while DELIMITER in name:
        name = name.rpartition(DELIMITER)[0]
        yield name


async def _read(s: Authenticated, patterns: Sequence[str]) -> _Tree:
    foreign = any(_reaches_others(pattern) for pattern in patterns)
    places = await s.places.list(s.account, foreign=foreign)
    return _Tree.of(places, await s.places.subscriptions(s.account))


def _reaches_others(pattern: str) -> bool:
    """Whether a name in the tree of others, or the shared one, may match: else nobody need look there."""
    fixed = _WILDCARD.split(pattern, maxsplit=1)[0]
    return any(tree.startswith(fixed[: len(tree)]) for tree in (OTHERS, SHARED))


async def list_(s: Authenticated, cmd: List) -> None:
    """Names that match, with attributes, children, subscriptions, status, rights, metadata.

    RFC 9051 §6.3.9, RFC 5258, 5819, 6154, 8440, 9590.
    """
    if not cmd.extended and cmd.patterns == ("",):
        # asks for the delimiter and the root of the reference
        s.session.write(response.list_line(("\\Noselect",), b'""'))
        return
    # an empty one asks for nothing in an extended LIST (RFC 9051 §6.3.9)
    patterns = [_join(cmd.reference, pattern) for pattern in cmd.patterns if pattern]
    tree = await _read(s, patterns)
    connection = s.session.connection
    matching = await _matching(tree, patterns)
    hidden = _hidden(tree, cmd.selection, matching)
    notes = Notes(s, cmd.metadata)
    candidates = _candidates(tree, cmd.selection)
    selects = cmd.selection & (Selection.SUBSCRIBED | Selection.SPECIAL_USE)
    if not selects and any(pattern.endswith("%") for pattern in patterns):
        candidates |= tree.parents  # levels that are no mailboxes, or none that the user may see (RFC 3501 §6.3.8)
    pace = Pace()
    for name in sorted(candidates & matching, key=_order):
        if pace.is_over:
            await pace.give_way()
        if connection.queued > PIECE:
            await connection.drain()
        if line := _line(s, tree, cmd, name, below=name in hidden):
            s.session.write(line)
            place = tree.places.get(name)
            if place is not None and _is_selected(cmd.selection, place, subscribed=name in tree.subscribed):
                await _tell_more(s, cmd, place)
                await notes.tell(place)


async def _tell_more(s: Authenticated, cmd: List, place: Place) -> None:
    """What the return options ask for beside the LIST line, of a mailbox that is selected itself."""
    if Return.MYRIGHTS in cmd.returns:
        tell_rights(s, place)
    if cmd.status and place.mailbox.selectable and place.may("r"):
        await tell_status(s, place, cmd.status)


def _join(reference: str, pattern: str) -> str:
    """The reference is a prefix; a pattern that begins at the root ignores it (RFC 9051 §6.3.9)."""
    return pattern if pattern.startswith(DELIMITER) or not reference else reference + pattern


async def _matching(tree: _Tree, patterns: Iterable[str]) -> frozenset[str]:
    """The names that match; there may be a hundred patterns and ten thousand names, so others get their turn."""
    ready = [Pattern(pattern) for pattern in patterns]
    found: list[str] = []
    pace = Pace()
    for name in tree.places.keys() | tree.subscribed | tree.parents | tree.above_subscribed:
        if any(pattern.matches(name) for pattern in ready):
            found.append(name)
        if pace.is_over:
            await pace.give_way()
    return frozenset(found)


def _order(name: str) -> tuple[bool, str]:
    """INBOX first."""
    return name != INBOX, name


def _candidates(tree: _Tree, selection: Selection) -> set[str]:
    names = set(tree.places)
    if Selection.SUBSCRIBED in selection:
        names = set(tree.subscribed)
        if Selection.RECURSIVEMATCH in selection:
            names.update(tree.above_subscribed)
    elif Selection.SPECIAL_USE in selection and Selection.RECURSIVEMATCH in selection:
        names.update(tree.parents)
    return names


def _line(s: Authenticated, tree: _Tree, cmd: List, name: str, *, below: bool) -> bytes | None:
    place = tree.places.get(name)
    subscribed = name in tree.subscribed
    selected = _is_selected(cmd.selection, place, subscribed=subscribed)
    if not selected and not below:
        return None
    attributes = list(_attributes(tree, place, name))
    if subscribed and (Return.SUBSCRIBED in cmd.returns or Selection.SUBSCRIBED in cmd.selection):
        attributes.append("\\Subscribed")
    extended = response.childinfo(_child_info(cmd.selection)) if below else b""
    text = response.mailbox(name, utf8=s.session.enabled.utf8_names)
    return response.list_line(attributes, text, extended=extended)


def _is_selected(selection: Selection, place: Place | None, *, subscribed: bool) -> bool:
    if Selection.SUBSCRIBED in selection and not subscribed:
        return False
    return Selection.SPECIAL_USE not in selection or (place is not None and place.mailbox.role is not None)


def _hidden(tree: _Tree, selection: Selection, matching: frozenset[str]) -> frozenset[str]:
    """The names with something below them that is selected without being listed itself (RFC 9051 §6.3.9.6)."""
    if Selection.RECURSIVEMATCH not in selection:
        return frozenset()
    return _all_above(
        name
        for name in (tree.subscribed | tree.places.keys()) - matching
        if _is_selected(selection, tree.places.get(name), subscribed=name in tree.subscribed)
    )


def _child_info(selection: Selection) -> list[str]:
    """The selection options that something hidden below meets."""
    options = {Selection.SUBSCRIBED: "SUBSCRIBED", Selection.SPECIAL_USE: "SPECIAL-USE"}
    return [word for option, word in options.items() if option in selection]


def _attributes(tree: _Tree, place: Place | None, name: str) -> Iterable[str]:
    """Attributes that are always told; special use too, as Outlook and others look for it in a plain LIST."""
    if place is None:
        yield "\\NonExistent"
        if name in tree.parents:  # a level above what others share: old clients do not know the first word
            yield "\\Noselect"
    elif not place.mailbox.selectable:
        yield "\\Noselect"
    if name.count(DELIMITER) + 1 >= MAX_DEPTH:
        yield "\\NoInferiors"
    else:
        yield "\\HasChildren" if name in tree.parents else "\\HasNoChildren"
    if place is not None and place.mailbox.role is not None:
        yield f"\\{place.mailbox.role}"


async def lsub(s: Authenticated, cmd: Lsub) -> None:
    """Names subscribed to; with ``%``, a parent of one that is not itself is \\Noselect.  RFC 3501 §6.3.9.

    Gone from IMAP4rev2, but clients send it always.
    """
    pattern = _join(cmd.reference, cmd.pattern)
    tree = await _read(s, [pattern])
    names = tree.subscribed | tree.above_subscribed if pattern.endswith("%") else tree.subscribed
    connection = s.session.connection
    for name in sorted(names & await _matching(tree, [pattern]), key=_order):
        if connection.queued > PIECE:
            await connection.drain()
        place = tree.places.get(name)
        if name not in tree.subscribed:
            attributes = ["\\Noselect"]
        else:
            attributes = [a for a in _attributes(tree, place, name) if a not in ("\\NonExistent", "\\Noselect")]
            if place is None or not place.mailbox.selectable:
                attributes.insert(0, "\\Noselect")
        text = response.mailbox(name, utf8=s.session.enabled.utf8_names)
        s.session.write(response.list_line(attributes, text, word=b"LSUB"))


async def xlist(s: Authenticated, cmd: Lsub) -> None:
    r"""The LIST that Google made and Outlook 2013 uses: special uses under the names that it had, INBOX too.

    Of no RFC.  \Spam is told beside \Junk, as clients look for the one or the other.
    """
    if not cmd.pattern:
        s.session.write(response.list_line(("\\Noselect",), b'""', word=b"XLIST"))
        return
    pattern = _join(cmd.reference, cmd.pattern)
    tree = await _read(s, [pattern])
    connection = s.session.connection
    for name in sorted(tree.places.keys() & await _matching(tree, [pattern]), key=_order):
        if connection.queued > PIECE:
            await connection.drain()
        attributes = list(_attributes(tree, tree.places[name], name))
        if name == INBOX:
            attributes.append("\\Inbox")
        if "\\Junk" in attributes:
            attributes.append("\\Spam")
        text = response.mailbox(name, utf8=s.session.enabled.utf8_names)
        s.session.write(response.list_line(attributes, text, word=b"XLIST"))
