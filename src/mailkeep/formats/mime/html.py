"""The text of HTML, for searching: tags out, characters in.  Not a parser: it need only be quick and never fail."""

from __future__ import annotations

import re
from html import unescape
from typing import Final

# Each alternative also ends at the end of the text, so that nothing is looked at twice.
_HIDDEN: Final = re.compile(r"<!--.*?(?:-->|\Z)|<((?i:script|style))\b.*?(?:</\1\s*>|\Z)", re.DOTALL)
_INLINE: Final = re.compile(
    r"</?(?i:a|abbr|acronym|b|bdi|bdo|big|cite|code|del|dfn|em|font|i|ins|kbd|mark|q|s|samp|small|span|strike|strong"
    r"|sub|sup|tt|u|var|wbr)(?:[\s/][^>]*)?(?:>|\Z)"
)
_TAG: Final = re.compile(r"</?[a-zA-Z!?][^>]*(?:>|\Z)")
_SPACE: Final = re.compile(r"\s+")


def html_text(html: str) -> str:
    """What a reader would see: words are not cut by tags inside a line, and runs of white space are one space."""
    text = _HIDDEN.sub(" ", html)
    text = _TAG.sub(" ", _INLINE.sub("", text))
    return _SPACE.sub(" ", unescape(text))
