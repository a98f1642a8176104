"""LANG: the language of texts for people."""

from __future__ import annotations

from typing import Final

from mailkeep.pop3.session import Session
from mailkeep.pop3.wire.reply import Reply, error, ok, several

ENGLISH: Final = "en"
LANGUAGES: Final = {ENGLISH: "English", "i-default": "English"}  # the latter reads as English too (RFC 2277 §4.5)


def lang(session: Session, wanted: str | None) -> Reply | None:
    """Tell or choose the language; there is one, under two names.  RFC 6856 §3.2."""
    if wanted is None:
        session.write(several("Languages follow", (f"{tag} {name}" for tag, name in LANGUAGES.items())))
        return None
    tag = ENGLISH if wanted == "*" else _find(wanted)
    return error("This language is not known here") if tag is None else ok(f"{tag} Now speaking English")


def _find(wanted: str) -> str | None:
    """The language that a basic range matches (RFC 4647 §3.3.1): "en-gb" does not match "en", but is understood."""
    if wanted in LANGUAGES:
        return wanted
    return ENGLISH if wanted.partition("-")[0] == ENGLISH else None
