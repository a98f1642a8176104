"""How a command ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from mailkeep.imap.wire import response
from mailkeep.model.errors import MailError


class Bad(Exception):
    """The client made a mistake that the grammar does not show: answer BAD with this text."""


class Refused(Exception):
    """Answer NO, or another `word`, with this text and response code."""

    def __init__(self, text: str, code: bytes = b"", word: bytes = response.NO) -> None:
        super().__init__(text)
        self.code = code
        self.word = word


@contextmanager
def within_literal() -> Iterator[None]:
    """What is announced must come whole: a fault in the middle of a literal cuts the connection (RFC 9051 §4.3).

    An answer that says so would be taken for the literal's octets.  Raises: ConnectionAbortedError.
    """
    try:
        yield
    except MailError as error:
        raise ConnectionAbortedError from error


# Not frozen: made by the thousand, and frozen costs four times as much.
@dataclass(slots=True)
class Done:
    """A tagged answer; without `text` it says that the command is completed.  `then` runs once it has been written."""

    text: str = ""
    code: bytes = b""
    word: bytes = response.OK
    then: Callable[[], Awaitable[None]] | None = None


COMPLETED: Final = Done()
"""What nearly every command says."""
