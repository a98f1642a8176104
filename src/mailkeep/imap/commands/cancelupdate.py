"""CANCELUPDATE."""

from __future__ import annotations

from collections.abc import Sequence

from mailkeep.imap.done import Bad, Done
from mailkeep.imap.session import Selected


async def cancelupdate(s: Selected, tags: Sequence[bytes]) -> Done:
    """Tell nothing more of searches that were begun with UPDATE, by their tags.  RFC 5267 §4.3.5."""
    contexts = s.contexts
    if contexts is None or not all(tag in contexts for tag in tags):
        raise Bad("There is no search with UPDATE of that tag")
    for tag in set(tags):
        contexts.cancel(tag)
    return Done("No further updates")
