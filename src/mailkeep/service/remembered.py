"""Answers about secrets, kept for a short while so that the same question need not be asked again."""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Generic, TypeVar

V = TypeVar("V")

MOST: Final = 10_000  # answers


class Remembered(Generic[V]):
    """Answers by what was asked, of which only a digest is kept, keyed so that it is worthless elsewhere."""

    def __init__(self, for_s: float, clock: Callable[[], float]) -> None:
        self._for_s = for_s
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._answers: OrderedDict[bytes, tuple[float, V]] = OrderedDict()  # the oldest first

    def find(self, *asked: str) -> V | None:
        """The answer, while it is kept."""
        digest = self._digest(asked)
        kept = self._answers.get(digest)
        if kept is None:
            return None
        until, answer = kept
        if self._clock() >= until:
            del self._answers[digest]
            return None
        return answer

    def add(self, answer: V, *asked: str) -> None:
        """Keep an answer from now on."""
        digest = self._digest(asked)
        self._answers.pop(digest, None)
        self._answers[digest] = self._clock() + self._for_s, answer
        if len(self._answers) > MOST:
            self._answers.popitem(last=False)

    def _digest(self, asked: tuple[str, ...]) -> bytes:
        parts = [part.encode(errors="surrogatepass") for part in asked]
        text = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hashlib.blake2b(text, key=self._key, digest_size=32).digest()
