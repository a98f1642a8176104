"""A command line: its verb, and what follows (RFC 5321 §4.1.1)."""

from __future__ import annotations

from typing import Final

from mailkeep.smtp.wire.reply import Reply

MAX_VERB: Final = 32


class WireError(Exception):
    """A line that does not follow the grammar; `reply` says what is wrong."""

    def __init__(self, code: int, enhanced: str, text: str) -> None:
        super().__init__(text)
        self.reply = Reply(code, enhanced, text)


def split(line: bytes) -> tuple[str, str]:
    """The verb in upper case, and its argument without the spaces around it.

    Raises: WireError (no verb, not UTF-8, or control characters, which no command may hold).
    """
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        raise WireError(500, "5.5.2", "Commands must be UTF-8") from error
    if not text.isprintable() and any(character < " " or character == "\x7f" for character in text.replace("\t", " ")):
        raise WireError(500, "5.5.2", "Control characters are not allowed in commands")
    verb, _, argument = text.strip(" \t").replace("\t", " ").partition(" ")
    if not (verb.isascii() and verb.isalpha() and len(verb) <= MAX_VERB):
        raise WireError(500, "5.5.2", "A command begins with a word")
    return verb.upper(), argument.strip(" ")


def nothing(argument: str) -> None:
    """The argument of a command that takes none.  Raises: WireError."""
    if argument:
        raise WireError(501, "5.5.4", "This command takes no argument")


def anything(argument: str) -> str:
    """The argument of a command that ignores it."""
    return argument
