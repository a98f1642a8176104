"""Named searches: FILTER keys are replaced by what the server's metadata keeps under their names (RFC 5466)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from mailkeep.imap.done import Refused
from mailkeep.imap.wire import response
from mailkeep.imap.wire import search as wire
from mailkeep.imap.wire.framing import Raw
from mailkeep.imap.wire.lexer import Lexer, ParseError
from mailkeep.model.metadata import THE_SERVER

if TYPE_CHECKING:
    from mailkeep.imap.session import Authenticated

VALUES: Final = ("/private/filters/values/", "/shared/filters/values/")  # the first that has the name counts
MAX_NESTED: Final = 5  # filters in filters; the RFC wants 3


@dataclass(frozen=True, slots=True)
class _Expanded:
    """A key without FILTER in it.  `keys` and `depth` are what the grammar counts."""

    key: wire.Key
    keys: int
    depth: int
    modseq: bool


async def expand(s: Authenticated, cmd: wire.Search) -> wire.Search:
    """The command with the criteria for each FILTER.  Raises: Refused (UNDEFINED-FILTER)."""
    if not cmd.filters:
        return cmd
    expanded = await _Expander(s).expand(cmd.key, ())
    return replace(cmd, key=expanded.key, modseq=cmd.modseq or expanded.modseq, filters=False)


def check_values(values: Iterable[tuple[str, bytes | None]], off: frozenset[str]) -> None:
    """What clients store as filters must be whole and right criteria (RFC 5466 §3.2).  Raises: Refused."""
    for entry, value in values:
        if value is not None and entry.lower().startswith(VALUES):
            try:
                _parse(value, off)
            except ParseError as error:
                raise Refused(f"These are no search criteria: {error.text} (at octet {error.position})") from error


def find_problem(name: str, criteria: bytes) -> str:
    """Why this cannot be a filter; "" if it can."""
    lexer = Lexer(Raw(b"FILTER " + name.encode()))
    try:
        wire.read_program(lexer)
    except ParseError as error:
        return error.text
    try:
        _parse(criteria)
    except ParseError as error:
        return f"{error.text} (at octet {error.position} of the criteria)"
    return ""


def _parse(value: bytes, off: frozenset[str] = frozenset()) -> wire.Program:
    return wire.read_program(Lexer(Raw(value), off=off))


class _Expander:
    """Reads each filter once, however often it occurs."""

    def __init__(self, s: Authenticated) -> None:
        self._s = s
        self._known: dict[str, _Expanded] = {}

    async def expand(self, key: wire.Key, within: tuple[str, ...]) -> _Expanded:
        """`within`: the filters in which the key stands."""
        match key:
            case wire.And(keys):
                parts = [await self.expand(each, within) for each in keys]
                return self._joined(wire.And(tuple(part.key for part in parts)), parts)
            case wire.Or(keys):
                parts = [await self.expand(each, within) for each in keys]
                return self._joined(wire.Or(tuple(part.key for part in parts)), parts)
            case wire.Not(each):
                part = await self.expand(each, within)
                return self._joined(wire.Not(part.key), [part])
            case wire.Fuzzy(each):
                part = await self.expand(each, within)
                return self._joined(wire.Fuzzy(part.key), [part])
            case wire.Filter(name):
                return await self._filter(name.lower(), name, within)
            case _:
                return _Expanded(key, 1, 1, isinstance(key, wire.ModSeq))

    def _joined(self, key: wire.Key, parts: list[_Expanded]) -> _Expanded:
        keys = sum(part.keys for part in parts)
        depth = 1 + max(part.depth for part in parts)
        if keys > wire.MAX_KEYS or depth > wire.MAX_DEPTH:
            raise Refused("With its filters the search is too long, or nested too deeply", b"LIMIT")
        return _Expanded(key, keys, depth, any(part.modseq for part in parts))

    async def _filter(self, name: str, spelled: str, within: tuple[str, ...]) -> _Expanded:
        if name in self._known:
            return self._known[name]
        if name in within or len(within) >= MAX_NESTED:
            raise _undefined(spelled, "Filters that name each other, or too many in one another, are none")
        value = await self._read(name)
        if value is None:
            raise _undefined(spelled, "There is no such filter")
        try:
            program = _parse(value, self._s.session.options.off)
        except ParseError as error:
            raise _undefined(spelled, f"The filter is none: {error.text} (at octet {error.position})") from error
        expanded = self._known[name] = await self.expand(program.key, (*within, name))
        return expanded

    async def _read(self, name: str) -> bytes | None:
        account = self._s.account
        entries = [start + name for start in VALUES]
        found = await self._s.session.services.metadata.get(account, THE_SERVER, entries, reader=account)
        values = {one.entry: one.value for one in found}
        return next((value for entry in entries if (value := values.get(entry)) is not None), None)


def _undefined(name: str, text: str) -> Refused:
    return Refused(text, response.undefined_filter(name))
