"""What an answer means: equal for two servers that agree, whatever the order and the form in which they say it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from tests.differential.script import Step
from tests.differential.wire import Answer, Untagged, Value

# What may be said of a name without consequence for whoever reads it
IDLE_ATTRIBUTES: Final = frozenset({"\\marked", "\\unmarked"})
OPAQUE: Final = ("UIDVALIDITY", "HIGHESTMODSEQ")
CODES: Final = ("TRYCREATE", "READ-ONLY", "READ-WRITE", "MODIFIED", "COPYUID", "APPENDUID", "BADCHARSET", "UNKNOWN-CTE")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one step: `data` by name, for each command what its responses are about."""

    result: str
    code: str = ""  # its word, where it matters
    data: dict[str, Any] = field(default_factory=dict)


def outcome(step: Step, answer: Answer, uids: list[int]) -> Outcome:
    """The meaning of an answer; `uids` are those of the mailbox before the step, by message number."""
    word = answer.code.partition(" ")[0].upper()
    code = word if word in CODES else ""
    if answer.kind == "BAD":
        return Outcome("BAD")
    name = step.name.removeprefix("UID ")
    match name:
        case "FETCH":
            data = _fetched(step, answer)
        case "STORE":
            data = _stored(answer, uids, by_uid=step.name.startswith("UID "))
            if b"SILENT" in step.text:  # a server may tell more than it must
                data = {place: value for place, value in data.items() if place == "modified"}
        case "SEARCH":
            data = _found(answer, uids, by_uid=step.name.startswith("UID "))
        case "SORT" | "THREAD":
            data = _ordered(answer, name, uids, by_uid=step.name.startswith("UID "))
        case "COPY":
            data = _copied(answer.code)
        case "MOVE":
            data = {**_gone(answer, uids), **_moved(answer)}
        case "EXPUNGE":
            data = _gone(answer, uids)
        case "APPEND":
            data = {"uid": answer.code.split()[2]} if code == "APPENDUID" else {}
        case "LIST" | "LSUB":
            data = _listed(answer, name)
        case "STATUS":
            data = _statuses(answer)
        case "SELECT" | "EXAMINE":
            data = _opened(answer)
        case _:
            data = {}
    return Outcome(answer.kind, code, data if answer.kind == "OK" or name in ("FETCH", "STORE") else {})


def differences(one: Outcome, two: Outcome) -> list[tuple[str, Any, Any]]:
    """Where they differ: the place, and what each has there."""
    out: list[tuple[str, Any, Any]] = []
    if one.result != two.result:
        return [("result", one.result, two.result)]
    if one.code != two.code:
        out.append(("code", one.code, two.code))
    out += [
        (key, one.data.get(key), two.data.get(key))
        for key in sorted(one.data.keys() | two.data.keys())
        if one.data.get(key) != two.data.get(key)
    ]
    return out


def flags(values: Iterable[Value]) -> frozenset[str]:
    """Flags, in any case; without the Recent flag, which depends on who looks first."""
    return frozenset(str(flag).lower() for flag in values) - {"\\recent"}


def items_of(row: Untagged) -> dict[str, Value]:
    """The items of a FETCH response."""
    [listed] = row.values
    return {_item(str(name)): value for name, value in zip(listed[::2], listed[1::2], strict=True)}


def _item(name: str) -> str:
    return name.upper().replace('"', "")


def state(answer: Answer) -> dict[int, frozenset[str]]:
    """UID → flags, of UID FETCH 1:* (FLAGS)."""
    rows = [items_of(row) for row in answer.all("FETCH")]
    out: dict[int, frozenset[str]] = {}
    for row in rows:
        if "UID" in row and "FLAGS" in row:
            out[row["UID"]] = flags(row["FLAGS"])
    return out


def _fetched(step: Step, answer: Answer) -> dict[str, Any]:
    asked = step.text.decode().upper().replace(".PEEK", "")
    out: dict[str, Any] = {}
    for row in answer.all("FETCH"):
        items = items_of(row)
        for name, value in items.items():
            bare = name.partition("<")[0].partition("[")[0]
            if bare in asked and name != "UID" and "UID" in items:
                out[f"{items['UID']} {name}"] = _value(name, value)
    return out


def _value(name: str, value: Value) -> Value:
    match name:
        case "FLAGS":
            return flags(value)
        case "MODSEQ":
            return "…"
        case "INTERNALDATE":
            return dt.datetime.strptime(value.decode().strip(), "%d-%b-%Y %H:%M:%S %z").astimezone(dt.UTC)
        case "ENVELOPE":
            return _lower_hosts(value)
        case "BODYSTRUCTURE" | "BODY":
            return _structure(value)
    return str(value).encode() if isinstance(value, (str, int)) and "[" in name else value


def _lower_hosts(value: Value) -> Value:
    return value


def _structure(value: Value) -> Value:
    """Case does not matter in types and the names of parameters; strings are compared without it."""
    match value:
        case list():
            return [_structure(each) for each in value]
        case bytes():
            return value.lower()
    return value


def _stored(answer: Answer, uids: list[int], *, by_uid: bool) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for row in answer.all("FETCH"):
        items = items_of(row)
        uid = uids[row.number - 1] if row.number <= len(uids) else -row.number
        if "FLAGS" in items:
            out[str(uid)] = flags(items["FLAGS"])
    if answer.code.upper().startswith("MODIFIED"):
        numbers = expand(answer.code.split()[1])
        out["modified"] = sorted(numbers if by_uid else (uids[n - 1] for n in numbers))
    return out


def _found(answer: Answer, uids: list[int], *, by_uid: bool) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for row in answer.all("SEARCH"):
        numbers = [each for each in row.values if isinstance(each, int)]
        out["found"] = sorted(numbers if by_uid else (uids[n - 1] for n in numbers))
    for row in answer.all("ESEARCH"):
        words = [each for each in row.values if each != "UID" and not isinstance(each, list)]
        for name, value in zip(words[::2], words[1::2], strict=True):
            if name.upper() == "ALL":
                out["ALL"] = sorted(expand(str(value)))
            elif name.upper() != "MODSEQ":
                out[name.upper()] = value
    return out


def _ordered(answer: Answer, kind: str, uids: list[int], *, by_uid: bool) -> dict[str, Any]:
    """The order counts; of a thread, that of its branches too."""

    def mapped(value: Value) -> Value:
        if isinstance(value, list):
            return [mapped(each) for each in value]
        return value if by_uid else uids[value - 1]

    rows = answer.all(kind)
    return {kind: mapped(rows[0].values)} if rows else {}


def _copied(code: str) -> dict[str, Any]:
    words = code.split()
    if not words or words[0].upper() != "COPYUID":
        return {}
    return {"source": expand(words[2]), "target": expand(words[3])}


def _moved(answer: Answer) -> dict[str, Any]:
    codes = [row.values[0] for row in answer.all("OK")] + [answer.code]
    return next((_copied(code) for code in codes if _copied(code)), {})


def _gone(answer: Answer, uids: list[int]) -> dict[str, Any]:
    left = list(uids)
    gone: list[int] = []
    for row in answer.untagged:
        if row.kind == "EXPUNGE":
            gone.append(left.pop(row.number - 1))
        elif row.kind == "VANISHED":
            gone += expand(str(row.values[-1]))
    return {"gone": sorted(gone)}


def _listed(answer: Answer, kind: str) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for row in answer.all(kind):
        attributes, delimiter, name, *extended = row.values
        told = flags(attributes) - IDLE_ATTRIBUTES
        if kind == "LSUB":  # RFC 3501 §6.3.9: of the attributes, those of LIST are authoritative
            told &= {"\\noselect"}
        out[_name(name)] = (told, _text(delimiter), _extended(extended))
    return {**out, **_statuses(answer)}


def _extended(values: list[Value]) -> str:
    return repr(values).upper() if values else ""


def _text(value: Value) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _name(value: Value) -> str:
    text = _text(value)
    return "INBOX" if text.upper() == "INBOX" else text


def _statuses(answer: Answer) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for row in answer.all("STATUS"):
        name, listed = row.values
        for item, value in zip(listed[::2], listed[1::2], strict=True):
            out[f"STATUS {_name(name)} {item.upper()}"] = "…" if item.upper() in OPAQUE else value
    return out


def _opened(answer: Answer) -> dict[str, Any]:
    out: dict[str, Any] = {"EXISTS": [row.number for row in answer.all("EXISTS")]}
    for row in answer.all("OK"):
        word, _, value = row.values[0].partition(" ")
        if word.upper() in ("UIDNEXT", "UNSEEN"):
            out[word.upper()] = value
    return out


def expand(text: str) -> list[int]:
    """The numbers of a set, in its order."""
    out: list[int] = []
    for piece in text.split(","):
        low, _, high = piece.partition(":")
        one, two = int(low), int(high or low)
        out += range(one, two + 1) if one <= two else range(one, two - 1, -1)
    return out
