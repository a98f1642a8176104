"""Paths and parameters of MAIL and RCPT (RFC 5321 §4.1.2; UTF-8 as RFC 6531 §3.3 allows it)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from mailkeep.smtp.wire.command import WireError

MAX_PATH: Final = 512  # octets: RFC 5321 §4.5.3.1.3 asks for 256; longer ones exist (VERP)

_ATOM: Final = r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\x80-\U0010ffff]"
# Dots anywhere: some mobile carriers gave out addresses with two in a row, or with one at the end.
_LOCAL: Final = rf'(?:{_ATOM[:-1]}.]+|"(?:[ !#-\[\]-~\x80-\U0010ffff]|\\[ -~])*")'
_DOMAIN: Final = r"(?:[A-Za-z0-9\-._\x80-\U0010ffff]+|\[[!-;=?A-Z^-~]+\])"
_PATH: Final = re.compile(rf"<(?:@{_DOMAIN}(?:,@{_DOMAIN})*:)?(?P<mailbox>(?P<local>{_LOCAL})@{_DOMAIN})>")
_POSTMASTER: Final = re.compile(r"<(?P<mailbox>[Pp][Oo][Ss][Tt][Mm][Aa][Ss][Tt][Ee][Rr])>")
_KEYWORD: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~\x80-\U0010ffff]+))?")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One ``keyword[=value]``; the keyword in upper case, the value None where there is none."""

    keyword: str
    value: str | None


def parse_path(argument: str, word: str, *, enhanced: str) -> tuple[str, str]:
    """The mailbox of ``word:<path>``, "" for the null path ``<>``, and the rest of the line.

    A source route is read and dropped (RFC 5321 §4.1.1.3).  A space after the colon is forgiven: Outlook sends one.
    `enhanced` is the code for a path that is none.  Raises: WireError.
    """
    start, colon, rest = argument.partition(":")
    if not colon or start.rstrip(" ").upper() != word:
        raise WireError(501, "5.5.4", f"Syntax: {word}:<address>")
    rest = rest.lstrip(" ")
    if rest.startswith("<>"):
        return "", rest[2:]
    found = _PATH.match(rest) or (_POSTMASTER.match(rest) if word == "TO" else None)  # §4.1.1.3: no reverse path
    if found is None or not found["mailbox"].isprintable():
        raise WireError(501, enhanced, "The address is not well-formed; it has the form <user@domain>")
    if len(found["mailbox"].encode()) > MAX_PATH:
        raise WireError(501, enhanced, "The address is too long")
    return found["mailbox"], rest[found.end() :]


def parse_parameters(text: str) -> tuple[Parameter, ...]:
    """The parameters after a path.  Raises: WireError (not well-formed, or one twice)."""
    if not text.strip(" "):
        return ()
    if not text.startswith(" "):
        raise WireError(501, "5.5.4", "There must be a space after the address")
    parameters: dict[str, Parameter] = {}
    for word in text.split():
        found = _KEYWORD.fullmatch(word)
        if found is None:
            raise WireError(501, "5.5.4", "A parameter is not well-formed")
        keyword = found[1].upper()
        if keyword in parameters:
            raise WireError(501, "5.5.4", f"{keyword} is given twice")
        parameters[keyword] = Parameter(keyword, found[2])
    return tuple(parameters.values())
