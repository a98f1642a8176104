"""LANGUAGE."""

from __future__ import annotations

from typing import Final

from mailkeep.imap.commands.namespace import namespace
from mailkeep.imap.done import Done, Refused
from mailkeep.imap.session import Session
from mailkeep.imap.wire import response

ENGLISH: Final = "en"
LANGUAGES: Final = (ENGLISH, "i-default")  # the latter reads as English too (RFC 2277 §4.5)


async def language(session: Session, ranges: tuple[str, ...]) -> Done | None:
    """Tell or choose the language of texts for people; there is one, under two names.  RFC 5255 §3.2 to §3.4.

    The names of namespaces follow; none has a translation.
    """
    if not ranges:
        session.write(response.language(LANGUAGES))
        return None
    chosen = next((found for each in ranges if (found := _find(each))), None)
    if chosen is None:
        raise Refused("None of these languages is known here")
    session.write(response.language((chosen,)))
    if session.authenticated is not None and "NAMESPACE" not in session.options.off:
        await namespace(session.authenticated, None)
    return Done("Now speaking English")


def _find(wanted: str) -> str | None:
    """The language of a range: its own, or that of what is left when its end is cut off (RFC 4647 §3.4)."""
    if wanted in ("default", "*"):
        return ENGLISH
    if wanted == "i-default":
        return wanted
    return ENGLISH if wanted.partition("-")[0] == ENGLISH else None
