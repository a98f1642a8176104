"""How a command ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from mailkeep.imap.wire import response


class Bad(Exception):
    """The client made a mistake that the grammar does not show: answer BAD with this text."""


class Refused(Exception):
    """Answer NO, or another `word`, with this text and response code."""

    def __init__(self, text: str, code: bytes = b"", word: bytes = response.NO) -> None:
        super().__init__(text)
        self.code = code
        self.word = word


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
