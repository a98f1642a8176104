r"""Flags of a mailbox entry as two plain values: `mask` and `more`.

`mask` is a signed 64-bit integer: bits 0–4 are the system flags, bits 5–61 the account's first 57 keywords.
`more` is the ascending tuple of the numbers (62 and up) of all further keywords, nearly always ().
Keyword *k* of an account therefore has number ``FIRST_KEYWORD + k``; numbers belong to the account and are never
reused.  ``\Recent`` is not a flag.
"""

from __future__ import annotations

import re
from enum import IntFlag
from typing import Final

FIRST_KEYWORD: Final = 5
FIRST_MORE: Final = 62  # keywords from this number on live in `more`
MAX_KEYWORDS: Final = 1000  # an account's; one more raises LimitReached
MAX_KEYWORD_LENGTH: Final = 255

More = tuple[int, ...]


class System(IntFlag):
    """The system flags, at their bits of the mask (RFC 9051 §2.3.2)."""

    SEEN = 1
    ANSWERED = 2
    FLAGGED = 4
    DELETED = 8
    DRAFT = 16


# RFC 9051 §9: flag-keyword is an atom; "[" is allowed by the grammar, but clients and traps.md row 23 say refuse.
KEYWORD: Final = re.compile(r"[!#$&'+,\-./0-9:;<=>?@A-Z^_`a-z|}~]{1,255}\Z")


# The IANA registry of IMAP and JMAP keywords (RFC 5788), as of November 2026.
_REGISTERED: Final = (
    "$MDNSent", "$Forwarded", "$SubmitPending", "$Submitted", "$Junk", "$NotJunk", "$Phishing", "$Important",
    "$MailFlagBit0", "$MailFlagBit1", "$MailFlagBit2", "$autosent", "$canunsubscribe", "$followed", "$hasattachment",
    "$hasmemo", "$hasnoattachment", "$imported", "$istrusted", "$maskedemail", "$memo", "$muted", "$new", "$notify",
    "$unsubscribed",
)  # fmt: skip
_SPELLINGS: Final = {name.casefold(): name for name in _REGISTERED}


def spelled(keyword: str) -> str:
    """`keyword` as it is registered, if it is; else as it is.  An account keeps the first spelling that it meets."""
    return _SPELLINGS.get(keyword.casefold(), keyword)


def is_keyword(name: str) -> bool:
    """Whether `name` may be a keyword: an IMAP atom of at most 255 ASCII characters without brackets."""
    return KEYWORD.match(name) is not None
