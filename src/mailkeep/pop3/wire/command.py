"""A command line: its keyword, and what follows (RFC 1939 §3, RFC 2449 §3)."""

from __future__ import annotations

import re
from typing import Final

MAX_KEYWORD: Final = 4  # RFC 1939 §3: three or four characters
MAX_NUMBER: Final = 10  # digits

_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_DIGITS: Final = re.compile(r"[0-9]{1,10}")


class WireError(Exception):
    """A line that does not follow the grammar; the text says what is wrong, and is for the client."""


def split(line: bytes) -> tuple[str, str]:
    """The keyword in upper case, and what stands behind the space that follows it.

    Raises: WireError (no keyword, not UTF-8, or control characters, which no command may hold).
    """
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        raise WireError("Commands must be UTF-8") from error
    if _CONTROL.search(text):
        raise WireError("Control characters are not allowed in commands")
    keyword, _, argument = text.partition(" ")
    if not (keyword.isascii() and keyword.isalnum()):
        raise WireError("A command begins with a word")
    return keyword.upper(), argument


def nothing(argument: str) -> None:
    """The argument of a command that takes none.  Raises: WireError."""
    if argument.strip(" "):
        raise WireError("This command takes no argument")


def number(argument: str) -> int:
    """A message-number.  Raises: WireError."""
    digits = argument.strip(" ")
    if not _DIGITS.fullmatch(digits):
        raise WireError("The argument is the number of a message")
    return int(digits)


def optional_number(argument: str) -> int | None:
    """A message-number, or None where there is none.  Raises: WireError."""
    return number(argument) if argument.strip(" ") else None
