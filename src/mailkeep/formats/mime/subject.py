"""Base subjects: what SORT and THREAD compare (RFC 5256 §2.1).

Every step looks at each character once or twice, whatever a subject is: places move, nothing is copied.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from mailkeep.formats.mime.words import decode_words

LONGEST: Final = 1000  # characters of a base subject that are told apart
_READ: Final = 65_536  # octets of a subject that are looked at

_SPACES: Final = re.compile(r"[ \t\r\n]+")
_BLOB: Final = re.compile(r"\[[^\[\]]*\] *")
_REPLY: Final = re.compile(r"(?:re|fwd?) *(?:\[[^\[\]]*\] *)?:", re.IGNORECASE)
_FORWARD: Final = "[fwd:"
_TRAILER: Final = "(fwd)"


class Subject(NamedTuple):
    """`base`: the base subject, in the case it was written in.  `is_reply`: something said reply or forward."""

    base: str
    is_reply: bool


def base_subject(value: bytes) -> Subject:
    """The base subject of an unfolded Subject value, encoded words and all."""
    text = _SPACES.sub(" ", decode_words(value[:_READ]))
    start, end, is_reply = 0, len(text), False
    while True:
        end, trailed = _without_trailers(text, start, end)
        start, led = _without_leaders(text, start, end)
        is_reply = is_reply or trailed or led
        if not (text[start : start + len(_FORWARD)].lower() == _FORWARD and start < end and text[end - 1] == "]"):
            return Subject(text[start : min(end, start + LONGEST)], is_reply)
        start, end, is_reply = start + len(_FORWARD), end - 1, True


def _without_trailers(text: str, start: int, end: int) -> tuple[int, bool]:
    """Step 2: where the text ends without spaces and ``(fwd)``, and whether there was one."""
    found = False
    while end > start:
        if text[end - 1] == " ":
            end -= 1
        elif end - start >= len(_TRAILER) and text[end - len(_TRAILER) : end].lower() == _TRAILER:
            end -= len(_TRAILER)
            found = True
        else:
            break
    return end, found


def _without_leaders(text: str, start: int, end: int) -> tuple[int, bool]:
    """Steps 3 to 5: where the text begins without spaces, ``Re:`` and ``[list]``, and whether there was a ``Re:``.

    A blob goes if something is left after it.
    """
    found = False
    while True:
        while start < end and text[start] == " ":
            start += 1
        blob, after = start, start  # the last of the blobs that stand here, and what follows it
        while (match := _BLOB.match(text, after, end)) is not None:
            blob, after = after, match.end()
        match = _REPLY.match(text, after, end)
        if match is None:
            return (after if after < end else blob), found
        start, found = match.end(), True
